"""The one place where the parts of an ingest worker meet."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import faust

from agents import emit, housekeeping, join, merge, rekey, report
from agents.context import Context, Names
from agents.dimensions import DimensionLog
from models.topics import catalogue
from runtime import clock
from runtime.decoders import decoders, fields_by_topic, heartbeats_of, registry_of
from runtime.expected_topics import longest_wait_ms
from runtime.faust_app import Fatal, faust_app
from runtime.key_identity import key_check
from runtime.model_plan import model_plans
from runtime.privacy import hash_of_ids
from runtime.security import aiokafka_kwargs, kafka_security
from runtime.settings import Settings
from runtime.state_directory import opener, set_aside_count
from tables.block_table import BlockTable
from tables.dimensions import Admissions
from tables.join_state import JoinState, Memory
from tables.merge_state import MergeState
from tables.partition import OpenState
from tables.plan import Plan
from tables.row_cache import KEPT_BYTES, WAITING_BYTES
from telemetry.registry import Telemetry
from transport.light import keep_records_light

FETCH_BYTES_MAX = 2 << 20


@dataclass(slots=True)
class Ingest:
    """A worker's Faust app with everything registered on it."""

    app: faust.App
    context: Context
    dimensions: DimensionLog


def create_app(
    settings: Settings, seen: Mapping[str, int], telemetry: Telemetry, fatal: Fatal, epochs: Mapping[str, int]
) -> Ingest:
    """Build the ingest worker; seen: partitions of the topics that are there, all sources among them.

    epochs: how often a source topic was deleted and made anew.
    """
    kafka = settings.kafka
    plan = _plan(settings, seen)
    topics = catalogue(kafka.topic_prefix, kafka.partitions, longest_wait_ms(settings))
    app = faust_app(settings, "ingest", FETCH_BYTES_MAX)
    memory = settings.state.memory_budget_bytes // kafka.partitions
    directory = Path(settings.state.directory)
    join_memory = Memory(
        recent_rows_max=max(memory // 4 // (KEPT_BYTES + plan.row_bytes()), 1_000),
        slots_bytes_max=memory // 4,
        waiting_rows_max=max(memory // 2 // WAITING_BYTES, 1_000),  # while nothing is read or written yet
    )
    tables: dict[str, OpenState] = {
        "join": lambda number, checkpoint: JoinState(plan, number, checkpoint, join_memory),
        "merge": lambda _, checkpoint: MergeState(plan, kafka.partitions, checkpoint),
    }
    shares = {"join": memory // 3, "merge": memory // 16}
    built = {
        name: BlockTable(
            app,
            name=name,
            partitions=kafka.partitions,
            open_state=open_state,
            open_checkpoint=opener(directory, name, shares[name], fatal),
            fatal=fatal,
            log_id=lambda: secrets.randbits(63),
            changelog_topic_name=topics[f"{name}-changelog"].name,
        )
        for name, open_state in tables.items()
    }
    for table in built.values():
        app.tables.add(table)
    heartbeats = heartbeats_of(settings, seen)
    names = Names(*(topics[n].name for n in ("by-id", "partials", "metrics", "dead-letters", "pipeline")))
    hash_ids = hash_of_ids(settings.privacy)
    registry = registry_of(settings)
    if registry is not None:
        registry.check_login()
    dimensions = _dimensions(settings, plan, topics["dimensions-changelog"].name, app, key_check(hash_ids, fatal))
    context = Context(
        app=app,
        plan=plan,
        names=names,
        partitions=kafka.partitions,
        metrics_partitions=seen.get(names.metrics, kafka.partitions),
        decoders=decoders(settings, heartbeats),
        out_of_orderness_ms=_out_of_orderness(settings) | dict.fromkeys(heartbeats, 0),
        dimensions=dimensions,
        telemetry=telemetry,
        now_ms=clock.now_ms,
        fatal=fatal,
        dead_letter_ratio_max=settings.limits.dead_letter_ratio_max,
        join=built["join"],
        merge=built["merge"],
        epochs=epochs,
        hash_ids=hash_ids,
        redact_dead_letters=settings.privacy.dead_letters == "redacted",
        registry=registry,
    )
    telemetry.watch("hindcast_checkpoints_set_aside", lambda: {(): float(set_aside_count(directory))})
    _register(context, heartbeats)
    return Ingest(app, context, dimensions)


def _register(context: Context, heartbeats: list[str]) -> None:
    plan = context.plan
    sources = {t for m in plan.models.values() for t in (m.predictions_topic, m.labels_topic)}
    keyed = sorted(sources & plan.keyed_topics)
    unkeyed = sorted(sources - plan.keyed_topics) + heartbeats
    keep_records_light({*sources, *heartbeats, context.names.by_id, context.names.partials})
    rekey.register(context, unkeyed)
    join.register(context, keyed, rekeyed=bool(unkeyed))
    emit.register(context)
    merge.register(context)
    report.register(context, socket.gethostname())
    housekeeping.register(context.app, (context.join, context.merge))


def _plan(settings: Settings, source_partitions: Mapping[str, int]) -> Plan:
    keyed = {
        topic
        for model in settings.models.values()
        if model.partitioned_by_id
        for topic in (model.predictions.topic, model.labels.topic)
    }
    models = model_plans(settings)
    return Plan(models, source_partitions, frozenset(keyed))


def _out_of_orderness(settings: Settings) -> dict[str, int]:
    return {
        topic: max(f.out_of_orderness_ms for f in fields) for (topic, _), fields in fields_by_topic(settings).items()
    }


def _dimensions(
    settings: Settings, plan: Plan, topic: str, app: faust.App, check_key: Callable[[str], None]
) -> DimensionLog:
    values_max = {name: model.segment_values_max for name, model in settings.models.items()}
    admissions = Admissions(plan, settings.limits.models_max, values_max)

    async def produce(name: str, value: bytes) -> object:
        return await app.producer.send(name, None, value, 0, None, None)

    client = aiokafka_kwargs(kafka_security(settings.kafka.security))
    servers = ",".join(settings.kafka.bootstrap_servers)
    return DimensionLog(admissions, topic, produce, check_key, bootstrap_servers=servers, **client)
