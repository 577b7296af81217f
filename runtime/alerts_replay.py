"""The verb ``hindcast alerts test``: stored metric records through one rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Final

import orjson
import typer

from alerting.baseline import Shown
from alerting.evaluator import Evaluator, Options
from alerting.explain import explain
from alerting.rule import Rule
from alerting.unsent import key_of
from models.alert_event import AlertEvent
from models.errors import ConfigError
from models.metric_record import SCHEMA, iso_ms
from runtime.alert_plan import alert_plan
from runtime.letter import plain
from runtime.settings import Settings
from runtime.settings.suggest import suggestion
from runtime.topic_reader import TopicReader

TICK_MS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Stored:
    """A metric record, and when it was written."""

    partition: int
    at_ms: int
    record: dict[str, object]


@dataclass(slots=True)
class Replayed:
    """What a rule would have said, and what it went by."""

    records: int = 0
    alerts: list[AlertEvent] = field(default_factory=list)
    baselines: list[Shown] = field(default_factory=list)


def replay_rule(settings: Settings, name: str, since_ms: int, now_ms: int) -> int:
    """Print when the rule would have fired and resolved since then, and why."""
    plan = alert_plan(settings)
    rule = find(plan.rules, name)
    with closing(TopicReader(settings, f"{settings.kafka.topic_prefix}metrics")) as reader:
        stored = [
            Stored(message.partition() or 0, message.timestamp()[1], record)
            for message in reader.messages(since_ms)
            if (record := _decoded(message.value())) is not None and rule.is_for(str(record["model"]))
        ]
    typer.echo(explain(rule))
    for line in lines(replay(rule, plan.options, stored, now_ms), since_ms, plan.options.baseline_windows):
        typer.echo(plain(line))
    return 0


def find(rules: Sequence[Rule], name: str) -> Rule:
    """The rule of that name; ConfigError with the nearest one if there is none."""
    by_name = {rule.name: rule for rule in rules}
    if name not in by_name:
        raise ConfigError([f"no rule {name}{suggestion(name, by_name)}"])
    return by_name[name]


def _decoded(value: bytes | None) -> dict[str, object] | None:
    try:
        record = orjson.loads(value or b"null")
    except orjson.JSONDecodeError:
        return None
    return record if isinstance(record, dict) and record.get("schema") == SCHEMA else None


def replay(rule: Rule, options: Options, stored: Sequence[Stored], now_ms: int) -> Replayed:
    """Judge the records twice: first to learn what is usual in them, then as if that had been known.

    Every partition by itself, for time stands still between its records and goes on with them.
    """
    found = Replayed(len(stored), baselines=_learned(rule, options, stored))
    known = {model: dict(paths) for model, paths in options.baselines.items()}
    for one in found.baselines:
        if not one.segment and one.windows >= options.baseline_windows:
            known.setdefault(one.model, {})[one.path] = one.value
    for partition in sorted({one.partition for one in stored}):
        evaluator = Evaluator([rule], replace(options, baselines=known), {})
        found.alerts += _told(evaluator, [one for one in stored if one.partition == partition], now_ms)
    found.alerts.sort(key=lambda alert: (alert.ends_at_ms or alert.starts_at_ms, alert.fingerprint))
    return found


def _learned(rule: Rule, options: Options, stored: Iterable[Stored]) -> list[Shown]:
    """What these records tell of what is usual."""
    evaluator = Evaluator([rule], options, {})
    for one in stored:
        evaluator.take(one.record, one.at_ms)
    return evaluator.shown()


def _told(evaluator: Evaluator, stored: Sequence[Stored], now_ms: int) -> Iterator[AlertEvent]:
    """All that is said while the records come, and until now, when nothing comes."""
    clock_ms = stored[0].at_ms
    for one in stored:
        yield from _wait(evaluator, clock_ms, one.at_ms)
        clock_ms = max(clock_ms, one.at_ms)
        evaluator.take(one.record, clock_ms)
        yield from _taken(evaluator)
    yield from _wait(evaluator, clock_ms, now_ms)


def _wait(evaluator: Evaluator, from_ms: int, until_ms: int) -> Iterator[AlertEvent]:
    for at_ms in range(from_ms + TICK_MS, until_ms, TICK_MS):
        evaluator.tick(at_ms)
        yield from _taken(evaluator)


def _taken(evaluator: Evaluator) -> list[AlertEvent]:
    said = evaluator.outbox()
    evaluator.sent([*map(key_of, said), *map(key_of, evaluator.decisions())])
    return said


def lines(found: Replayed, since_ms: int, baseline_windows: int) -> Iterator[str]:
    """The replay in words."""
    for one in found.baselines:
        few = one.windows < baseline_windows
        value = f"not known by {one.windows} of {baseline_windows} final windows" if few else f"{one.value:.4g}"
        yield f"baseline of {' '.join(filter(None, (one.model, one.segment)))}: {one.path} {value}"
    for alert in found.alerts:
        yield _line(alert)
    fired = sum(alert.status == "firing" for alert in found.alerts)
    still = fired - sum(alert.status == "resolved" for alert in found.alerts)
    yield (
        f"{found.records} records written since {iso_ms(since_ms)}: "
        + (f"fired {fired} times, {still} of them until now" if fired else "it would not have fired")
    )


def _line(alert: AlertEvent) -> str:
    who = " ".join(part for part in (alert.model, alert.model_version, alert.segment) if part)
    at_ms = alert.starts_at_ms if alert.ends_at_ms is None else alert.ends_at_ms
    return f"{iso_ms(at_ms)} {alert.status:8} {who}: {alert.summary}"
