"""Detectors of a rising error rate: their arithmetic, their false alarms, how late they are."""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from math import inf, log
from typing import Protocol, Self

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.adwin import Adwin
from metrics.intervals import wilson
from metrics.sequential import EDetector, PageHinkley

CLEAN, RISEN = 0.056, 0.084
RUNS = 20
BUDGET = 25_000
"""Clean records that may pass without an alarm."""
REFERENCE = 100_000
"""Labelled records that the e-detector knows the clean rate from."""


class Detector(Protocol):
    @property
    def alarm(self) -> bool: ...

    def update(self, errors: int, records: int) -> Self: ...


def known(detector: EDetector | None) -> EDetector:
    assert detector is not None
    return detector


DETECTORS: dict[str, Callable[[], Detector]] = {
    "e-detector": lambda: known(EDetector.of_reference(round(CLEAN * REFERENCE), REFERENCE)),
    "Page-Hinkley": PageHinkley,
    "ADWIN": Adwin,
}
EVERY = pytest.mark.parametrize("start", DETECTORS.values(), ids=list(DETECTORS))


def windows_until_alarm(detector: Detector, errors: Iterable[int], records: int) -> float:
    for passed, count in enumerate(errors, start=1):
        detector = detector.update(count, records)
        if detector.alarm:
            return passed
    return inf


@EVERY
@pytest.mark.parametrize("records", [50, 500])
def test_25_000_clean_records_give_no_alarm(start: Callable[[], Detector], records: int) -> None:
    rng = np.random.default_rng(1)
    runs = [rng.binomial(records, CLEAN, BUDGET // records).tolist() for _ in range(RUNS)]
    alarms = [windows_until_alarm(start(), run, records) < inf for run in runs]
    assert not any(alarms)


@pytest.mark.parametrize("name", ["e-detector", "Page-Hinkley"])
@pytest.mark.parametrize("records", [50, 500])
def test_a_rise_by_half_is_found_within_1_500_records_in_the_median(name: str, records: int) -> None:
    assert np.median(delays(DETECTORS[name], records)) <= 1500


@pytest.mark.parametrize("records", [50, 500])
def test_adwin_finds_it_within_2_000_in_the_median(records: int) -> None:
    assert np.median(delays(Adwin, records, RUNS)) <= 2000


def delays(start: Callable[[], Detector], records: int, runs: int = 100) -> list[float]:
    """Labelled records from the rise to the alarm, after as many clean ones as the budget."""
    rng = np.random.default_rng(2)
    found = []
    for _ in range(runs):
        detector = start()
        for errors in rng.binomial(records, CLEAN, BUDGET // records).tolist():
            detector = detector.update(errors, records)
        after = rng.binomial(records, RISEN, 10_000 // records).tolist()
        found.append(records * windows_until_alarm(detector, after, records))
    return found


@EVERY
def test_a_falling_rate_is_no_alarm_and_neither_are_windows_without_labels(start: Callable[[], Detector]) -> None:
    rng = np.random.default_rng(3)
    detector = start()
    for errors, records in [*((int(k), 100) for k in rng.binomial(100, CLEAN, 100)), *[(0, 0)] * 9, *[(1, 100)] * 200]:
        detector = detector.update(errors, records)
        assert not detector.alarm


@pytest.mark.parametrize("name", ["e-detector", "Page-Hinkley"])
def test_an_alarm_stands_while_the_rate_is_high_and_goes_when_it_is_back(name: str) -> None:
    detector = DETECTORS[name]()
    for _ in range(200):
        detector = detector.update(5, 100)
    for errors, expected in (30, True), (4, False):
        for _ in range(100):
            detector = detector.update(errors, 100)
        assert detector.alarm is expected


def test_record_by_record_the_e_detector_is_the_shiryaev_roberts_recursion() -> None:
    p0, p1, r = 0.1, 0.15, 0.0
    detector = EDetector(p0, p1)
    for error in np.random.default_rng(4).binomial(1, 0.12, 300).tolist():
        r = (r + 1) * (p1 / p0 if error else (1 - p1) / (1 - p0))
        detector = detector.update(error, 1)
        assert detector.log_r == pytest.approx(log(r), abs=1e-9)


@given(st.integers(1, 9), st.integers(0, 9), st.floats(0.01, 0.5), st.floats(1.1, 1.9))
def test_a_window_counts_no_more_than_its_records_in_any_order_on_average(
    n: int, k: int, p0: float, rise: float
) -> None:
    """What the guarantee of its run length rests on."""
    before = EDetector(p0, p0 * rise).update(3, 20)
    errors = min(k, n)
    orders = list(combinations(range(n), errors))
    average = np.mean([np.exp(one_by_one(before, n, order).log_r) for order in orders])
    assert before.update(errors, n).log_r <= log(average) + 1e-9


def one_by_one(detector: EDetector, records: int, errors: Sequence[int]) -> EDetector:
    for i in range(records):
        detector = detector.update(int(i in errors), 1)
    return detector


def test_its_false_alarms_keep_the_run_length_though_p0_is_the_true_rate() -> None:
    """On average no sooner than after 500 records, and in n records with the probability n / 500 at most."""
    rng, n = np.random.default_rng(5), 20
    runs = [
        n * windows_until_alarm(EDetector(0.1, 0.15, 500), rng.binomial(n, 0.1, 500).tolist(), n) for _ in range(200)
    ]
    assert np.mean(np.minimum(runs, 500 * n)) > 500
    assert np.mean(np.array(runs) <= 100) < 100 / 500 + 3 * np.sqrt(0.2 * 0.8 / 200)


def test_its_p0_is_the_upper_end_of_what_the_reference_allows() -> None:
    detector, interval = EDetector.of_reference(56, 1000), wilson(56, 1000)
    assert detector is not None
    assert interval is not None
    assert (detector.p0, detector.p1) == (interval[1], 1.5 * interval[1])
    assert EDetector.of_reference(0, 0) is None
    assert EDetector.of_reference(7, 7) is None
    hopeless = EDetector.of_reference(80, 100)
    assert hopeless is not None
    assert hopeless.p0 < hopeless.p1 < 1


def test_windows_of_millions_of_records_overflow_nothing() -> None:
    detector = EDetector(CLEAN, RISEN).update(5_000_000, 5_000_000)
    assert detector.log_r == pytest.approx(2 * log(1e6))
    assert not detector.update(0, 50_000_000).alarm
