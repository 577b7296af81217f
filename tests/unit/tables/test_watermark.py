"""What time it is: the least of the active sources, and what is unheard of holds it back."""

import pytest

from models.batch import Source
from tables.plan import MIN_MS, Plan
from tables.watermark import Sources, combine
from tests.unit.tables.support import MODEL


def sources(keyed: frozenset[str] = frozenset()) -> Sources:
    return Sources(Plan({"fraud": MODEL}, {"p": 2, "l": 1}, keyed), 1)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([(5, False), (9, False)], (5, False)),
        ([(5, True), (9, False)], (9, False)),
        ([(5, True), (9, True)], (9, True)),
        ([], (MIN_MS, True)),
    ],
)
def test_the_least_of_the_active_ones_counts(states: list[tuple[int, bool]], expected: tuple[int, bool]) -> None:
    assert combine(states) == expected


def test_a_source_never_heard_of_holds_everything_back() -> None:
    found = sources()
    found.advance(Source("p", 0), 1, 100, idle=False)
    found.advance(Source("l", 0), 1, 100, idle=False)
    assert found.frontier("fraud") == MIN_MS
    found.advance(Source("p", 1), 1, 70, idle=False)
    assert found.frontier("fraud") == 70


def test_f60_a_slow_label_topic_holds_the_windows_open() -> None:
    found = sources()
    for partition in range(2):
        found.advance(Source("p", partition), 1, 10_000, idle=False)
    found.advance(Source("l", 0), 1, 50, idle=False)
    assert found.frontier("fraud") == 50


def test_an_idle_source_that_wakes_does_not_turn_time_back() -> None:
    found = sources()
    found.advance(Source("p", 0), 1, 100, idle=False)
    found.advance(Source("p", 1), 1, 20, idle=True)
    found.advance(Source("l", 0), 1, 100, idle=False)
    assert found.frontier("fraud") == 100
    found.advance(Source("p", 1), 2, 30, idle=False)
    assert found.frontier("fraud") == 100
    assert found.seen(MODEL) == (30, False)


def test_a_watermark_and_an_offset_never_move_back() -> None:
    found = sources()
    found.advance(Source("p", 0), 7, 100, idle=False)
    found.advance(Source("p", 0), 3, 40, idle=False)
    assert found.applied(Source("p", 0)) == 7
    assert found.states[Source("p", 0)].watermark_ms == 100


def test_topics_keyed_by_id_feed_a_partition_from_its_own_number_alone() -> None:
    found = sources(frozenset({"p", "l"}))
    found.advance(Source("p", 1), 1, 100, idle=False)
    found.advance(Source("l", 1), 1, 90, idle=False)
    assert found.frontier("fraud") == 90
