"""The one place where the parts of the alerts role meet: rules, notifier, channels."""

from __future__ import annotations

import random
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import faust

from agents import housekeeping, notify, rules
from agents.context import AlertContext, AlertNames
from agents.keyed import Keyed
from agents.notify import Notifying
from alerting.channels.build import build_channel
from alerting.evaluator import Evaluator
from alerting.notification import Channel
from alerting.notifier import Notifier
from models.topics import catalogue
from runtime import clock
from runtime.alert_plan import AlertPlan, alert_plan
from runtime.expected_topics import longest_wait_ms
from runtime.faust_app import Fatal, faust_app
from runtime.settings import Settings
from runtime.state_directory import opener
from tables.block_table import BlockTable
from tables.keyed import KeyedState
from telemetry.registry import Telemetry

FETCH_BYTES_MAX: Final = 1 << 20
DATABASE_BYTES: Final = 2 << 20
"""Memory of one checkpoint's database: the rows are few, and in memory anyway."""
REST_BESIDE_INGEST: Final = 3.0
"""Seconds left to others for each second of judging, where the path of the data runs in the same process."""


@dataclass(slots=True)
class Alerts:
    """The alerts role's Faust app with everything registered on it."""

    app: faust.App
    context: AlertContext


def create_alerts(
    settings: Settings, seen: Mapping[str, int], telemetry: Telemetry, fatal: Fatal, *, beside_ingest: bool
) -> Alerts:
    """Build the alerts role; seen: partitions of the topics that are there. Raises ConfigError."""
    kafka, plan = settings.kafka, alert_plan(settings)
    topics = catalogue(kafka.topic_prefix, kafka.partitions, longest_wait_ms(settings))
    app = faust_app(settings, "alerts", FETCH_BYTES_MAX)
    partitions = {"rules": seen.get(topics["metrics"].name, kafka.partitions), "notify": 1}
    tables = {name: _table(app, settings, name, count, fatal) for name, count in partitions.items()}
    context = AlertContext(
        app=app,
        telemetry=telemetry,
        now_ms=clock.now_ms,
        fatal=fatal,
        names=AlertNames(*(topics[name].name for name in ("metrics", "alerts", "decisions", "silences"))),
        rules=tables["rules"],
        notify=tables["notify"],
        rest=REST_BESIDE_INGEST if beside_ingest else 0.0,
    )
    channels = _channels(plan, telemetry)
    notifying = _register(context, plan, channels)

    async def close(*_: object, **__: object) -> None:
        await notifying.deliveries.close()

    app.on_before_shutdown.connect(close)
    telemetry.watch("ml_alerts_firing", lambda: _firing(notifying))
    return Alerts(app, context)


def _table(app: faust.App, settings: Settings, name: str, partitions: int, fatal: Fatal) -> BlockTable:
    directory = Path(settings.state.directory)
    table = BlockTable(
        app,
        name=name,
        partitions=partitions,
        open_state=lambda _, checkpoint: KeyedState(checkpoint),
        open_checkpoint=opener(directory, name, DATABASE_BYTES, fatal),
        fatal=fatal,
        log_id=lambda: secrets.randbits(63),
        changelog_topic_name=f"{settings.kafka.topic_prefix}{name}-changelog",
    )
    app.tables.add(table)
    return table


def _channels(plan: AlertPlan, telemetry: Telemetry) -> dict[str, Channel]:
    def count_failed_template(channel: str) -> None:
        telemetry.failed_templates.add(channel, n=1)

    return {
        name: build_channel(name, spec, plan.hosts, plan.links, clock.now_ms, on_failed_template=count_failed_template)
        for name, spec in plan.specs.items()
    }


def _register(context: AlertContext, plan: AlertPlan, channels: Mapping[str, Channel]) -> Notifying:
    chance = random.Random()  # spreads retries, guards nothing

    def evaluator(rows: Mapping[str, bytes]) -> Evaluator:
        return Evaluator(plan.rules, plan.options, rows)

    def notifier(rows: Mapping[str, bytes]) -> Notifier:
        return Notifier(plan.routing, rows, chance)

    rules.register(context, Keyed(context.rules, evaluator))
    housekeeping.register(context.app, (context.rules, context.notify))
    return notify.register(context, Keyed(context.notify, notifier), channels)


def _firing(notifying: Notifying) -> dict[tuple[str, ...], float]:
    counted = Counter((alert.model, alert.rule, alert.severity) for alert in notifying.firing())
    return {labels: float(count) for labels, count in counted.items()}
