from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, false_discovery_control

from alerting.discovery import above_p, below_p, cutoff
from alerting.evaluator import Options
from tests.unit.alerting.rule_records import MINUTE, Desk, record, rule, said


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.sampled_from([0.01, 0.05, 0.2]))
def test_the_cutoff_agrees_with_scipy(p_values: list[float], rate: float) -> None:
    limit = cutoff(p_values, rate)
    adjusted = false_discovery_control(p_values)
    clear = [abs(a - rate) > 1e-9 for a in adjusted]
    ours = [p <= limit for p in p_values]
    assert all(one == (a <= rate) for one, a, sure in zip(ours, adjusted, clear, strict=True) if sure)


@given(st.integers(0, 200), st.integers(1, 200), st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]))
def test_the_tails_agree_with_scipy(successes: int, trials: int, threshold: float) -> None:
    successes = min(successes, trials)
    value = successes / trials
    less = binomtest(successes, trials, threshold, "less").pvalue
    more = binomtest(successes, trials, threshold, "greater").pvalue
    assert below_p(value, threshold, (successes, trials), None) == pytest.approx(less, abs=1e-12)
    assert above_p(value, threshold, (successes, trials), None) == pytest.approx(more, abs=1e-12)


def test_without_counts_and_interval_nothing_tells() -> None:
    assert below_p(0.5, 0.9, None, None) is None
    assert below_p(0.5, 0.9, (0, 0), None) is None
    assert above_p(0.5, 0.2, None, (0.5, 0.5)) is None


def test_few_false_alarms_over_many_segments_and_the_bad_one_is_found() -> None:
    """40 segments right at the threshold: each by itself breaches half of the time."""
    rng = random.Random(7)
    found = {None: 0, 0.05: 0}
    for rate in found:
        desk = Desk([rule(segments="all", false_discovery=rate)])
        desk.take(*(record(0, 0.99, segment=f"s={n}") for n in range(40)))
        for minute in range(1, 11):
            desk.take(
                *(record(minute, sum(rng.random() < 0.9 for _ in range(500)) / 500, labelled=500, segment=f"s={n}")
                  for n in range(40))
            )  # fmt: skip
        found[rate] = sum(event.status == "firing" for event in desk.told)
    assert found[None] > 80
    assert found[0.05] <= 2, "one in twenty windows may hold one"
    desk = Desk([rule(segments="all", false_discovery=0.05)])
    events = desk.take(*(record(1, 0.8 if n == 3 else 0.9, segment=f"s={n}") for n in range(40)))
    assert [event.segment for event in events] == ["s=3"]


def test_a_later_member_can_undo_and_make_a_discovery() -> None:
    desk = Desk([rule(segments="all", false_discovery=0.05)])
    borderline = record(1, 0.86, labelled=100, segment="s=a")  # p = 0.12 by itself
    assert desk.take(borderline) == []
    doubtful = record(2, 0.84, labelled=100, segment="s=a")  # p = 0.04: found while it is alone
    (fired,) = desk.take(doubtful)
    (over,) = desk.take(record(2, 0.95, labelled=100, segment="s=b"))
    assert (fired.segment, over.segment, over.status) == ("s=a", "s=a", "resolved")
    assert over.value == fired.value == 0.84
    (again,) = desk.take(record(2, 0.5, labelled=100, revision=2, segment="s=b"))[:1]
    assert again.segment in {"s=a", "s=b"}
    assert {event.segment for event in desk.evaluator.firing()} == {"s=a", "s=b"}


def test_segments_still_to_come_count_as_looks() -> None:
    desk = Desk([rule(segments="all", false_discovery=0.05)])
    desk.take(*(record(1, 0.95, labelled=100, segment=f"s={n}") for n in range(20)))
    assert desk.take(record(2, 0.84, labelled=100, segment="s=0")) == [], "the first of twenty, p = 0.04"


def test_a_firing_segment_is_held_while_its_family_doubts_it() -> None:
    desk = Desk([rule(segments="all", false_discovery=0.05)])
    desk.take(*(record(1, 0.95, labelled=100, segment=f"s={n}") for n in range(20)))
    assert said(desk.take(record(2, 0.7, labelled=100, segment="s=0"))) == ["firing"]
    for minute in (3, 4):
        desk.take(*(record(minute, 0.95, labelled=100, segment=f"s={n}") for n in range(1, 20)))
        assert desk.take(record(minute, 0.85, labelled=100, segment="s=0")) == [], "p = 0.07 among twenty"
    assert said(desk.take(record(5, 0.95, labelled=100, segment="s=0"))) == ["resolved"]


def test_a_family_survives_a_restart() -> None:
    desk = Desk([rule(segments="all", false_discovery=0.05, for_ms=0)], Options(alert_lookback_ms=10 * MINUTE))
    desk.take(*(record(1, 0.95, labelled=100, segment=f"s={n}") for n in range(20)))
    desk.restart()
    assert desk.take(record(1, 0.84, labelled=100, revision=2, segment="s=0")) == []


def test_an_unknown_probability_is_judged_by_itself() -> None:
    desk = Desk([rule("r", "brier", "above", 0.2, segments="all", false_discovery=0.05)])
    desk.take(*(record(1, metrics={"brier": 0.1}, segment=f"s={n}") for n in range(20)))
    assert said(desk.take(record(1, metrics={"brier": 0.21}, segment="s=new"))) == ["firing"]


def test_the_whole_model_is_not_a_member() -> None:
    desk = Desk([rule(segments="all", false_discovery=0.05)])
    desk.take(*(record(1, 0.95, labelled=100, segment=f"s={n}") for n in range(20)))
    assert [e.segment for e in desk.take(record(1, 0.89, labelled=100))] == [""]
