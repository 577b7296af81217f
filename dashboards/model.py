"""One model: its metrics over time, its labels, where it is going."""

from __future__ import annotations

from typing import Final

from dashboards import board
from dashboards.panels import RATIO, SECONDS, Panel, cells, lines, number

_MODEL: Final = 'model="$model", version=~"$version"'
_SLICE: Final = f'{_MODEL}, segment=~"$segment", span="$span"'
_NAME: Final = "{{version}} {{segment}}"
_CONFIDENCE: Final = "ml_model_confidence"


def _rate(series: str, by: str = "version", labels: str = _MODEL) -> str:
    return f"sum by ({by}) (rate({series}{{{labels}}}[$__rate_interval]))"


_UNSURE: Final = _rate(f"{_CONFIDENCE}_bucket", labels=f'{_MODEL}, le="0.7"')


def _metric(
    title: str,
    name: str,
    description: str,
    *,
    unit: str = "short",
    bounds: tuple[float | None, float | None] = (None, None),
    width: int = 8,
) -> Panel:
    return lines(title, description, (f"ml_model_{name}{{{_SLICE}}}", _NAME), unit=unit, bounds=bounds, width=width)


def _newest(title: str, name: str, description: str, unit: str = "short") -> Panel:
    return number(title, description, f"avg(ml_model_{name}{{{_SLICE}}})", unit=unit)


MODEL: Final = board.Board(
    "model",
    "Model",
    "One model: metrics with labels, scores without, how complete the labels are, and trends.",
    [board.model(), board.version(), board.segment(), board.span()],
    {
        "Newest window with labels": [
            _newest("Accuracy now", "accuracy", "Mean over the chosen versions.", RATIO),
            _newest("F1 now", "f1", "Mean over the chosen versions.", RATIO),
            _newest("AUC now", "auc", "Mean over the chosen versions."),
            _newest("RMSE now", "rmse", "Of a regression; mean over the chosen versions."),
            _newest("Label coverage now", "label_coverage", "Share of predictions with a label.", RATIO),
            number("Its end, ago", "How old the newest window with enough labels is.",
                   f"time() - max(ml_model_window_end_timestamp_seconds{{{_SLICE}}})", unit=SECONDS),
        ],
        "Classification": [
            _metric("Accuracy", "accuracy", "Share of labelled predictions that were right.",
                    unit=RATIO, bounds=(None, 1)),
            _metric("Precision", "precision", "Share of predicted positives that are positive.",
                    unit=RATIO, bounds=(0, 1)),
            _metric("Recall", "recall", "Share of positives that were predicted positive.", unit=RATIO, bounds=(0, 1)),
            _metric("Specificity", "specificity", "Share of negatives that were predicted negative.",
                    unit=RATIO, bounds=(None, 1)),
            _metric("F1", "f1", "Harmonic mean of precision and recall.", unit=RATIO, bounds=(0, 1)),
            _metric("AUC", "auc", "Area under the ROC curve; 0.5 is guessing.", bounds=(None, 1)),
            _metric("Average precision", "average_precision", "Area under the precision-recall curve.", bounds=(0, 1)),
            _metric("Log loss", "log_loss", "Mean negative log-likelihood of the truth; less is better."),
            lines("Brier score and calibration error", "Squared error of the scores; how far scores are from shares.",
                  (f"ml_model_brier{{{_SLICE}}}", f"Brier {_NAME}"),
                  (f"ml_model_ece{{{_SLICE}}}", f"ECE {_NAME}"), width=8),
        ],
        "Regression": [
            _metric("RMSE", "rmse", "Root of the mean squared error."),
            _metric("MAE", "mae", "Mean absolute error."),
            _metric("R²", "r2", "Share of the variance explained; below 0 it is worse than the mean.",
                    bounds=(None, 1)),
        ],
        "Without labels": [
            _metric("Positive rate", "positive_rate", "Share of predictions that are positive.",
                    unit=RATIO, bounds=(0, None)),
            _metric("Mean score", "mean_score", "A score that moves by itself is an early sign.", bounds=(0, None)),
            lines("Confidence below 0.7", "Share of predictions whose class has a score of at most 0.7.",
                  (f"{_UNSURE} / {_rate(f'{_CONFIDENCE}_count')}", "{{version}}"), unit=RATIO, bounds=(0, 1), width=8),
        ],
        "Labels": [
            lines("Label coverage and maturity", "Share with a label; of the labels to be expected by now, those in.",
                  (f"ml_model_label_coverage{{{_SLICE}}}", f"coverage {_NAME}"),
                  (f"ml_model_label_maturity{{{_SLICE}}}", f"maturity {_NAME}"), unit=RATIO, bounds=(0, None), width=8),
            lines("Label delay", "From a prediction to its label.",
                  (f"ml_label_latency_seconds{{{_SLICE}}}", f"{_NAME} p{{{{quantile}}}}"), unit=SECONDS, width=8),
            lines("Labels per second", "Labels joined with a prediction.",
                  (_rate("ml_labels_total"), "{{version}}"), width=8),
        ],
        "Where it is going": [
            lines("Slope of trends, per hour", "Of rolling spans with 10 windows or more; an hour's change.",
                  (f'ml_model_trend_slope_per_hour{{{_MODEL}, segment=~"$segment"}}',
                   "{{metric}} {{span}} {{version}}")),
            cells("Confidence", "How sure the model is of the class that it predicts.",
                  _rate(f"{_CONFIDENCE}_bucket", "le")),
        ],
    },
)  # fmt: skip
