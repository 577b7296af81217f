"""A rule: what of a metric record is judged, against what, and who hears of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from models.alert_event import Cause, Priority, Severity
from models.decision import DecisionKind

ConditionKind = Literal["below", "above", "outside", "drop_from_baseline", "rise_from_baseline", "absent_for"]
Joined = Literal["all", "any", "at_least"]

FLOOR: Final = 0.01
"""What counts as a rise from nothing, in the metric's own unit: of a share 1 %, as most metrics are."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of one value of the record.

    metric: a path into the record; a bare name is looked up in ``metrics`` first, a ``*`` stands
    for every name in its place (``drift.features.*.psi``), each being a value of its own.
    limits: (threshold,); for ``outside`` (low, high); for drop and rise the share of the baseline,
    0.1 = 10 %; for ``absent_for`` (seconds,).
    resolve: hysteresis; a firing condition is over only when the value is back past this.
    floor: a rise has to reach this value, too, however small the baseline is; None = FLOOR where the baseline is 0.
    """

    metric: str
    kind: ConditionKind
    limits: tuple[float, ...]
    resolve: float | None = None
    floor: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule over the metric records of some models; durations are event time.

    models: names it is for, empty = every model. span: the ``span`` of the records that are judged,
    empty = the model's own window. segments: ``whole`` = the whole model only, ``all`` = every
    segment and the whole model. joined, at_least: how the conditions make one judgement.
    false_discovery: with segments, the rate that Benjamini-Hochberg keeps over the segments of one
    evaluation; None = judge each by itself.
    min_maturity: of the labels that will ever come the share that has to be in, where that is known.
    decision: proposes an action, too, when it fires.
    """

    name: str
    conditions: tuple[Condition, ...]
    joined: Joined = "all"
    at_least: int = 1
    models: tuple[str, ...] = ()
    span: str = ""
    for_ms: int = 0
    keep_firing_ms: int = 0
    min_total: int = 0
    min_labelled: int = 0
    min_label_coverage: float = 0.0
    min_maturity: float = 0.0
    certain: bool = False
    segments: Literal["whole", "all"] = "whole"
    false_discovery: float | None = None
    severity: Severity = "warning"
    priority: Priority = "P2"
    cause: Cause = "outcome"
    runbook: str = ""
    summary: str = ""
    decision: DecisionKind | None = None
    pack: str = field(default="", compare=False)
    """The pack it comes from; empty for a rule of the user's."""

    def is_for(self, model: str) -> bool:
        """Whether records of this model are judged."""
        return not self.models or model in self.models
