"""Serving: latency and errors of a window as numpy says them, nothing where nobody told."""

from typing import Any

import numpy as np
import pytest

from metrics.kinds import conclude
from metrics.layout import FINE
from metrics.observer import ERROR, OK, ModelObserver, Observation
from metrics.service import Service
from metrics.window_layout import WindowLayout

PART = Service()


def summary(latency_us: list[int], status: list[int], made: list[bool] | None = None) -> dict[str, Any]:
    n = len(status)
    seen = np.zeros(n, ModelObserver(()).dtype)
    seen["latency_us"], seen["status"] = np.array(latency_us) + 1, status
    observation = Observation(np.full(n, np.nan), np.zeros(n, np.int8), seen, np.array(made or [True] * n, np.bool_))
    head, cells = PART.observe(observation, np.zeros(n, np.int64), 1)
    return dict(PART.summarise(head[0], cells[0], 60.0))


@pytest.mark.parametrize("n", [1, 20, 1000])
def test_latency_is_that_of_numpy_within_a_bin(n: int) -> None:
    rng = np.random.default_rng(n)
    microseconds = rng.lognormal(10, 1, n).astype(int)
    found = summary(microseconds.tolist(), [0] * n)["prediction_latency_seconds"]
    assert found["mean"] == pytest.approx(microseconds.mean() / 1e6)
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)):
        expected = np.quantile(microseconds, share, method="inverted_cdf") / 1e6
        assert found[name] == pytest.approx(expected, rel=FINE.latency_relative_error + 1e-9)


def test_who_tells_no_latency_has_none_and_who_tells_no_status_no_errors() -> None:
    assert summary([-1, -1], [0, 0]) == {}
    assert summary([-1, -1, -1], [OK, ERROR, ERROR], [True, True, False]) == {"failed": 1, "errors": {}}


@pytest.mark.parametrize(
    ("parts", "rate"),
    [
        ({"total": 98, "failed": 2, "errors": {"timeout": 3, "unknown": 1}}, 0.04),
        ({"total": 10, "failed": 0, "errors": {}}, 0.0),
        ({"total": 0, "failed": 5, "errors": {"timeout": 5}}, 1.0),
        ({"total": 0, "failed": 0, "errors": {}}, None),
    ],
)
def test_the_error_rate_is_of_all_requests(parts: dict[str, object], rate: float | None) -> None:
    found = conclude(parts, WindowLayout((PART,)))
    assert (found["error_rate"], found["success_rate"]) == (rate, None if rate is None else 1 - rate)


def test_there_is_no_error_rate_where_nobody_tells_a_status() -> None:
    assert "error_rate" not in conclude({"total": 98}, WindowLayout((PART,)))
