from __future__ import annotations

import doctest

import pytest

from alerting import discovery, keys, wording
from alerting.judge import Judge
from alerting.rule import Rule
from tests.unit.alerting.rule_records import T0, record, rule


def said(one: Rule, some: dict[str, object], **baseline: float) -> str:
    judgement = Judge(one).judge(some, baseline.get)
    shown = wording.main_finding(judgement)
    assert shown is not None
    return wording.sentence(judgement, shown, some, T0 + 300_000)


@pytest.mark.parametrize("module", [wording, discovery, keys], ids=lambda module: module.__name__)
def test_examples_in_the_documentation_are_true(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


def test_a_value_close_to_the_threshold_is_told_apart_from_it() -> None:
    assert "accuracy 0.899998 " in said(rule(), record(5, 0.899998))


def test_a_rise_names_the_baseline() -> None:
    one = rule("r", "rmse", "rise_from_baseline", 0.1)
    assert said(one, record(5, metrics={"rmse": 13.0}), rmse=10.0) == (
        "rmse 13 is above 11, 30 % above its baseline 10, in the 60s to 10:05Z (1,000 labelled)"
    )


def test_outside_says_on_which_side() -> None:
    one = rule("r", "throughput_per_second", "outside", 10.0, 1000.0)
    assert "is below 10 " in said(one, record(5, total=60, labelled=0))
    assert said(one, record(5, total=120_000, labelled=0)) == (
        "throughput_per_second 2,000 is above 1,000 in the 60s to 10:05Z (120,000 predictions)"
    )


def test_what_is_not_certain_says_so() -> None:
    assert "accuracy 0.89 [0.87, 0.91] is not certainly below 0.9" in said(rule(certain=True), record(5, 0.89))
