"""`RobustPredictor`: the primary model where it is fit to answer, else the fallback."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from numbers import Real
from typing import Final, Generic, Literal, Protocol, TypeVar

from hindcast_client.input_checks import InputChecks, Problem
from hindcast_client.metrics import ServingMetrics

logger = logging.getLogger(__name__)

T = TypeVar("T")
Features = Mapping[str, object]
Reason = Literal["", "error", "bad_answer", "bad_data", "rollback"]
AnsweredBy = Literal["primary", "fallback", "none"]
PRIMARY: Final = "primary"


@dataclass(frozen=True, slots=True)
class Predictor(Generic[T]):
    """A model: its version and the function that answers."""

    version: str
    predict: Callable[[Features], T]


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """An answer, whose it is (`model_version`: log the prediction under it), and why it is not the primary's."""

    value: T
    answered_by: AnsweredBy
    model_version: str
    reason: Reason
    problems: tuple[Problem, ...]


class Decided(Protocol):
    """What says that a version is rolled back: a `DecisionWatcher`."""

    def rolled_back(self, version: str) -> bool:
        """Whether it is."""


class RobustPredictor(Generic[T]):
    """Asks the primary, and the fallback where the primary is rolled back (`rollback`), the features are unfit
    (`bad_data`), it raises (`error`), or it answers None, NaN or infinity (`bad_answer`).

    The fallback gets the same features, so it should be able to do with bad ones: a rule, or a constant. What it raises
    reaches the caller. Who answered, and why, is counted in `counts` and, with `metrics`, in
    `predictor_answers_total{answered_by,reason}`. Safe for threads as far as the predictors are.
    """

    def __init__(
        self,
        primary: Predictor[T],
        fallback: Predictor[T],
        *,
        checks: InputChecks | None = None,
        decisions: Decided | None = None,
        metrics: ServingMetrics | None = None,
    ) -> None:
        self._primary, self._fallback = primary, fallback
        self._checks, self._decisions, self._metrics = checks, decisions, metrics
        self._counts: Counter[tuple[AnsweredBy, Reason]] = Counter()
        self._lock = threading.Lock()

    def predict(self, features: Features) -> Answer[T]:
        """The answer. Raises what the fallback raises, whose cause is then what the primary raised, if it did."""
        problems = [] if self._checks is None else self._checks.problems(features)
        reason, error = self._unfit(problems), None
        if not reason:
            try:
                value = self._primary.predict(features)
            except Exception as raised:  # noqa: BLE001  # whatever it is, the fallback is there for it
                reason, error = "error", raised
            else:
                if _is_answer(value):
                    self._count(PRIMARY, "")
                    return Answer(value, PRIMARY, self._primary.version, "", tuple(problems))
                reason = "bad_answer"
        return Answer(
            self._second(features, reason, error), "fallback", self._fallback.version, reason, tuple(problems)
        )

    @property
    def counts(self) -> dict[tuple[AnsweredBy, Reason], int]:
        """How often who answered, and why; `none` where the fallback failed, too."""
        with self._lock:
            return dict(self._counts)

    def _unfit(self, problems: list[Problem]) -> Reason:
        if self._decisions is not None and self._decisions.rolled_back(self._primary.version):
            return "rollback"
        if self._checks is not None and self._checks.refused(problems):
            return "bad_data"
        return ""

    def _second(self, features: Features, reason: Reason, error: Exception | None) -> T:
        try:
            value = self._fallback.predict(features)
        except Exception as second:
            self._count("none", reason)
            raise second from error
        self._count("fallback", reason)
        return value

    def _count(self, answered_by: AnsweredBy, reason: Reason) -> None:
        with self._lock:
            self._counts[answered_by, reason] += 1
        if self._metrics is not None:
            self._metrics.answers.labels(answered_by, reason).inc()


def _is_answer(value: object) -> bool:
    if value is None:
        return False
    return not isinstance(value, Real) or isfinite(float(value))
