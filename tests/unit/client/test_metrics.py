"""The series of a serving process, under the names that people query; each request once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client import CollectorRegistry

from hindcast_client import PredictionLog, ServingMetrics, UsageError
from tests.unit.client.support import Kept


@pytest.fixture
def metrics() -> ServingMetrics:
    return ServingMetrics("v1", registry=CollectorRegistry())


def series(metrics: ServingMetrics) -> dict[str, float]:
    """`name{label,values}` -> value of all that is not 0."""
    return {
        f"{sample.name}{{{','.join(sample.labels.values())}}}": sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.value and not sample.name.endswith("_created")
    }


def test_a_measured_function_counts_calls_latency_and_errors_by_type(metrics: ServingMetrics) -> None:
    @metrics.measured
    def halve(number: int) -> float:
        """Half of it."""
        assert metrics.active() == 1
        return 1 / number

    assert [halve(1), halve(2)] == [1.0, 0.5]
    with pytest.raises(ZeroDivisionError):
        halve(0)
    found = series(metrics)
    assert found["predictions_total{v1,success}"] == 2
    assert found["predictions_total{v1,error}"] == 1
    assert found["prediction_errors_total{v1,ZeroDivisionError}"] == 1
    assert found["prediction_latency_seconds_count{}"] == 3
    assert found["prediction_latency_seconds_bucket{0.01}"] == 3
    assert "active_requests{}" not in found
    assert (halve.__name__, halve.__doc__) == ("halve", "Half of it.")


async def test_a_measured_coroutine_that_is_cancelled_is_nobodys_error(metrics: ServingMetrics) -> None:
    waiting = asyncio.Event()

    @metrics.measured
    async def wait() -> None:
        waiting.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(wait())
    await waiting.wait()
    assert series(metrics)["active_requests{}"] == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    found = series(metrics)
    assert found["predictions_total{v1,cancelled}"] == 1
    assert not any(name.startswith("prediction_errors") for name in found)


def test_a_function_within_a_measured_one_is_not_counted_again(metrics: ServingMetrics) -> None:
    inner = metrics.measured(lambda: 1)
    outer = metrics.measured(lambda: inner() + inner())
    assert outer() == 2
    assert series(metrics)["prediction_latency_seconds_count{}"] == 1


def test_requests_of_many_threads_are_all_counted(metrics: ServingMetrics) -> None:
    @metrics.measured
    def answer() -> None:
        pass

    with ThreadPoolExecutor(4) as pool:
        for _ in range(2_001):
            pool.submit(answer)
    assert series(metrics)["predictions_total{v1,success}"] == 2_001


def test_a_logged_prediction_tells_its_version_latency_and_confidence(metrics: ServingMetrics) -> None:
    kept = Kept()
    log = PredictionLog("fraud", "v1", transport=kept, metrics=metrics)

    @metrics.measured
    def serve() -> None:
        log.prediction("t-1", score=0.03, model_version="v2")

    serve()
    log.prediction("t-2", scores={"cat": 0.2, "dog": 0.55, "bird": 0.25})
    log.prediction("t-3", prediction=17.5)
    log.label("t-1", 1)
    log.close()
    found = series(metrics)
    assert found["predictions_total{v2,success}"] == 1
    assert found["model_confidence_count{}"] == 2
    assert found["model_confidence_sum{}"] == pytest.approx(0.97 + 0.55)
    assert found["hindcast_client_records_total{fraud,sent}"] == 4
    first, *others = kept.values()
    assert 0 < first["latency_ms"] < 1000
    assert [value for value in others if "latency_ms" in value] == []


def test_what_the_log_drops_is_a_series(metrics: ServingMetrics) -> None:
    log = PredictionLog("fraud", "v1", transport=Kept(room_records=0), metrics=metrics, queue_max=2)
    for number in range(5):
        log.label(number, 1)
    assert series(metrics)["hindcast_client_records_total{fraud,queue_full}"] == 3
    log.close(0)


def test_a_second_one_in_a_registry_is_refused_and_leaves_the_first_whole(metrics: ServingMetrics) -> None:
    with pytest.raises(UsageError, match=r"^ServingMetrics: make one a process, or give it a registry of its own"):
        ServingMetrics("v1", registry=metrics.registry)
    metrics.measured(lambda: None)()
    assert series(metrics)["predictions_total{v1,success}"] == 1
