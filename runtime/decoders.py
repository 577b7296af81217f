"""What reads the records of each source topic, by the format that it is configured to have."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from agents.context import ChunkDecoder
from models.batch import Kind
from models.codec import Decoder
from models.heartbeat import HeartbeatDecoder
from models.mapping import ModelFields
from models.schemas.framed import FramedDecoder
from models.schemas.opener import Opener
from runtime.expected_topics import heartbeats_topic
from runtime.model_plan import model_fields
from runtime.schema_registry import SchemaRegistry
from runtime.settings import Settings
from runtime.settings.model import Format
from tables.heartbeats import OBSERVER

log = logging.getLogger(__name__)


def decoders(settings: Settings, heartbeats: Sequence[str] = ()) -> dict[str, ChunkDecoder]:
    """Topic -> its decoder. heartbeats: topics of `hindcast.heartbeat/1`."""
    limit, formats = settings.limits.record_bytes_max, format_by_topic(settings)
    found = {
        topic: _decoder(topic, kind, fields, limit, formats[topic])
        for (topic, kind), fields in fields_by_topic(settings).items()
    }
    return found | {topic: HeartbeatDecoder(settings.models.keys(), OBSERVER, limit) for topic in heartbeats}


def heartbeats_of(settings: Settings, seen: Mapping[str, int]) -> list[str]:
    """The topic of heartbeats, where it is there (`seen`) and some model is watched for what they say."""
    topic = heartbeats_topic(settings)
    if topic is not None and topic not in seen:
        log.info("topic %s does not exist: no heartbeats are read before the next start", topic)
    return [topic] if topic in seen and topic is not None else []


def _decoder(topic: str, kind: Kind, fields: list[ModelFields], limit: int, its_format: Format) -> ChunkDecoder:
    if its_format == "json":
        return Decoder(topic, kind, fields, limit)
    return FramedDecoder(topic, kind, fields, Opener(its_format, limit))


def fields_by_topic(settings: Settings) -> dict[tuple[str, Kind], list[ModelFields]]:
    """(topic, kind) -> how each model on it is read."""
    found: dict[tuple[str, Kind], list[ModelFields]] = {}
    for name, model in settings.models.items():
        found.setdefault((model.predictions.topic, "predictions"), []).append(model_fields(name, model, "predictions"))
        found.setdefault((model.labels.topic, "labels"), []).append(model_fields(name, model, "labels"))
    return found


def format_by_topic(settings: Settings) -> dict[str, Format]:
    """Source topic -> format; of several models on a topic all say the same."""
    sources = (source for model in settings.models.values() for source in (model.predictions, model.labels))
    return {source.topic: source.format for source in sources}


def registry_of(settings: Settings) -> SchemaRegistry | None:
    """The registry, where a topic needs it. Raises WorldError as `SchemaRegistry`."""
    registry = settings.kafka.schema_registry
    if registry is None or set(format_by_topic(settings).values()) == {"json"}:
        return None
    return SchemaRegistry(registry)
