"""The ``alerts`` section: rules, who hears of them, and when not."""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, Field, WithJsonSchema

from runtime.settings.alerts_receivers import ReceiverSettings
from runtime.settings.alerts_rules import RuleSettings
from runtime.settings.base import Name, Names, Section, matching
from runtime.settings.units import DurationMs, PositiveDurationMs, TimeMs

Pack: TypeAlias = Literal["baseline", "fraud-example", "thresholds"]
Label: TypeAlias = Literal["rule", "priority", "severity", "model", "model_version", "segment", "metric", "cause"]
Match: TypeAlias = dict[Label, Names]

_HOST: Final = r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*"
Host: TypeAlias = Annotated[
    str,
    AfterValidator(matching(_HOST, "not a host: write it alone, without https:// and without a port")),
    WithJsonSchema({"type": "string", "pattern": f"^({_HOST})$"}),
]


class RouteSettings(Section):
    """Alerts that match go to these receivers; the first route that matches is taken."""

    match: Match = Field(default_factory=dict)
    receivers: Names = Field(min_length=1)
    group_by: list[Label] | None = None
    group_wait_ms: DurationMs | None = Field(default=None, alias="group_wait")
    group_interval_ms: PositiveDurationMs | None = Field(default=None, alias="group_interval")
    repeat_every_ms: PositiveDurationMs | None = Field(default=None, alias="repeat_every")
    go_on: bool = Field(default=False, alias="continue")


class InhibitSettings(Section):
    """While a source fires, its targets with equal labels are not notified."""

    source: Match = Field(min_length=1)
    target: Match = Field(min_length=1)
    equal: list[Label] = Field(default_factory=list)


class SilenceSettings(Section):
    """Alerts that match are not notified in [starts, ends)."""

    match: Match = Field(min_length=1)
    starts_at_ms: TimeMs = Field(alias="starts")
    ends_at_ms: TimeMs = Field(alias="ends")
    reason: str = ""


class AlertSettings(Section):
    """Everything about alerts; without it: the pack ``baseline``, told on the console."""

    packs: list[Pack] = Field(default=["baseline"])
    max_age_ms: PositiveDurationMs = Field(default="24h", alias="max_age", validate_default=True)
    alert_lookback_ms: PositiveDurationMs = Field(default="24h", alias="alert_lookback", validate_default=True)
    baseline_windows: int = Field(default=60, ge=1, le=100_000)
    allow_hosts: list[Host] = Field(default_factory=list)
    dashboard_url: str | None = None
    runbook_url: str | None = None
    rules: list[RuleSettings] = Field(default_factory=list)
    routes: list[RouteSettings] | None = None
    inhibit: list[InhibitSettings] | None = None
    receivers: dict[Name, ReceiverSettings] = Field(default_factory=dict)
    silences: list[SilenceSettings] = Field(default_factory=list)


__all__ = ["AlertSettings", "InhibitSettings", "Match", "RouteSettings", "SilenceSettings"]
