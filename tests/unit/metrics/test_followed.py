"""What is followed of a window is what its record says, and the trends of a span are those of its windows."""

from typing import Any

import numpy as np
import pytest

from metrics import binary, followed
from metrics.binary_part import BinaryPart
from metrics.followed import UNDEFINED, Followed
from metrics.layout import FINE
from metrics.multiclass import MulticlassPart
from metrics.observer import ERROR, OK, ModelObserver, Observation
from metrics.regression import FINE as REGRESSION
from metrics.service import Service
from metrics.trends import WINDOWS_MIN
from metrics.window_layout import Cells, Head, WindowLayout

BINARY, MULTICLASS, SERVICE = BinaryPart(FINE), MulticlassPart(5, 1, 560), Service()
LAYOUT = WindowLayout((BINARY, SERVICE))
WINDOW_MS, N = 60_000, 200
ALL, ONCE = np.zeros(N, np.int64), np.ones(N, np.int64)
Vectors = tuple[Head, Cells]


def served(seed: int = 0) -> Vectors:
    rng, seen = np.random.default_rng(seed), np.zeros(N, ModelObserver((), ()).dtype)
    seen["latency_us"] = rng.integers(0, 10**6, N)  # one of them may say nothing
    seen["status"] = rng.choice([OK, ERROR], N, p=[0.9, 0.1])
    observation = Observation(np.full(N, np.nan), np.zeros(N, np.int8), seen, np.ones(N, np.bool_))
    head, cells = SERVICE.observe(observation, ALL, 1)
    return head[0], cells[0]


def binary_outcomes(seed: int = 0) -> Vectors:
    rng = np.random.default_rng(seed)
    score, (head, cells) = rng.random(N), binary.zeros(1, FINE)
    prepared = binary.prepare(score, (score > 0.5).astype(np.int8), rng.integers(0, 2, N).astype(np.int8), ALL)
    BINARY.add_predictions(head, cells, ALL, prepared, ONCE)
    BINARY.add_outcomes(head, cells, ALL, prepared, ONCE)
    return head[0], cells[0]


def others(part: Any, *columns: Any) -> Vectors:  # noqa: ANN401  # two tasks, each with chunks of its own
    head, cells = np.zeros((1, part.head_columns), np.int64), np.zeros((1, part.cells), np.int32)
    prepared = part.prepare(*columns)
    part.add_predictions(head, cells, ALL, prepared)
    part.add_outcomes(head, cells, ALL, prepared)
    return head[0], cells[0]


def regression_outcomes() -> Vectors:
    rng = np.random.default_rng(5)
    return others(REGRESSION, rng.normal(5, 2, N), rng.normal(5, 2, N), ALL)


def class_outcomes() -> Vectors:
    rng = np.random.default_rng(6)
    return others(MULTICLASS, rng.integers(0, 5, N).astype(np.int32), None, rng.integers(0, 5, N).astype(np.int32), ALL)


@pytest.mark.parametrize(
    ("part", "vectors"),
    [(BINARY, binary_outcomes()), (REGRESSION, regression_outcomes()), (MULTICLASS, class_outcomes())],
)
def test_what_is_followed_of_outcomes_is_what_the_record_says(part: Followed, vectors: Vectors) -> None:
    said: Any = part.summarise(*vectors, 60.0)["metrics"]
    found = dict(zip(part.series, part.follow(*vectors, N), strict=True))
    assert [weight for _, weight in found.values()] == [N] * len(part.series)
    assert {name: value for name, (value, _) in found.items()} == pytest.approx({n: said[n] for n in part.series})


def test_what_is_followed_of_serving_is_what_the_record_says() -> None:
    head, cells = served()
    said: Any = SERVICE.summarise(head, cells, 60.0)["prediction_latency_seconds"]
    mean, p95, (rate, requests) = SERVICE.follow(head, cells, N)
    timed, errors = int(head[0]), int(head[3])
    assert (mean[0], p95[0]) == pytest.approx((said["mean"], said["p95"]))
    assert (mean[1], p95[1]) == (timed, timed)
    assert (rate, requests) == (errors / N, N)


@pytest.mark.parametrize("part", [BINARY, REGRESSION, MULTICLASS, SERVICE])
def test_an_empty_window_has_nothing_to_follow(part: Followed) -> None:
    nothing = np.zeros(part.head_columns, np.int64), np.zeros(part.cells, np.int32)
    assert list(part.follow(*nothing, 0)) == [UNDEFINED] * len(part.series)


def span(minutes: list[int], end: int) -> dict[str, Any]:
    """Trends of windows with ever more errors and latency, which all hold N predictions."""
    rows = []
    for minute in minutes:
        head, cells = np.concatenate((binary_outcomes(minute)[0], served(minute)[0])), served(minute)[1]
        start = LAYOUT.head_starts[1]
        head[start + 1] = head[start] * (1000 + 10 * minute)  # microseconds: 10 more a minute
        cells = np.concatenate((binary_outcomes(minute)[1], cells))
        rows.append(followed.row(LAYOUT, minute * WINDOW_MS, head, cells))
    return followed.trends(LAYOUT, np.stack(rows), end * WINDOW_MS, WINDOW_MS)


def test_a_rising_latency_has_the_slope_with_which_it_rises() -> None:
    found = span(list(range(20)), 20)
    assert found["latency_mean_seconds"]["slope_per_hour"] == pytest.approx(600e-6)
    assert found["latency_mean_seconds"]["moving_average"] == pytest.approx(1095e-6, rel=1e-3)
    assert set(found) == {"windows", "throughput_per_second", *BINARY.series, *SERVICE.series}
    assert found["windows"] == 20


def test_minutes_without_a_record_are_minutes_without_throughput() -> None:
    minutes = [m for m in range(30, 60) if m not in {40, 41}]
    found = span(minutes, 62)
    full = [N / 60 if m in minutes else 0.0 for m in range(30, 62)]
    throughput = found["throughput_per_second"]
    assert throughput["moving_average"] == pytest.approx(np.mean(full))
    assert throughput["newest"] == 0
    assert throughput["z"] == pytest.approx(-np.mean(full[:-1]) / np.std(full[:-1], ddof=1))
    assert found["windows"] == len(minutes)
    assert found["accuracy"]["moving_average"] is not None


def test_a_series_that_no_window_has_is_absent() -> None:
    head, cells = binary_outcomes()
    rows = followed.row(WindowLayout((BINARY,)), 0, head, cells)[np.newaxis]
    found: Any = followed.trends(WindowLayout((BINARY,)), rows, WINDOW_MS, WINDOW_MS)
    assert set(found) == {"windows", "throughput_per_second", "accuracy", "mean_score"}
    assert WINDOWS_MIN > 1
    assert found["accuracy"]["slope_per_hour"] is None
    silent = np.concatenate((head, np.zeros(SERVICE.head_columns, np.int64)))
    rows = followed.row(LAYOUT, 0, silent, np.concatenate((cells, np.zeros(SERVICE.cells, np.int32))))[np.newaxis]
    assert "error_rate" not in followed.trends(LAYOUT, rows, WINDOW_MS, WINDOW_MS)
