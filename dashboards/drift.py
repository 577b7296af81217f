"""Inputs and scores of one model against its baseline."""

from __future__ import annotations

from typing import Final

from dashboards import board
from dashboards.panels import RATIO, Limit, bars, lines, number

_SLICE: Final = 'model="$model", version=~"$version", segment=~"$segment"'
_FEATURE: Final = "{{feature}} {{span}} {{segment}} {{version}}"
_PSI_LIMITS: Final[list[Limit]] = [(0.1, "yellow"), (0.2, "red")]

DRIFT: Final = board.Board(
    "drift",
    "Drift",
    "Whether inputs and scores are still those of the baseline. Needs models.NAME.baseline and a span of drift.over.",
    [board.model(), board.version(), board.segment()],
    {
        "Now": [
            number("Features drifted", "Features with a PSI above 0.2, in any of the chosen versions.",
                   f"count(count by (feature) (ml_data_drift_psi{{{_SLICE}}} > 0.2)) or vector(0)", width=6,
                   limits=[(1, "red")]),
            number("Greatest PSI", "Of any feature.", f"max(ml_data_drift_psi{{{_SLICE}}})", width=6,
                   limits=_PSI_LIMITS),
            number("p-value of the scores", "Kolmogorov-Smirnov: small is unlikely to be chance.",
                   f"min(ml_prediction_drift_ks_pvalue{{{_SLICE}}})", width=6),
            number("Most missing", "The feature that is most often null or absent.",
                   f"max(ml_missing_ratio{{{_SLICE}}})", unit=RATIO, width=6, limits=[(0.05, "orange")]),
            bars("PSI by feature", "Below 0.1: as it was. Above 0.2: another population.",
                 f"sort_desc(ml_data_drift_psi{{{_SLICE}}})", _FEATURE, limits=_PSI_LIMITS),
            bars("Missing values by feature", "Share of predictions without the feature.",
                 f"sort_desc(ml_missing_ratio{{{_SLICE}}})", _FEATURE, unit=RATIO, limits=[(0.05, "orange")]),
        ],
        "Over time": [
            lines("PSI over time", "Population stability index against the baseline.",
                  (f"ml_data_drift_psi{{{_SLICE}}}", _FEATURE), bounds=(0, None), limits=_PSI_LIMITS),
            lines("Kolmogorov-Smirnov p-values of features", "Numeric features; small is unlikely to be chance.",
                  (f"ml_data_drift_ks_pvalue{{{_SLICE}}}", _FEATURE), bounds=(0, 1)),
            lines("Kolmogorov-Smirnov p-value of predictions", "Of scores, or of the values a regression predicts.",
                  (f"ml_prediction_drift_ks_pvalue{{{_SLICE}}}", "{{span}} {{segment}} {{version}}"), bounds=(0, 1)),
            lines("Missing values over time", "Share of predictions without the feature.",
                  (f"ml_missing_ratio{{{_SLICE}}}", _FEATURE), unit=RATIO, bounds=(0, None)),
        ],
    },
)  # fmt: skip
