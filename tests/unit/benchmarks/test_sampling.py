import pytest

from benchmarks.harness.sampling import Sample, StuckError, middle, steady


def sample(at_seconds: float, events: int, cpu_seconds: float, busy: int = 1) -> Sample:
    return Sample(at_seconds, events, busy, cpu_seconds, peak_rss_bytes=1)


def test_the_steady_part_leaves_out_the_slow_start_and_the_tail() -> None:
    slow_start = [sample(0.0, 0, 0.0), sample(10.0, 100, 5.0)]
    even = [sample(11.0, 300, 5.5), sample(12.0, 500, 6.0), sample(13.0, 900, 7.0)]
    run = steady([*slow_start, *even, sample(20.0, 1000, 9.0)])
    assert run.events_per_second == 300
    assert run.cpu_us_per_event == pytest.approx(1.5e6 / 600)


def test_two_workers_are_timed_from_when_both_have_begun() -> None:
    alone = [sample(0.0, 250, 0.0), sample(1.0, 300, 1.0)]
    both = [sample(2.0, 400, 2.0, busy=2), sample(3.0, 900, 3.0, busy=2), sample(3.2, 1000, 3.2, busy=2)]
    assert steady([*alone, *both]).events_per_second == 500


def test_too_few_samples_are_refused_instead_of_guessed_from() -> None:
    with pytest.raises(StuckError, match="more events"):
        steady([sample(0.0, 0, 0.0), sample(1.0, 1000, 1.0)])


def test_the_middle_of_several_runs_is_their_median() -> None:
    runs = [steady([sample(0, 20, 0), sample(1, 20 + n, 1), sample(2, 100, 2)]) for n in (10, 40, 70)]
    assert middle(runs).events_per_second == 40
