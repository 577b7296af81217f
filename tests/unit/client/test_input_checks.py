"""Features against a baseline file as the service builds it."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from hindcast_client import InputChecks, ServingMetrics, UsageError
from metrics.coding import categorical_codes
from metrics.reference import FIRST, MISMATCH, NON_FINITE, SCHEMA, Baseline, Categorical, Feature
from tests.unit.client.test_metrics import series
from tests.unit.metrics.features import categorical_feature, numeric_feature

GOOD: dict[str, object] = {"amount": 12.5, "age": 40, "size": "L", "vip": True}


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    features: dict[str, Feature] = {
        "amount": numeric_feature(np.linspace(0, 100, 1001)),
        "age": numeric_feature(np.linspace(18, 90, 100), nulls=5),
        "size": categorical_feature(["L"] * 60 + ["1"] * 40),
        "vip": categorical_feature(["true"] * 60 + ["false"] * 40),
    }
    path = tmp_path / "fraud.json"
    path.write_bytes(msgspec.json.encode(Baseline(schema=SCHEMA, model="fraud", records=100, features=features)))
    return path


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"amount": np.float32(3), "age": np.int64(20), "extra": "x"}, []),
        ({"amount": None}, [("amount", "missing", "null")]),
        ({"amount": ...}, [("amount", "missing", "absent")]),
        ({"age": None}, []),
        ({"age": ...}, []),
        ({"amount": float("nan")}, [("amount", "not_finite", "NaN or infinite")]),
        ({"amount": float("-inf"), "size": float("nan")}, [("amount", "not_finite"), ("size", "not_finite")]),
        ({"amount": "12.5"}, [("amount", "type", "str instead of a number")]),
        ({"amount": True}, [("amount", "type", "bool instead of a number")]),
        ({"amount": 100.5}, [("amount", "range", "outside 0 to 100")]),
        ({"size": "XXL"}, [("size", "unseen", "not in the baseline")]),
        ({"size": 1}, []),
        ({"size": 1.0}, []),
        ({"size": ["L"]}, [("size", "type", "list instead of a name")]),
    ],
    ids=str,
)
def test_each_kind_of_problem_is_named(
    baseline: Path, changed: dict[str, object], expected: list[tuple[str, ...]]
) -> None:
    features = {name: value for name, value in (GOOD | changed).items() if value is not ...}
    problems = InputChecks.of_file(baseline).problems(features)
    lengths = [len(one) for one in expected]
    assert [tuple(problem[:n]) for problem, n in zip(problems, lengths, strict=True)] == expected


@pytest.mark.parametrize("value", ["L", "__other__", "XS", 1, 1.0, 2.5, True, float("inf"), [], "XXL"], ids=str)
def test_categories_are_named_as_the_service_names_them(tmp_path: Path, value: object) -> None:
    feature = Categorical(categories=["L", "1", "true", "2.5", "__other__"], counts=[0] * 10, rare=["XS"])
    path = tmp_path / "b.json"
    path.write_bytes(msgspec.json.encode(Baseline(schema=SCHEMA, features={"f": feature})))
    kinds = [problem.kind for problem in InputChecks.of_file(path).problems({"f": value})]
    [code] = categorical_codes(feature, [value]).tolist()
    service = {FIRST: ["unseen"], MISMATCH: ["type"], NON_FINITE: ["not_finite"]}.get(code, [])
    if value != "__other__":  # the service's own name for several, which nobody sends
        assert kinds == service


def test_problems_are_counted_and_only_some_are_refused(baseline: Path) -> None:
    metrics = ServingMetrics("v1", registry=CollectorRegistry())
    checks = InputChecks.of_file(baseline, metrics=metrics)
    problems = checks.problems({"amount": 1e9, "age": "old", "size": "L", "vip": False})
    assert [problem.feature for problem in problems] == ["amount", "age"]
    assert [problem.feature for problem in checks.refused(problems)] == ["age"]
    assert [p.feature for p in InputChecks.of_file(baseline, refuse=["range"]).refused(problems)] == ["amount"]
    found = series(metrics)
    assert (found["input_problems_total{amount,range}"], found["input_problems_total{age,type}"]) == (1, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "baseline .*: unexpected end of data"),
        (b"[]", "baseline .*: "),
        (b'{"schema": "x"}', f"baseline .*: schema is not {SCHEMA}"),
        (b'{"features": {}}', "baseline .*: schema is missing"),
        (b'{"schema": "hindcast.baseline/1"}', "baseline .*: it has no features"),
        (
            b'{"schema": "hindcast.baseline/1", "features": {"a": {"type": "numeric"}}}',
            "baseline .*: counts is missing",
        ),
    ],
)
def test_what_is_no_baseline_is_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "b.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=f"^{message}") as raised:
        InputChecks.of_file(path)
    assert "\n" not in str(raised.value)


def test_a_missing_file_and_an_unknown_kind_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^baseline .*No such file or directory"):
        InputChecks.of_file(tmp_path / "none.json")
    wrong: Any = ["nan"]
    with pytest.raises(
        UsageError, match=r"^InputChecks: refuse: nan is none of missing, type, not_finite, range, unseen$"
    ):
        InputChecks({}, refuse=wrong)
