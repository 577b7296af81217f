"""`InputChecks`: whether a request's features are what the model knows, by its baseline file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import isfinite
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args

import orjson

from hindcast_client.errors import UsageError
from hindcast_client.metrics import ServingMetrics

SCHEMA: Final = "hindcast.baseline/1"
OTHER: Final = "__other__"
"""Stands for the rare categories, whose names are beside it."""
_MISSING, _NULL = 0, 1
"""Places in a feature's ``counts``: rows of the baseline without it, and with null."""

Kind = Literal["missing", "type", "not_finite", "range", "unseen"]
REFUSED: Final[frozenset[Kind]] = frozenset({"missing", "type", "not_finite"})


class Problem(NamedTuple):
    """What is wrong with one feature. `detail` holds no value of the request."""

    feature: str
    kind: Kind
    detail: str


@dataclass(frozen=True, slots=True)
class Numeric:
    """A number; least and greatest in the baseline."""

    low: float
    high: float
    may_be_missing: bool

    def problem(self, value: object) -> tuple[Kind, str] | None:
        """What is wrong with a value that is there."""
        if type(value) is not float and (isinstance(value, bool) or not isinstance(value, Real)):
            return "type", f"{type(value).__name__} instead of a number"
        number = float(value)
        if not isfinite(number):
            return "not_finite", "NaN or infinite"
        if not self.low <= number <= self.high:
            return "range", f"outside {self.low:g} to {self.high:g}"
        return None


@dataclass(frozen=True, slots=True)
class Categorical:
    """A name; booleans and numbers are named as the service names them (``true``, ``1``, ``2.5``)."""

    names: frozenset[str]
    may_be_missing: bool

    def problem(self, value: object) -> tuple[Kind, str] | None:
        """What is wrong with a value that is there."""
        if isinstance(value, Real) and not isinstance(value, Integral) and not isfinite(float(value)):
            return "not_finite", "NaN or infinite"
        name = _name(value)
        if name is None:
            return "type", f"{type(value).__name__} instead of a name"
        return None if name in self.names else ("unseen", "not in the baseline")


Check = Numeric | Categorical


class InputChecks:
    """Finds missing features (None is one, too), wrong types, NaN and infinity, values out of range, unseen names.

    ::

        checks = InputChecks.of_file("baselines/fraud.json")
        if checks.refused(checks.problems(features)): ...

    A feature that was missing in the baseline now and then may be missing. refuse: the kinds of problems that make
    features unfit for the model; a value beyond the baseline's range is not one of them by default, for the greatest
    amount ever is no error. metrics: counts every problem, in `input_problems_total{feature,kind}`.
    """

    def __init__(
        self,
        features: Mapping[str, Check],
        *,
        refuse: Collection[Kind] = REFUSED,
        metrics: ServingMetrics | None = None,
    ) -> None:
        unknown = set(refuse) - set(get_args(Kind))
        if unknown:
            known = ", ".join(get_args(Kind))
            raise UsageError(f"InputChecks: refuse: {', '.join(sorted(unknown))} is none of {known}")
        self.features = dict(features)
        self._refuse = frozenset(refuse)
        self._metrics = metrics

    @classmethod
    def of_file(
        cls,
        path: str | Path,
        *,
        refuse: Collection[Kind] = REFUSED,
        metrics: ServingMetrics | None = None,
    ) -> InputChecks:
        """Of a baseline file (`hindcast baseline build`). Raises UsageError if it is none, or has no features."""
        try:
            found = orjson.loads(Path(path).read_bytes())
            features = _features(found)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"baseline {path}: {_reason(error)}") from None
        if not features:
            raise UsageError(f"baseline {path}: it has no features")
        return cls(features, refuse=refuse, metrics=metrics)

    def problems(self, features: Mapping[str, object]) -> list[Problem]:
        """Everything that is wrong, in the baseline's order; features it does not name are not looked at."""
        found = []
        for name, check in self.features.items():
            value = features.get(name)
            if value is None:
                if not check.may_be_missing:
                    found.append(Problem(name, "missing", "null" if name in features else "absent"))
            elif (problem := check.problem(value)) is not None:
                found.append(Problem(name, *problem))
        if self._metrics is not None:
            for feature, kind, _ in found:
                self._metrics.input_problems.labels(feature, kind).inc()
        return found

    def refused(self, problems: list[Problem]) -> list[Problem]:
        """Those of a kind that makes the features unfit."""
        return [problem for problem in problems if problem.kind in self._refuse]


def _features(found: Any) -> dict[str, Check]:  # noqa: ANN401  # JSON of any shape
    if found["schema"] != SCHEMA:
        raise ValueError(f"schema is not {SCHEMA}")
    return {name: _check(feature) for name, feature in found.get("features", {}).items()}


def _check(feature: Any) -> Check:  # noqa: ANN401  # JSON of any shape
    may_be_missing = feature["counts"][_MISSING] + feature["counts"][_NULL] > 0
    if feature["type"] == "numeric":
        return Numeric(float(feature["min"]), float(feature["max"]), may_be_missing)
    if feature["type"] != "categorical":
        raise ValueError(f"{feature['type']} is no type of feature")
    names = {*feature["categories"], *feature.get("rare", [])} - {OTHER}
    return Categorical(frozenset(names), may_be_missing)


def _name(value: object) -> str | None:
    """The category of a value, None if it can be none."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case Integral():
            return str(int(value))
        case Real():
            number = float(value)
            return str(int(number)) if number.is_integer() else repr(number)
        case _:
            return None


def _reason(error: Exception) -> str:
    """In words: which key is missing, or what the error says."""
    return f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
