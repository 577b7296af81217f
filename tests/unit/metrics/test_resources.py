"""Resources: counted exactly in any order, told as mean, p95 and max, nothing where nobody told."""

from math import ceil
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.observer import ModelObserver, Observation
from metrics.resources import STEPS, STEPS_MAX, Resources
from metrics.window_layout import Cells, Head
from models.mapping import RESOURCES
from models.observed import MISMATCHED, Value

NAMES = ("cpu_ratio", "memory_bytes", "active_requests")
PART = Resources(NAMES)
SCALES = {"cpu_ratio": 1.0, "memory_bytes": 2.0**34, "active_requests": 40.0}
OBSERVER = ModelObserver(((),) * (3 + len(NAMES)), resources=NAMES)
Columns = dict[str, list[Value]]


def seen(columns: Columns) -> Observation:
    """What the observer of records with these values packs."""
    n = len(next(iter(columns.values())))
    nothing: list[Value] = [msgspec.UNSET] * n
    packed = OBSERVER.pack([nothing] * 3 + [columns.get(name, nothing) for name in NAMES], [-1] * 3 + [0] * len(NAMES))
    values = OBSERVER.unpack(packed.values, np.arange(n))
    return Observation(np.full(n, np.nan), np.zeros(n, np.int8), values, np.ones(n, np.bool_))


def window(columns: Columns) -> tuple[Head, Cells]:
    observation = seen(columns)
    head, cells = PART.observe(observation, np.zeros(len(observation.seen), np.int64), 1)
    return head[0], cells[0]


def summary(columns: Columns) -> dict[str, Any]:
    found: Any = PART.summarise(*window(columns), 60.0)
    return dict(found.get("resources", {}))


def drawn(seed: int, n: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {name: (scale * rng.lognormal(0, 0.6, n)).tolist() for name, scale in SCALES.items()}


def test_every_resource_that_can_be_mapped_has_its_step() -> None:
    assert tuple(STEPS) == RESOURCES


@pytest.mark.parametrize("n", [1, 2, 19, 400])
def test_the_mean_is_exact_and_quantiles_are_within_a_bin(n: int) -> None:
    values = drawn(n, n)
    found = summary({**values})
    for name in NAMES:
        ordered = sorted(values[name])
        assert found[name]["mean"] == pytest.approx(np.mean(ordered), abs=STEPS[name])
        assert found[name]["p95"] == pytest.approx(ordered[ceil(0.95 * n) - 1], rel=0.045)
        assert found[name]["max"] == pytest.approx(ordered[-1], rel=0.045)


def test_whole_requests_and_nothing_at_all_are_counted_as_they_are() -> None:
    assert summary({"active_requests": [0.0, 0.0, 3.0, 1.0]})["active_requests"]["mean"] == 1
    assert summary({"active_requests": [0.0]})["active_requests"] == {"mean": 0, "p95": 0, "max": 0}


def test_what_is_no_number_is_not_told_and_too_much_is_the_most() -> None:
    odd: list[Value] = [None, "high", True, -1.0, float("nan"), MISMATCHED, msgspec.UNSET]
    assert summary({"cpu_ratio": odd}) == {}
    mean = summary({"cpu_ratio": [1e300, float("inf")]})["cpu_ratio"]["mean"]
    assert mean == STEPS_MAX * STEPS["cpu_ratio"]
    assert summary({"cpu_ratio": [*odd, 0.5]}) == summary({"cpu_ratio": [0.5]})


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 2**32))
def test_windows_add_up_to_the_window_of_all(first: int, second: int, seed: int) -> None:
    values = drawn(seed, first + second)
    one, other = ({name: [*v[a:b]] for name, v in values.items()} for a, b in ((0, first), (first, None)))
    (head, cells), (more_head, more_cells), whole = window({**one}), window({**other}), window({**values})
    assert (head + more_head == whole[0]).all()
    assert (cells + more_cells == whole[1]).all()


def test_a_model_that_watches_none_packs_no_byte_more() -> None:
    plain = ModelObserver(((),) * 3)
    assert OBSERVER.itemsize == plain.itemsize + 4 * len(NAMES)
    assert plain.name != OBSERVER.name
