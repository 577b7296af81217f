"""One entry of ``alerts.rules``: what is judged, against what, and who hears of it."""

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field

from alerting.metric_paths import PATHS, is_known
from models.alert_event import Cause, Priority, Severity
from models.decision import DecisionKind
from runtime.settings.base import Name, Names, Section
from runtime.settings.suggest import suggestion
from runtime.settings.units import DurationMs, PositiveDurationMs, Span


def _path(text: str) -> str:
    if not is_known(text):
        raise ValueError(f"no such metric in the records{suggestion(text, PATHS)}")
    return text


MetricPath: TypeAlias = Annotated[str, AfterValidator(_path)]
Number: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]


class ConditionSettings(Section):
    """One comparison; exactly one of the six kinds."""

    metric: MetricPath | None = None
    below: Number | None = None
    above: Number | None = None
    outside: tuple[Number, Number] | None = None
    drop_from_baseline: Annotated[float, Field(gt=0, le=1)] | None = None
    rise_from_baseline: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    absent_for_ms: PositiveDurationMs | None = Field(default=None, alias="absent_for")
    resolve_above: Number | None = None
    resolve_below: Number | None = None
    floor: Number | None = None


class RuleSettings(ConditionSettings):
    """A rule of the user's; with the name of a pack's rule, the keys that change in it."""

    name: Name
    disabled: bool = False
    models: Names | None = Field(default=None, alias="model")
    all_of: list[ConditionSettings] | None = Field(default=None, alias="all", min_length=1)
    any_of: list[ConditionSettings] | None = Field(default=None, alias="any", min_length=1)
    of: list[ConditionSettings] | None = Field(default=None, min_length=1)
    at_least: int | None = Field(default=None, ge=1)
    over: Span | None = None
    lag_ms: DurationMs = Field(default="0s", alias="lag", validate_default=True)
    for_ms: DurationMs = Field(default="0s", alias="for", validate_default=True)
    keep_firing_ms: DurationMs = Field(default="0s", alias="keep_firing", validate_default=True)
    min_total: int = Field(default=0, ge=0)
    min_labelled: int = Field(default=0, ge=0)
    min_label_coverage: float = Field(default=0.0, ge=0, le=1)
    min_maturity: float = Field(default=0.0, ge=0, le=1)
    certain: bool = False
    segments: Literal["whole", "all"] = "whole"
    false_discovery: Annotated[float, Field(gt=0, lt=1)] | None = None
    severity: Severity | None = Field(default=None, description="not set: as the priority has it, else warning")
    priority: Priority | None = Field(default=None, description="not set: as the severity has it")
    cause: Cause = "outcome"
    decision: DecisionKind | None = None
    runbook: str = ""
    summary: str = ""
