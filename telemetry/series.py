"""Every Prometheus series of the service, each explained here and nowhere else.

``python -m telemetry.series`` prints the table of docs/metrics.md; a test keeps the two equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal["counter", "gauge", "histogram"]

MODEL: Final = ("model", "version")
SLICE: Final = ("model", "version", "segment", "span")
FEATURE: Final = (*SLICE, "feature")
CONFIDENCE_BUCKETS: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
LATENCY_SECONDS_BUCKETS: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0)
CHUNK_SECONDS_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Series:
    """One family of series: its exposed name, kind, labels, what it says, and a histogram's buckets."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()


def _of_model(metric: str, help_text: str) -> Series:
    return Series(f"ml_model_{metric}", "gauge", SLICE, f"{help_text} {_LABELLED}")


_LABELLED: Final = "Newest closed window (or span) with at least 30 labelled records."
_DRIFT: Final = "Newest closed span of at least `drift.over`."
_ALL: Final = (
    Series("ml_predictions_total", "counter", MODEL, "Predictions counted (first copies, whatever their label does)."),
    Series(
        "ml_prediction_errors_total",
        "counter",
        (*MODEL, "error_type"),
        "Predictions whose record tells of an error, made or not; `ml_predictions_total` counts those that were made. "
        "Error types beyond 50 of a model and version are `__other__`.",
    ),
    Series(
        "ml_prediction_latency_seconds",
        "histogram",
        MODEL,
        "Latency of serving, of the predictions (and failed ones) whose record tells it.",
        LATENCY_SECONDS_BUCKETS,
    ),
    Series("ml_labels_total", "counter", MODEL, "Labels joined with a prediction of this model and version."),
    Series(
        "ml_model_confidence",
        "histogram",
        MODEL,
        "Confidence of predictions: the score of the class that was predicted.",
        CONFIDENCE_BUCKETS,
    ),
    _of_model("accuracy", "Share of labelled predictions that were right."),
    _of_model("precision", "Share of predicted positives that are positive."),
    _of_model("recall", "Share of positives that were predicted positive."),
    _of_model("specificity", "Share of negatives that were predicted negative."),
    _of_model("f1", "Harmonic mean of precision and recall."),
    _of_model("auc", "Area under the ROC curve, from fine score histograms."),
    _of_model("average_precision", "Area under the precision-recall curve, as average precision."),
    _of_model("log_loss", "Mean negative log-likelihood of the truth."),
    _of_model("brier", "Mean squared difference of score and truth."),
    _of_model("ece", "Expected calibration error."),
    _of_model("rmse", "Root of the mean squared error of a regression."),
    _of_model("mae", "Mean absolute error of a regression."),
    _of_model("r2", "Share of the truth's variance that a regression explains; below 0 it is worse than the mean."),
    Series("ml_model_positive_rate", "gauge", SLICE, "Share of predictions that are positive. Newest closed window."),
    Series("ml_model_mean_score", "gauge", SLICE, "Mean score. Newest closed window."),
    Series(
        "ml_model_resource",
        "gauge",
        (*SLICE, "resource", "statistic"),
        "What serving needed, as prediction records and heartbeats tell it, by `resource` (its name has the unit: "
        "`cpu_ratio`, `memory_bytes`, …) and `statistic` (`mean`, `p95`, `max`). Newest closed window (or span).",
    ),
    Series(
        "ml_model_trend_slope_per_hour",
        "gauge",
        (*SLICE, "metric"),
        "Where a number is going: the slope of its trend, by `metric` as in `trends` of the record. Newest span of 10 "
        "windows or more.",
    ),
    Series(
        "ml_data_drift_psi",
        "gauge",
        FEATURE,
        f"Population stability index of a feature against the baseline. {_DRIFT}",
    ),
    Series(
        "ml_data_drift_ks_pvalue",
        "gauge",
        FEATURE,
        f"p-value of Kolmogorov-Smirnov, of a numeric feature against the baseline. {_DRIFT}",
    ),
    Series(
        "ml_prediction_drift_ks_pvalue",
        "gauge",
        SLICE,
        "p-value of Kolmogorov-Smirnov, of the scores against the baseline, or of the values that a regression "
        f"predicts. {_DRIFT}",
    ),
    Series(
        "ml_missing_ratio",
        "gauge",
        FEATURE,
        "Share of predictions in which a feature of the baseline is null or absent. Newest closed window (or span).",
    ),
    Series("ml_model_label_coverage", "gauge", SLICE, "Share of predictions with a label. Newest closed window."),
    Series(
        "ml_model_label_maturity",
        "gauge",
        SLICE,
        "Of the labels to be expected by now, the share that has come. Whole models, newest closed window (or span).",
    ),
    Series(
        "ml_label_latency_seconds",
        "gauge",
        (*SLICE, "quantile"),
        f"From a prediction's event time to its label's. {_LABELLED}",
    ),
    Series(
        "ml_model_window_end_timestamp_seconds",
        "gauge",
        SLICE,
        "End of the window that the gauges which need labels show, Unix time.",
    ),
    Series(
        "ml_alerts_firing",
        "gauge",
        ("model", "rule", "severity"),
        "Alerts that fire now. Shown by the one worker that notifies; silenced and inhibited ones count, too.",
    ),
    Series(
        "hindcast_notifications_total",
        "counter",
        ("channel", "outcome"),
        "Attempts to notify, by channel (`receiver/kind`) and what came of them: `sent`, or how it failed "
        "(`rate_limited`, `unreachable`, `timeout`, `server`, `refused`, `unauthorised`, `not_found`, `invalid`); "
        "`fallback` counts the alerts that the fallback receiver was told of in another's place.",
    ),
    Series(
        "hindcast_failed_templates_total",
        "counter",
        ("channel",),
        "Messages whose template failed; the plain text went out instead.",
    ),
    Series("hindcast_records_consumed_total", "counter", ("topic",), "Records read from the source topics."),
    Series(
        "hindcast_records_total",
        "counter",
        ("fate",),
        "Records by the fate they have ended in so far, from the durable state of the partitions that this worker "
        "owns. `pending` falls when a record finds its fate; all fates add up to what was consumed.",
    ),
    Series("hindcast_dead_letters_total", "counter", ("code",), "Records sent to the dead-letter topic, by reason."),
    Series(
        "hindcast_misplaced_records_total",
        "counter",
        ("topic",),
        "Records of a topic with `partitioned_by_id`, among those sampled, on another partition than their id's.",
    ),
    Series(
        "hindcast_records_lost_total",
        "counter",
        ("topic", "partition"),
        "Records that retention deleted before this worker could read them.",
    ),
    Series("hindcast_consumer_lag", "gauge", ("topic", "partition"), "Records on the topic and not processed yet."),
    Series("hindcast_watermark_delay_seconds", "gauge", (), "How far the slowest watermark is behind the wall clock."),
    Series("hindcast_open_windows", "gauge", (), "Windows that are not final yet."),
    Series("hindcast_join_rows", "gauge", (), "Ids kept for joining, with their predictions and labels."),
    Series(
        "hindcast_chunk_seconds",
        "histogram",
        ("stage",),
        "Time spent on one chunk of records, by stage.",
        CHUNK_SECONDS_BUCKETS,
    ),
    Series(
        "hindcast_checkpoints_set_aside",
        "gauge",
        (),
        "Damaged checkpoints that were set aside (they are rebuilt) and still lie in the state directory.",
    ),
    Series("hindcast_recovery_seconds", "gauge", (), "How long the last recovery of state took."),
    Series("hindcast_dashboard_records", "gauge", (), "Metric records that a dashboard process holds."),
    Series("hindcast_dashboard_lag", "gauge", (), "Records on our topics that a dashboard process has not read yet."),
    Series("hindcast_dashboard_streams", "gauge", (), "Clients that follow the stream of a dashboard process."),
    Series(
        "hindcast_series_dropped_total",
        "counter",
        ("series",),
        "Updates of series beyond limits.series_max. Counters and histograms go on under `__other__`, gauges do not.",
    ),
)

CATALOGUE: Final[Mapping[str, Series]] = MappingProxyType({series.name: series for series in _ALL})


def markdown() -> str:
    """The table of docs/metrics.md."""
    rows = [
        f"| `{one.name}` | {one.kind} | {', '.join(f'`{label}`' for label in one.labels)} | {one.help} |"
        for one in _ALL
    ]
    return "\n".join(["| Series | Kind | Labels | What it says |", "|---|---|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(markdown())
