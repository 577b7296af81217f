"""From a rule that changed its mind to the records that say so."""

from __future__ import annotations

import hashlib
import json

import msgspec

from alerting.rule import Rule
from alerting.series import Evidence, SeriesKey
from models.alert_event import AlertEvent
from models.decision import Decision


def fingerprint(rule: str, model: str, version: str, segment: str) -> str:
    """Names one alert for ever: 16 hex digits of its rule and labels."""
    text = json.dumps([rule, model, version, segment]).encode()
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def firing(rule: Rule, key: SeriesKey, evidence: Evidence, starts_at_ms: int, *, historic: bool) -> AlertEvent:
    """An incident begins (or turns out to reach into the present)."""
    return AlertEvent(
        fingerprint=fingerprint(rule.name, key.model, key.version, key.segment),
        rule=rule.name,
        priority=rule.priority,
        severity=rule.severity,
        status="firing",
        model=key.model,
        model_version=key.version,
        segment=key.segment,
        metric=rule.conditions[0].metric.removeprefix("metrics."),  # as alerts on it are compared by this name
        cause=rule.cause,
        value=evidence.value,
        threshold=evidence.threshold,
        interval=evidence.interval,
        window_start_ms=evidence.window_start_ms,
        starts_at_ms=starts_at_ms,
        historic=historic,
        summary=_summary(rule.summary, evidence.summary),
        runbook=rule.runbook,
    )


def resolved(event: AlertEvent, evidence: Evidence | None, ends_at_ms: int, summary: str = "") -> AlertEvent:
    """The end of an incident, under the labels that it began with."""
    over = msgspec.structs.replace(event, status="resolved", ends_at_ms=ends_at_ms, summary=summary)
    if evidence is None:
        return over
    return msgspec.structs.replace(
        over,
        value=evidence.value,
        threshold=evidence.threshold if evidence.threshold is not None else event.threshold,
        interval=evidence.interval,
        window_start_ms=evidence.window_start_ms,
        summary=evidence.summary,
    )


def decision(rule: Rule, event: AlertEvent, now_ms: int) -> Decision | None:
    """What the rule proposes to do about it; one proposal for an incident."""
    if rule.decision is None:
        return None
    return Decision(
        decision_id=f"{event.incident}-{rule.decision}",
        state="proposed",
        kind=rule.decision,
        cause=rule.name,
        model=event.model,
        model_version=event.model_version,
        evidence={
            "incident": event.incident,
            "metric": event.metric,
            "value": event.value,
            "threshold": event.threshold,
            "interval": None if event.interval is None else list(event.interval),
            "summary": event.summary,
        },
        decided_at_ms=now_ms,
    )


def _summary(said: str, sentence: str) -> str:
    return f"{said}: {sentence}" if said and sentence else said or sentence
