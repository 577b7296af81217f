"""The paths of the metric record that a rule may judge, so that a slip of the pen is found at load."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

from alerting.computed import COMPUTED

_CLASSES: Final = ("accuracy", "precision", "recall", "f1", "specificity", "label_rate")
_SCORES: Final = ("auc", "average_precision", "log_loss", "brier", "ece", "ece_debiased", "positive_rate", "mean_score")
_LABEL_FREE: Final = ("top_score_share", "top_class_share", "top_value_share", "mean_confidence")
_AVERAGED: Final = tuple(f"{name}_{how}" for name in ("precision", "recall", "f1") for how in ("weighted", "macro"))
_ERRORS: Final = ("mse", "rmse", "mae", "r2", "mape", "bias")
_VALUES: Final = ("mean_prediction", "mean_actual", "error_p50", "error_p90", "error_p95", "error_p99")
_TOP_K: Final = ("top_2_accuracy", "top_3_accuracy", "top_5_accuracy")
METRICS: Final = (*_CLASSES, *_SCORES, *_LABEL_FREE, *_AVERAGED, *_TOP_K, *_ERRORS, *_VALUES)
"""Names in ``metrics`` (all tasks): a rule writes them bare."""

TOP: Final = (
    "total",
    "labelled",
    "correct",
    "label_coverage",
    "throughput_per_second",
    "failed",
    "success_rate",
    "maturity",
    "expected_share",
)
"""Numbers at the top of the record."""

INTERVALS: Final = frozenset(
    {"accuracy", "precision", "recall", "specificity", "f1", "auc", "mse", "rmse", "mae", "mape", "bias"}
)
"""Metrics that come with a confidence interval."""

_QUANTILES: Final = ("mean", "p50", "p95", "p99", "max")
_DRIFT: Final = ("psi", "psi_threshold", "js", "drifted", "drifted_by")
_NUMERIC: Final = ("ks", "ks_pvalue", "mean_shift", "binning_error.ks")
_CLASS_SHARES: Final = ("chi2_pvalue", "positive_rate", "reference_positive_rate")
_FEATURE: Final = (*_NUMERIC, "wasserstein", "binning_error.wasserstein", "chi2_pvalue", "null_ratio", "new_categories")
_QUALITY: Final = (
    "missing_ratio", "type_mismatch_ratio", "non_finite_ratio",
    "outlier_zscore_ratio", "outlier_iqr_ratio", "out_of_range_ratio",
)  # fmt: skip
_NESTED: Final = {
    "metrics": METRICS,
    "metrics_weighted": ("accuracy", "precision", "recall", "f1"),
    "estimated.metrics": METRICS,
    "estimated": ("gap", "reliable"),
    "confusion": ("tp", "fp", "fn", "tn"),
    "label_latency_seconds": _QUANTILES,
    "prediction_latency_seconds": _QUANTILES,
    "errors": ("*",),
    "resources.*": ("mean", "p95", "max"),
    "class_shares": ("*",),
    "per_class.*": ("precision", "recall", "f1", "auc", "support"),
    "drift": ("records", "features_drifted", "kinds"),
    "drift.score": (*_DRIFT, *_NUMERIC),
    "drift.prediction": (*_DRIFT, *_CLASS_SHARES, "new_classes", *_NUMERIC, "wasserstein", "binning_error.wasserstein"),
    "drift.embedding": ("cosine_distance", "records", "threshold", "drifted"),
    "drift.label": (*_DRIFT, *_CLASS_SHARES),
    "drift.features.*": (*_DRIFT, *_FEATURE),
    "drift.concept": ("e_value", "threshold", "alarm", "labelled", "page_hinkley", "adwin"),
    "quality": ("columns_missing", "columns_extra"),
    "quality.embedding": ("missing_ratio", "type_mismatch_ratio"),
    "quality.features.*": _QUALITY,
    "trends.throughput_per_second": ("newest", "z"),
    "trends.*": ("moving_average", "slope_per_hour"),
    "business": ("value", "cost", "conversions", "click_through_rate", "revenue", "outcomes_without_value"),
}
PATHS: Final = (
    *METRICS,
    *TOP,
    *COMPUTED,
    *(f"{part}.{name}" for part, names in _NESTED.items() for name in names),
)
"""Every path, the computed ones too; ``*`` stands for the name of a feature, a class or an error type."""


def is_known(path: str) -> bool:
    """Whether records can hold it.

    >>> is_known("accuracy"), is_known("drift.features.amount.psi"), is_known("drift.features.*.psy")
    (True, True, False)
    """
    return any(fnmatchcase(path, known) for known in PATHS)


def has_interval(path: str) -> bool:
    """Whether the record gives a confidence interval for it."""
    part, _, name = path.rpartition(".")
    if part.startswith("trends."):
        return name == "slope_per_hour"
    return part in {"", "metrics", "estimated.metrics"} and name in INTERVALS
