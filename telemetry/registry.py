"""All series of one worker, in a registry of their own."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from telemetry.cap import Cap, LabelValues
from telemetry.counters import Counter, ErrorCounter, Histogram
from telemetry.gauges import OwnedGauges
from telemetry.record_gauges import RecordGauges
from telemetry.series import CATALOGUE

Read: TypeAlias = Callable[[], Mapping[LabelValues, float]]


class Telemetry:
    """What the worker counts, and how it is exposed. One thread (the event loop's) uses it.

    Counters and histograms are fed a chunk at a time; ``watch`` attaches what is read only when scraped.
    """

    def __init__(self, series_max: int) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._cap = Cap(series_max)
        self._watched: dict[str, Read] = {}
        self.predictions = Counter(CATALOGUE["ml_predictions_total"], self._cap)
        self.errors = ErrorCounter(CATALOGUE["ml_prediction_errors_total"], self._cap)
        self.latency = Histogram(CATALOGUE["ml_prediction_latency_seconds"], self._cap)
        self.labels = Counter(CATALOGUE["ml_labels_total"], self._cap)
        self.confidence = Histogram(CATALOGUE["ml_model_confidence"], self._cap)
        self.consumed = Counter(CATALOGUE["hindcast_records_consumed_total"], self._cap)
        self.dead_letters = Counter(CATALOGUE["hindcast_dead_letters_total"], self._cap)
        self.misplaced = Counter(CATALOGUE["hindcast_misplaced_records_total"], self._cap)
        self.lost = Counter(CATALOGUE["hindcast_records_lost_total"], self._cap)
        self.notifications = Counter(CATALOGUE["hindcast_notifications_total"], self._cap)
        self.failed_templates = Counter(CATALOGUE["hindcast_failed_templates_total"], self._cap)
        self.chunk_seconds = Histogram(CATALOGUE["hindcast_chunk_seconds"], self._cap)
        self.gauges = OwnedGauges(self._cap)
        self.records = RecordGauges(self.gauges)
        self.registry.register(self)

    def watch(self, name: str, read: Read) -> None:
        """Expose what ``read`` returns at each scrape: label values -> value; no labels: ``{(): value}``.

        For values that live elsewhere and move with partitions: fates, lag, open windows, rows, watermark delay,
        recovery time. Raises KeyError for a name that the catalogue does not explain.
        """
        self._watched[CATALOGUE[name].name] = read

    def collect(self) -> Iterable[Metric]:
        of_models = (self.predictions, self.errors, self.latency, self.labels, self.confidence)
        of_records = (self.consumed, self.dead_letters, self.misplaced, self.lost)
        for part in (*of_models, *of_records, self.notifications, self.failed_templates, self.chunk_seconds):
            yield from part.collect()
        yield from self.gauges.collect()
        for name, read in self._watched.items():
            yield self._family(name, read())
        yield self._family("hindcast_series_dropped_total", {(name,): n for name, n in self._cap.dropped.items()})

    def _family(self, name: str, values: Mapping[LabelValues, float]) -> Metric:
        series = CATALOGUE[name]
        kind = CounterMetricFamily if series.kind == "counter" else GaugeMetricFamily
        family = kind(name, series.help, labels=series.labels)
        for index, (labels, value) in enumerate(values.items()):
            if index >= self._cap.series_max and name != "hindcast_series_dropped_total":
                self._cap.drop(name, len(values) - index)
                break
            family.add_metric(labels, value)
        return family
