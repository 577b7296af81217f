"""Hand-made stories of partitions that move: nothing twice, nothing missing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables import cover
from tables.cover import Group, Truth, add_group


def told(*covers: dict[int, int]) -> Truth:
    truth = Truth()
    for one in covers:
        truth = add_group(truth, Group(one, repr(sorted(one.items())).encode()))
    return truth


def current(truth: Truth) -> list[dict[int, int]]:
    return sorted((g.cover for g in truth.current), key=repr)


def test_a_newer_sum_replaces_the_old_one() -> None:
    assert current(told({0: 1, 1: 1}, {0: 2, 1: 1})) == [{0: 2, 1: 1}]


def test_f15_an_older_sum_changes_nothing() -> None:
    before = told({0: 2, 1: 3})
    assert add_group(before, Group({0: 1, 1: 4}, b"")) is before


def test_a_copy_changes_nothing() -> None:
    before = told({0: 2})
    assert add_group(before, Group({0: 2}, b"")) is before


def test_a_split_waits_for_its_other_half() -> None:
    waiting = told({0: 1, 1: 1}, {0: 2})
    assert current(waiting) == [{0: 1, 1: 1}]
    assert waiting.version == 2
    whole = told({0: 1, 1: 1}, {0: 2}, {1: 1})
    assert current(whole) == [{0: 2}, {1: 1}]
    assert whole.version == 3


def test_a_swap_between_two_workers_is_taken_at_once_and_whole() -> None:
    story: tuple[dict[int, int], ...] = ({0: 1, 1: 1}, {2: 1, 3: 1}, {0: 2, 2: 1})
    assert current(told(*story)) == [{0: 1, 1: 1}, {2: 1, 3: 1}]
    assert current(told(*story, {1: 1, 3: 2})) == [{0: 2, 2: 1}, {1: 1, 3: 2}]


def test_a_second_rebalance_before_the_first_is_complete() -> None:
    truth = told({0: 1, 1: 1}, {0: 2}, {0: 2, 1: 2})
    assert current(truth) == [{0: 2, 1: 2}]
    assert truth.waiting == ()


def test_partitions_never_heard_of_join_at_once() -> None:
    assert current(told({0: 1}, {1: 1})) == [{0: 1}, {1: 1}]


@given(st.lists(st.dictionaries(st.integers(0, 5), st.integers(1, 4), min_size=1), max_size=20))
def test_the_short_way_for_unmoved_partitions_says_what_the_long_one_says(story: list[dict[int, int]]) -> None:
    short = told(*story)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cover, "_same_partitions", lambda *_: None)
        assert told(*story) == short
