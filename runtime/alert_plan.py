"""From the settings to what alerting takes as plain values: rules, options, routing, channels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256

from alerting.channels.specs import AlertmanagerSpec, ChannelSpec, ConsoleSpec, Hosts, Links
from alerting.evaluator import Options
from alerting.packs.tiers import RUNBOOKS
from alerting.routing_config import (
    CONSOLE,
    DEFAULT_INHIBITIONS,
    ChannelLimits,
    Digest,
    Inhibition,
    Receiver,
    Route,
    Routing,
    channel_limits,
)
from alerting.rule import Rule
from models.silence import Matchers, Silence
from runtime.settings import AlertSettings, ReceiverSettings, Settings
from runtime.settings.alerts import InhibitSettings, Match, RouteSettings, SilenceSettings
from runtime.settings.alerts_build import resolved
from runtime.settings.alerts_specs import specs_of
from runtime.settings.baseline import performance_by_path


@dataclass(frozen=True, slots=True)
class AlertPlan:
    """Everything that the alerts role runs by. specs: name of a channel (``receiver/kind``) -> what it needs."""

    rules: tuple[Rule, ...]
    options: Options
    routing: Routing
    specs: dict[str, ChannelSpec]
    hosts: Hosts
    links: Links


def alert_plan(settings: Settings) -> AlertPlan:
    """The plan of these settings."""
    alerts = settings.alerts
    return AlertPlan(
        rules=tuple(_rules(alerts)),
        options=_options(settings),
        routing=_routing(alerts),
        specs=dict(_specs(alerts)),
        hosts=Hosts(frozenset(alerts.allow_hosts)),
        links=Links(alerts.dashboard_url),
    )


def _rules(alerts: AlertSettings) -> Iterator[Rule]:
    """All rules; the packs' runbooks under the address where the user keeps them, if there is one."""
    for rule in resolved(alerts):
        if alerts.runbook_url and rule.runbook.startswith(RUNBOOKS):
            base = alerts.runbook_url.rstrip("/")
            yield replace(rule, runbook=f"{base}/{rule.runbook.removeprefix(RUNBOOKS)}")
        else:
            yield rule


def _options(settings: Settings) -> Options:
    alerts = settings.alerts
    return Options(
        alert_lookback_ms=alerts.alert_lookback_ms,
        max_age_ms=alerts.max_age_ms,
        baselines={
            name: performance_by_path(model.baseline) for name, model in settings.models.items() if model.baseline
        },
        baseline_windows=alerts.baseline_windows,
        window_ms={name: model.window_ms for name, model in settings.models.items()},
        window_names={name: model.window.name for name, model in settings.models.items()},
    )


def _routing(alerts: AlertSettings) -> Routing:
    return Routing(
        routes=tuple(_route(route) for route in alerts.routes or ()),
        inhibitions=DEFAULT_INHIBITIONS if alerts.inhibit is None else tuple(map(_inhibition, alerts.inhibit)),
        receivers=tuple(_receiver(name, receiver) for name, receiver in alerts.receivers.items()),
        silences=silences_of(alerts),
    )


def _route(route: RouteSettings) -> Route:
    """The user's route; what it does not say is as in every route."""
    usual = Route(())
    return Route(
        receivers=tuple(route.receivers),
        match=_matchers(route.match),
        group_by=usual.group_by if route.group_by is None else tuple(route.group_by),
        group_wait_ms=_given(route.group_wait_ms, usual.group_wait_ms),
        group_interval_ms=_given(route.group_interval_ms, usual.group_interval_ms),
        repeat_every_ms=_given(route.repeat_every_ms, usual.repeat_every_ms),
        also_next=route.go_on,
    )


def _given(value: int | None, usual: int) -> int:
    return usual if value is None else value


def _matchers(match: Match) -> Matchers:
    return {str(label): list(values) for label, values in match.items()}


def _inhibition(one: InhibitSettings) -> Inhibition:
    return Inhibition(_matchers(one.source), _matchers(one.target), tuple(one.equal))


def _receiver(name: str, receiver: ReceiverSettings) -> Receiver:
    digest = None
    if receiver.digest is not None:
        hours, minutes = receiver.digest.at.split(":")
        digest = Digest(60 * int(hours) + int(minutes), receiver.digest.via)
    return Receiver(
        name=name,
        channels=tuple(_limits(name, kind, spec) for kind, spec in specs_of(receiver).items()),
        fallback=receiver.fallback,
        max_per_minute=receiver.max_per_minute,
        digest=digest,
    )


def _limits(receiver: str, kind: str, spec: ChannelSpec) -> ChannelLimits:
    limits = replace(channel_limits(receiver, kind), min_interval_ms=spec.min_interval_ms, per_alert=spec.per_alert)
    return replace(limits, renew_every_ms=spec.renew_every_ms) if isinstance(spec, AlertmanagerSpec) else limits


def _specs(alerts: AlertSettings) -> Iterator[tuple[str, ChannelSpec]]:
    for name, receiver in alerts.receivers.items():
        for kind, spec in specs_of(receiver).items():
            yield channel_limits(name, kind).name, spec
    if not alerts.receivers:
        yield CONSOLE.channels[0].name, ConsoleSpec()


def silences_of(alerts: AlertSettings) -> tuple[Silence, ...]:
    """The silences of the file."""
    return tuple(map(_silence, alerts.silences))


def _silence(silence: SilenceSettings) -> Silence:
    """A silence of the file. Its name is made of what it says, so it is the same at every start."""
    match = _matchers(silence.match)
    said = repr((sorted(match.items()), silence.starts_at_ms, silence.ends_at_ms))
    return Silence(
        silence_id=f"file-{sha256(said.encode()).hexdigest()[:12]}",
        match=match,
        starts_at_ms=silence.starts_at_ms,
        ends_at_ms=silence.ends_at_ms,
        reason=silence.reason,
        created_by="configuration",
    )
