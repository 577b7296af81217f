"""Every model at a glance."""

from __future__ import annotations

from typing import Final

from dashboards import board
from dashboards.panels import RATIO, SECONDS, lines, number, rows

_MODELS: Final = 'model=~"$model", version=~"$version"'
_WHOLE: Final = f'{_MODELS}, segment="", span="$span"'
_LATENCY: Final = "ml_prediction_latency_seconds"
_BY: Final = ("model", "version")
_NAME: Final = "{{model}} {{version}}"


def _rate(series: str) -> str:
    return f"sum by (model, version) (rate({series}{{{_MODELS}}}[$__rate_interval]))"


def _column(series: str, labels: str = _WHOLE) -> str:
    return f"max by (model, version) ({series}{{{labels}}})"


OVERVIEW: Final = board.Board(
    "overview",
    "Overview",
    "Every model and version: how good, how much traffic, how complete the labels, what fires.",
    [board.model(several=True), board.version(of_models='model=~"$model"'), board.span(of_models='model=~"$model"')],
    {
        "Now": [
            number(
                "Model versions", "Versions that had predictions since their worker started.",
                f"count(sum by (model, version) (ml_predictions_total{{{_MODELS}}}))",
            ),
            number(
                "Predictions per second", "Predictions counted, over all workers.",
                f"sum(rate(ml_predictions_total{{{_MODELS}}}[$__rate_interval]))",
            ),
            number(
                "Labels per second", "Labels joined with a prediction.",
                f"sum(rate(ml_labels_total{{{_MODELS}}}[$__rate_interval]))",
            ),
            number(
                "Alerts firing", "Alerts of Hindcast itself; silenced ones count, too.",
                'sum(ml_alerts_firing{model=~"$model"}) or vector(0)', limits=[(1, "red")],
            ),
            number(
                "Records behind", "Records on topics that no worker has processed yet.",
                "sum(hindcast_consumer_lag)", limits=[(100_000, "orange")],
            ),
            number(
                "Age of what is shown", "How far the slowest watermark is behind the wall clock.",
                "max(hindcast_watermark_delay_seconds)", unit=SECONDS, limits=[(300, "orange"), (900, "red")],
            ),
        ],
        "Models": [
            rows(
                "Models and versions", "The newest closed window, or the chosen rolling span. Empty: undefined.", _BY,
                [
                    ("predictions/s", _rate("ml_predictions_total")),
                    ("accuracy", _column("ml_model_accuracy")),
                    ("F1", _column("ml_model_f1")),
                    ("AUC", _column("ml_model_auc")),
                    ("RMSE", _column("ml_model_rmse")),
                    ("label coverage", _column("ml_model_label_coverage")),
                    ("label maturity", _column("ml_model_label_maturity")),
                    ("mean latency, s", f"{_rate(f'{_LATENCY}_sum')} / {_rate(f'{_LATENCY}_count')}"),
                ],
            ),
        ],
        "Quality": [
            lines("Accuracy", "Share of labelled predictions that were right.",
                  (f"ml_model_accuracy{{{_WHOLE}}}", _NAME), unit=RATIO, bounds=(None, 1)),
            lines("F1", "Harmonic mean of precision and recall.",
                  (f"ml_model_f1{{{_WHOLE}}}", _NAME), unit=RATIO, bounds=(None, 1)),
            lines("AUC", "Area under the ROC curve.", (f"ml_model_auc{{{_WHOLE}}}", _NAME), bounds=(None, 1)),
            lines("RMSE", "Of regressions, in the unit of what they predict.", (f"ml_model_rmse{{{_WHOLE}}}", _NAME)),
        ],
        "Traffic, labels, inputs": [
            lines("Traffic", "Predictions per second by version.",
                  (_rate("ml_predictions_total"), _NAME)),
            lines("Label coverage", "Share of the window's predictions that have a label by now.",
                  (f"ml_model_label_coverage{{{_WHOLE}}}", _NAME), unit=RATIO, bounds=(0, 1)),
            lines("Greatest drift of a feature", "PSI against the baseline, of the feature that moved most.",
                  (f'max by (model, version) (ml_data_drift_psi{{{_MODELS}, segment=""}})', _NAME),
                  limits=[(0.1, "yellow"), (0.2, "red")]),
            lines("Firing alerts by rule", "As Hindcast judges them.",
                  ('sum by (model, rule, severity) (ml_alerts_firing{model=~"$model"})',
                   "{{model}} {{rule}} ({{severity}})"), stacked=True),
        ],
    },
)  # fmt: skip
