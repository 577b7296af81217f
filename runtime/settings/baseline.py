"""A model's baseline file: what is usual for it."""

import math
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import PlainValidator, WithJsonSchema

from alerting.metric_paths import METRICS, is_known
from metrics.reference import NULL, Baseline, decode_baseline
from runtime.settings.suggest import suggestion


def performance_by_path(baseline: Baseline) -> dict[str, float]:
    """What is usual of each metric, under every path that a rule may use for it.

    An estimated metric is usually what the metric is; `confidence` is computed from ``mean_confidence``; nulls are
    counted in the features, classes in the predictions. What ``performance`` itself says of a path goes first.
    """
    known = baseline.performance
    parts = ("metrics", "estimated.metrics")
    found = {f"{part}.{name}": value for name, value in known.items() if name in METRICS for part in parts}
    if "mean_confidence" in known:
        found["confidence"] = known["mean_confidence"]
    for name, feature in baseline.features.items():
        if records := sum(feature.counts):
            found[f"quality.features.{name}.missing_ratio"] = sum(feature.counts[: NULL + 1]) / records
    if predicted := sum(baseline.predictions.values()):
        shares = {name: count / predicted for name, count in baseline.predictions.items()}
        found |= {f"class_shares.{name}": share for name, share in shares.items()}
        found |= dict.fromkeys(("top_class_share", "metrics.top_class_share"), max(shares.values()))
    return found | known


def _read(value: object) -> Baseline:
    """The file at a path. Raises ValueError in readable words."""
    if isinstance(value, Baseline):
        return value
    if not isinstance(value, str) or not value:
        raise ValueError("must be the path of a baseline file")
    try:
        found = decode_baseline(Path(value).read_bytes())
    except FileNotFoundError:
        raise ValueError(f"cannot read {value}: No such file (hindcast baseline build makes one)") from None
    except OSError as error:
        raise ValueError(f"cannot read {value}: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{value}: {error}") from None
    for name, number in found.performance.items():
        if not is_known(name):
            raise ValueError(f"{value}: performance.{name} is no metric{suggestion(name, METRICS)}")
        if not math.isfinite(number):
            raise ValueError(f"{value}: performance.{name} is not a finite number")
    return found


BaselineFile: TypeAlias = Annotated[Baseline, PlainValidator(_read), WithJsonSchema({"type": "string"})]
"""In the file a path, relative to where the process runs."""
