import pytest
from prometheus_client import CollectorRegistry

from telemetry.counters import ERROR_TYPES_MAX
from telemetry.registry import Telemetry


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


def test_counters_add_up_a_chunk_at_a_time() -> None:
    telemetry = Telemetry(10)
    telemetry.predictions.add("fraud", "v1", n=500)
    telemetry.predictions.add("fraud", "v1", n=250)
    assert value(telemetry.registry, "ml_predictions_total", model="fraud", version="v1") == 750


def test_binned_counts_become_cumulative_buckets_with_their_sum_and_count() -> None:
    telemetry = Telemetry(10)
    telemetry.confidence.observe_counts("fraud", "v1", counts=[1, 0, 2, 0, 0, 0, 0, 4], total=6.5)
    telemetry.confidence.observe_counts("fraud", "v1", counts=[1, 0, 0, 0, 0, 0, 0, 0], total=0.25)
    at = {"model": "fraud", "version": "v1"}
    buckets = {
        bound: value(telemetry.registry, "ml_model_confidence_bucket", le=bound, **at)
        for bound in ("0.5", "0.7", "1.0")
    }
    assert buckets == {"0.5": 2, "0.7": 4, "1.0": 8}
    assert value(telemetry.registry, "ml_model_confidence_bucket", le="+Inf", **at) == 8
    assert value(telemetry.registry, "ml_model_confidence_count", **at) == 8
    assert value(telemetry.registry, "ml_model_confidence_sum", **at) == 6.75


def test_counts_that_do_not_fit_the_buckets_are_refused() -> None:
    with pytest.raises(ValueError, match="3 counts for 8 buckets"):
        Telemetry(10).confidence.observe_counts("fraud", "v1", counts=[1, 2, 3], total=1)


@pytest.mark.parametrize(("seconds", "bound", "count"), [(0.005, "0.005", 1), (0.0051, "0.005", 0), (99.0, "+Inf", 1)])
def test_one_observation_falls_into_the_bucket_whose_bound_it_does_not_exceed(
    seconds: float, bound: str, count: int
) -> None:
    telemetry = Telemetry(10)
    telemetry.chunk_seconds.observe("decode", value=seconds)
    assert value(telemetry.registry, "hindcast_chunk_seconds_bucket", stage="decode", le=bound) == count


def test_beyond_the_cap_counters_go_on_under_other_and_the_sum_stays_right() -> None:
    telemetry = Telemetry(2)
    for version in range(5):
        telemetry.predictions.add("fraud", f"v{version}", n=10)
    telemetry.predictions.add("fraud", "v0", n=1)
    values = {tuple(s.labels.values()): s.value for m in telemetry.predictions.collect() for s in m.samples}
    assert values == {("fraud", "v0"): 11, ("fraud", "v1"): 10, ("__other__", "__other__"): 30}
    dropped = value(telemetry.registry, "hindcast_series_dropped_total", series="ml_predictions_total")
    assert dropped == 3


def test_error_types_have_a_cap_of_their_own_so_that_they_do_not_use_up_the_family() -> None:
    telemetry = Telemetry(1000)
    telemetry.errors.add_types("fraud", "v1", errors={f"no {i}": 1 for i in range(ERROR_TYPES_MAX + 7)})
    telemetry.errors.add_types("fraud", "v1", errors={"no 0": 2, "another": 3})
    telemetry.errors.add_types("fraud", "v2", errors={"another": 1})
    values = {tuple(s.labels.values()): s.value for m in telemetry.errors.collect() for s in m.samples}
    assert len(values) == ERROR_TYPES_MAX + 2
    assert values["fraud", "v1", "no 0"] == 3
    assert values["fraud", "v1", "__other__"] == 10
    assert values["fraud", "v2", "another"] == 1
    dropped = value(telemetry.registry, "hindcast_series_dropped_total", series="ml_prediction_errors_total")
    assert dropped == 8


def test_watched_values_are_read_at_the_scrape() -> None:
    telemetry = Telemetry(10)
    fates: dict[tuple[str, ...], float] = {("joined",): 5.0, ("pending",): 2.0}
    telemetry.watch("hindcast_records_total", lambda: fates)
    telemetry.watch("hindcast_join_rows", lambda: {(): 7})
    assert value(telemetry.registry, "hindcast_records_total", fate="pending") == 2
    fates[("pending",)] = 0
    assert value(telemetry.registry, "hindcast_records_total", fate="pending") == 0
    assert value(telemetry.registry, "hindcast_join_rows") == 7


def test_a_series_that_nobody_explained_cannot_be_watched() -> None:
    with pytest.raises(KeyError):
        Telemetry(10).watch("hindcast_secret_total", dict)


def test_watched_series_are_capped_too() -> None:
    telemetry = Telemetry(2)
    telemetry.watch("hindcast_consumer_lag", lambda: {("t", str(partition)): 1 for partition in range(5)})
    samples = [s for m in telemetry.collect() for s in m.samples]
    assert sum(s.name == "hindcast_consumer_lag" for s in samples) == 2
    assert [s.value for s in samples if s.name == "hindcast_series_dropped_total"] == [3]
