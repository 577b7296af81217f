"""The segments of one model, the worst first."""

from __future__ import annotations

from typing import Final

from dashboards import board
from dashboards.panels import RATIO, bars, lines, rows

_SLICE: Final = 'model="$model", version=~"$version", segment=~"$segment", segment!="", span="$span"'
_NAME: Final = "{{segment}} {{version}}"


def _column(name: str) -> str:
    return f"max by (segment, version) (ml_model_{name}{{{_SLICE}}})"


SEGMENTS: Final = board.Board(
    "segments",
    "Segments",
    "Where one model is worse than elsewhere. A segment shows once a window of it has 30 labels.",
    [board.model(), board.version(), board.segments(), board.span()],
    {
        "Worst first": [
            bars("Lowest accuracy", "The ten worst segments.", f"sort(bottomk(10, ml_model_accuracy{{{_SLICE}}}))",
                 _NAME, unit=RATIO),
            bars("Greatest error", "Of a regression: the ten segments with the greatest RMSE.",
                 f"sort_desc(topk(10, ml_model_rmse{{{_SLICE}}}))", _NAME),
            rows("Segments", "Click a column's head to sort by it.", ("segment", "version"),
                 [("accuracy", _column("accuracy")), ("precision", _column("precision")), ("recall", _column("recall")),
                  ("F1", _column("f1")), ("AUC", _column("auc")), ("RMSE", _column("rmse")),
                  ("label coverage", _column("label_coverage"))], height=10),
        ],
        "Over time": [
            lines("Accuracy by segment", "Share of labelled predictions that were right.",
                  (f"ml_model_accuracy{{{_SLICE}}}", _NAME), unit=RATIO, bounds=(None, 1)),
            lines("F1 by segment", "Harmonic mean of precision and recall.",
                  (f"ml_model_f1{{{_SLICE}}}", _NAME), unit=RATIO, bounds=(0, 1)),
            lines("RMSE by segment", "Of a regression.", (f"ml_model_rmse{{{_SLICE}}}", _NAME)),
            lines("Label coverage by segment", "Segments whose labels do not come are not better, only unknown.",
                  (f"ml_model_label_coverage{{{_SLICE}}}", _NAME), unit=RATIO, bounds=(0, 1)),
        ],
    },
)  # fmt: skip
