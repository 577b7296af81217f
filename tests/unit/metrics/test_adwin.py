"""ADWIN's window: what it keeps, and when it lets go. Its false alarms and delays: test_sequential."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.adwin import Adwin

ROUNDS = 400


@given(st.lists(st.integers(0, 5), max_size=60))
def test_what_agrees_is_kept_to_the_last_record(errors: list[int]) -> None:
    detector = Adwin(delta=1e-12)
    for count in errors:
        detector = detector.update(count, 100)
    if detector.records == 100 * len(errors):
        assert detector.rate == (sum(errors) / (100 * len(errors)) if errors else None)
    else:
        assert min(errors) < max(errors)


def test_few_buckets_hold_many_windows_and_levels_never_rise() -> None:
    detector = Adwin()
    for _ in range(ROUNDS):
        detector = detector.update(5, 100)
    levels = [each.level for each in detector.buckets]
    assert detector.records == 100 * ROUNDS
    assert sum(2**level for level in levels) == ROUNDS
    assert levels == sorted(levels, reverse=True)
    assert max(levels.count(level) for level in levels) <= 5


def test_a_rise_is_an_alarm_while_the_past_is_dropped_and_leaves_the_new_rate() -> None:
    detector, alarms = Adwin(), 0
    for errors in [5] * 50 + [20] * 50:
        detector = detector.update(errors, 100)
        alarms += detector.alarm
    assert alarms >= 1
    assert not detector.alarm
    assert detector.rate == pytest.approx(0.2, abs=0.01)  # the cut lies between two buckets


def test_a_fall_is_forgotten_without_an_alarm() -> None:
    detector = Adwin()
    for errors in [20] * 50 + [5] * 50:
        detector = detector.update(errors, 100)
        assert not detector.alarm
    assert detector.rate == pytest.approx(0.05, abs=0.01)


def test_single_records_and_windows_without_any_are_taken() -> None:
    detector = Adwin().update(0, 0).update(1, 1).update(0, 1).update(0, 0)
    assert (detector.records, detector.rate, detector.alarm) == (2, 0.5, False)
