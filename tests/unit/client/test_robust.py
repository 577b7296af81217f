"""Who answers: the primary where it is fit to, else the fallback; and it is counted."""

from collections.abc import Mapping

import pytest
from prometheus_client import CollectorRegistry

from hindcast_client import InputChecks, Predictor, RobustPredictor, ServingMetrics
from hindcast_client.input_checks import Numeric
from tests.unit.client.test_metrics import series

CHECKS = InputChecks({"amount": Numeric(0, 100, may_be_missing=False)})


class Decisions:
    """Rolls back what it is told to."""

    def __init__(self) -> None:
        self.versions: set[str] = set()

    def rolled_back(self, version: str) -> bool:
        return version in self.versions


def primary(features: Mapping[str, object]) -> float:
    amount = features["amount"]
    assert isinstance(amount, float)
    return {7.0: float("nan"), 8.0: float("inf")}.get(amount, 1 / amount)


def fallback(features: Mapping[str, object]) -> float:
    if "fatal" in features:
        raise LookupError("fallback")
    return 0.5


def test_the_fallback_answers_for_every_reason_and_all_is_counted() -> None:
    decisions, metrics = Decisions(), ServingMetrics("v2", registry=CollectorRegistry())
    robust = RobustPredictor(
        Predictor("v2", primary), Predictor("rules", fallback), checks=CHECKS, decisions=decisions, metrics=metrics
    )
    asked = [2.0, 200.0, 0.0, 7.0, 8.0, float("nan"), None]
    answers = [robust.predict({"amount": amount}) for amount in asked]
    assert [(a.value, a.model_version, a.reason) for a in answers] == [
        (0.5, "v2", ""),
        (0.005, "v2", ""),
        (0.5, "rules", "error"),
        (0.5, "rules", "bad_answer"),
        (0.5, "rules", "bad_answer"),
        (0.5, "rules", "bad_data"),
        (0.5, "rules", "bad_data"),
    ]
    assert [problem.kind for a in answers for problem in a.problems] == ["range", "not_finite", "missing"]
    decisions.versions = {"v2"}
    assert robust.predict({"amount": 2.0}).reason == "rollback"
    decisions.versions = {"v1"}
    assert robust.predict({"amount": 2.0}).answered_by == "primary"
    assert robust.counts == {
        ("primary", ""): 3,
        ("fallback", "error"): 1,
        ("fallback", "bad_answer"): 2,
        ("fallback", "bad_data"): 2,
        ("fallback", "rollback"): 1,
    }
    assert series(metrics)["predictor_answers_total{primary,}"] == 3
    assert series(metrics)["predictor_answers_total{fallback,bad_data}"] == 2


def test_where_both_fail_the_caller_sees_both_errors() -> None:
    robust = RobustPredictor(Predictor("v2", primary), Predictor("rules", fallback))
    with pytest.raises(LookupError, match="fallback") as raised:
        robust.predict({"amount": 0.0, "fatal": True})
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    assert robust.counts == {("none", "error"): 1}
