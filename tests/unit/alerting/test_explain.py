"""Rules in plain sentences."""

from dataclasses import replace

import pytest

from alerting.explain import explain
from alerting.packs import PACKS
from alerting.rule import Condition, Rule

LOW = Rule("low", (Condition("accuracy", "below", (0.9,)),))
AUC = Condition("auc", "drop_from_baseline", (0.1,), 0.05)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (LOW, "accuracy is below 0.9"),
        (replace(LOW, certain=True), "accuracy is, with its whole confidence interval, below 0.9"),
        (replace(LOW, conditions=(AUC,)), "auc is more than 10 % below its baseline (until that is at most 5 %)"),
        (
            replace(LOW, conditions=(Condition("error_rate", "rise_from_baseline", (2,), floor=0.01),)),
            "error_rate is more than 200 % above its baseline and above 0.01",
        ),
        (replace(LOW, conditions=(Condition("mae", "above", (3,), 2),)), "mae is above 3 (until it is back past 2)"),
        (replace(LOW, conditions=(Condition("mae", "outside", (1, 3)),)), "mae is below 1 or above 3"),
        (replace(LOW, conditions=(Condition("total", "absent_for", (300,)),)), "no predictions came for 5m"),
        (replace(LOW, conditions=(Condition("auc", "absent_for", (90,)),)), "auc was missing for 90s"),
        (
            replace(
                LOW, conditions=(Condition("drift.features.*.psi", "above", (0.2,)),), joined="at_least", at_least=4
            ),
            "at least 4 of: psi of a feature is above 0.2",
        ),
        (
            replace(LOW, conditions=(Condition("drift.features.*.drifted", "above", (0.5,)), AUC), joined="any"),
            "a feature has drifted or auc is more than 10 % below its baseline (until that is at most 5 %)",
        ),
        (replace(LOW, conditions=(Condition("per_class.*.f1", "below", (0.5,)),)), "f1 of a class is below 0.5"),
        (replace(LOW, span="5m lag 1h", for_ms=90_000), "accuracy is below 0.9 over 5m that ended 1h ago, for 90s"),
        (
            replace(LOW, models=("a", "b"), segments="all", false_discovery=0.05),
            (
                "accuracy is below 0.9, in the model or any segment, of a or b; "
                "at most 5 % of the segments told are so by chance"
            ),
        ),
        (
            replace(
                LOW, min_total=10, min_label_coverage=0.5, min_maturity=0.8, keep_firing_ms=60_000, decision="retrain"
            ),
            (
                "accuracy is below 0.9; judged from 10 records and 50 % with labels and 80 % of the expected labels "
                "on; over when that has not been so for 1m; proposes to retrain"
            ),
        ),
    ],
)
def test_a_rule_is_said_in_a_sentence(rule: Rule, said: str) -> None:
    assert explain(rule) == f"low (P2, warning): fires when {said}."


def test_no_two_rules_of_the_packs_are_said_alike() -> None:
    sentences = [explain(rule).partition(": ")[2] for rules in PACKS.values() for rule in rules]
    assert len(set(sentences)) == len(sentences)
