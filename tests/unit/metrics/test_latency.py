"""Label latencies: exact mean, quantiles within the stated error."""

import numpy as np
import pytest
from numpy.typing import NDArray

from metrics import binary
from metrics.latency import LatencySummary, quantiles
from metrics.layout import COARSE, FINE, Layout
from metrics.result import summarise
from tests.unit.metrics.records import Records, draw_records, summary

both_layouts = pytest.mark.parametrize("layout", [FINE, COARSE])
DAY_MS = 86_400_000


def latencies(latency_ms: NDArray[np.int64], layout: Layout) -> LatencySummary:
    ones = np.ones(len(latency_ms), np.int8)
    found = summary(Records(ones.astype(np.float64), ones, ones, latency_ms), layout)
    assert found["label_latency_seconds"] is not None
    return found["label_latency_seconds"]


@both_layouts
def test_quantiles_are_within_the_stated_relative_error_of_the_exact_ones(layout: Layout) -> None:
    latency_ms = draw_records(seed=31, n=4321).latency_ms
    found = latencies(latency_ms, layout)
    p50, p95, p99, greatest = np.quantile(latency_ms / 1000, [0.5, 0.95, 0.99, 1], method="inverted_cdf")
    exact = {"p50": p50, "p95": p95, "p99": p99, "max": greatest, "mean": latency_ms.mean() / 1000}
    assert found == pytest.approx(exact, rel=layout.latency_relative_error + 1e-12)
    assert found["mean"] == pytest.approx(exact["mean"], rel=1e-12)


@both_layouts
def test_every_latency_from_1_ms_to_a_year_is_within_the_stated_error(layout: Layout) -> None:
    for latency_ms in np.unique(np.geomspace(1, 365 * DAY_MS, 997).astype(np.int64)):
        found = latencies(np.array([latency_ms]), layout)
        assert found["max"] * 1000 == pytest.approx(latency_ms, rel=layout.latency_relative_error + 1e-12)


def test_a_label_before_its_event_has_waited_0() -> None:
    found = latencies(np.array([-5000, 0]), FINE)
    assert found["mean"] == 0
    assert found["max"] <= 0.00103


@both_layouts
def test_latencies_beyond_the_span_stay_in_the_last_bin(layout: Layout) -> None:
    found = latencies(np.array([2**36, 2**50]), layout)
    assert 360 * DAY_MS < found["max"] * 1000 < 2**35
    assert found["mean"] * 1000 == (2**36 + 2**50) / 2


@both_layouts
def test_a_quantile_on_the_edge_of_two_bins_takes_the_lower(layout: Layout) -> None:
    histogram = np.zeros(layout.latency_bins, np.int64)
    histogram[[10, 20]] = 1
    low, high = quantiles(histogram, (0.5, 0.51), layout)
    assert low < high


def test_labels_without_latencies_count_without_a_latency() -> None:
    head, cells = binary.zeros(1, FINE)
    ones = np.ones(3, np.int8)
    binary.add_outcomes(head, cells, FINE, np.zeros(3, np.int64), binary.prepare(np.ones(3), ones, ones))
    found = summarise(head[0], cells[0], FINE, 60)
    assert found["labelled"] == 3
    assert found["label_latency_seconds"] is None
