"""A metric record as gauges: which values, and which record of a slice is the one to show."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from telemetry.gauges import OwnedGauges, Owner, Sample
from telemetry.series import CATALOGUE

Record: TypeAlias = Mapping[str, object]
Slice: TypeAlias = tuple[str, str, str, str]

LABELLED_MIN: Final = 30
"""Below so many labelled records a metric says more about chance than about the model."""

_WEIGHTED: Final = "_weighted"
_LABEL_FREE: Final = ("positive_rate", "mean_score")
_OF_LABELS: Final = {"label_coverage": "ml_model_label_coverage", "maturity": "ml_model_label_maturity"}
_QUANTILES: Final = {"p50": "0.5", "p95": "0.95", "p99": "0.99"}


def gauges_of(record: Record) -> list[Sample]:
    """Every gauge of a metric record; an undefined value (null) has none."""
    return [*labelled_gauges(record), *label_free_gauges(record)]


def labelled_gauges(record: Record) -> list[Sample]:
    """The gauges that need labels, with the end of the window that they speak of."""
    labels = _labels(record)
    found: list[Sample] = [
        (f"ml_model_{metric}", labels, value)
        for metric, value in _metrics(record).items()
        if metric not in _LABEL_FREE and f"ml_model_{metric}" in CATALOGUE
    ]
    latency = _numbers(record.get("label_latency_seconds"))
    found += [
        ("ml_label_latency_seconds", (*labels, quantile), latency[name])
        for name, quantile in _QUANTILES.items()
        if name in latency
    ]
    return [*found, ("ml_model_window_end_timestamp_seconds", labels, _end_seconds(record))]


def _metrics(record: Record) -> dict[str, float]:
    """Of several classes the weighted averages stand for precision, recall and F1."""
    found = _numbers(record.get("metrics"))
    return found | {name.removesuffix(_WEIGHTED): found[name] for name in found if name.endswith(_WEIGHTED)}


def label_free_gauges(record: Record) -> list[Sample]:
    """The gauges that are known as soon as a window closes."""
    labels, metrics = _labels(record), _numbers(record.get("metrics"))
    found: list[Sample] = [
        (f"ml_model_{metric}", labels, metrics[metric]) for metric in _LABEL_FREE if metric in metrics
    ]
    of_labels = _numbers({field: record.get(field) for field in _OF_LABELS})
    found += [(_OF_LABELS[field], labels, value) for field, value in of_labels.items()]
    return [*found, *_service_gauges(record, labels), *_watched_gauges(record, labels)]


def _service_gauges(record: Record, labels: Slice) -> Iterator[Sample]:
    """What serving needs, and in a span where everything is going."""
    for name, values in _objects(record.get("resources")):
        for statistic, value in _numbers(values).items():
            yield "ml_model_resource", (*labels, name, statistic), value
    for name, values in _objects(record.get("trends")):
        slope = _numbers(values).get("slope_per_hour")
        if slope is not None:
            yield "ml_model_trend_slope_per_hour", (*labels, name), slope


def _watched_gauges(record: Record, labels: Slice) -> Iterator[Sample]:
    """What only a model with a baseline has: its inputs' and scores' drift, its missing values."""
    drift, quality = record.get("drift"), record.get("quality")
    if isinstance(drift, Mapping):
        yield from _of_features(drift, "psi", "ml_data_drift_psi", labels)
        yield from _of_features(drift, "ks_pvalue", "ml_data_drift_ks_pvalue", labels)
        predicted = _numbers(drift.get("score", drift.get("prediction")))
        if "ks_pvalue" in predicted:
            yield "ml_prediction_drift_ks_pvalue", labels, predicted["ks_pvalue"]
    if isinstance(quality, Mapping):
        yield from _of_features(quality, "missing_ratio", "ml_missing_ratio", labels)


def _of_features(part: Mapping[str, object], field: str, series: str, labels: Slice) -> Iterator[Sample]:
    for name, values in _objects(part.get("features")):
        value = _numbers(values).get(field)
        if value is not None:
            yield series, (*labels, name), value


@dataclass(frozen=True, slots=True)
class _Shown:
    end_seconds: float
    revision: int

    def yields_to(self, other: "_Shown") -> bool:
        """A newer window, or the same one revised."""
        return (other.end_seconds, other.revision) >= (self.end_seconds, self.revision)


class RecordGauges:
    """Shows, for each model, version, segment and span, the newest record that is fit to be shown."""

    def __init__(self, gauges: OwnedGauges) -> None:
        self._gauges = gauges
        self._shown: dict[tuple[Owner, tuple[str, ...], bool], _Shown] = {}

    def show(self, owner: Owner, record: Record) -> None:
        """Take in an emitted record. Older windows than the one shown change nothing."""
        enough = _number(record.get("labelled")) >= LABELLED_MIN
        self._offer(owner, record, needs_labels=False, samples=label_free_gauges(record))
        self._offer(owner, record, needs_labels=True, samples=labelled_gauges(record) if enough else None)

    def _offer(self, owner: Owner, record: Record, *, needs_labels: bool, samples: list[Sample] | None) -> None:
        key = (_labels(record), needs_labels)
        place = (owner, *key)
        new, old = _Shown(_end_seconds(record), int(_number(record.get("revision")))), self._shown.get(place)
        if old is not None and not old.yields_to(new):
            return
        if samples is not None:
            if self._gauges.set(owner, key, samples):
                self._shown[place] = new
        elif old is not None and old.end_seconds == new.end_seconds:
            # The very window that is shown has lost labels (withdrawn): better nothing than what is not so.
            del self._shown[place]
            self._gauges.remove(key)

    def drop(self, owner: Owner) -> None:
        """Forget everything of this owner (its partition was revoked)."""
        self._shown = {place: shown for place, shown in self._shown.items() if place[0] != owner}
        self._gauges.drop(owner)


def _labels(record: Record) -> Slice:
    model, version = str(record["model"]), str(record["model_version"])
    return model, version, str(record.get("segment", "")), str(record["span"])


def _end_seconds(record: Record) -> float:
    return datetime.fromisoformat(str(record["window_end"])).timestamp()


def _objects(part: object) -> Iterator[tuple[str, object]]:
    """The objects in a part of the record, by name."""
    for name, values in part.items() if isinstance(part, Mapping) else ():
        if isinstance(values, Mapping):
            yield str(name), values


def _numbers(values: object) -> dict[str, float]:
    if not isinstance(values, Mapping):
        return {}
    return {str(name): float(value) for name, value in values.items() if isinstance(value, int | float)}


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
