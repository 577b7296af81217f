"""Records of a topic with a schema registry, opened for the verbs that read topics themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from models.errors import DecodeError
from models.schemas.opener import Opener, text_bytes_max
from runtime import clock
from runtime.schema_registry import SchemaRegistry
from runtime.settings import LabelSource, PredictionSource, Settings
from runtime.topic_chunks import TopicRecord

Open: TypeAlias = Callable[[list[TopicRecord]], list[TopicRecord]]
"""The same records with JSON text as their values; what cannot be read is empty."""


def opened(settings: Settings, source: PredictionSource | LabelSource) -> Open:
    """How records of the source are opened; waits for the registry. Raises WorldError, as what it returns."""
    if source.format == "json":
        return lambda records: records
    assert settings.kafka.schema_registry is not None  # as the configuration was checked
    opener = Opener(source.format, settings.limits.record_bytes_max)
    registry = SchemaRegistry(settings.kafka.schema_registry)

    def open_all(records: list[TopicRecord]) -> list[TopicRecord]:
        now_ms = clock.now_ms()
        for schema_id in opener.missing([record.value for record in records], now_ms):
            opener.learn(schema_id, registry.fetch(schema_id, opener.format), now_ms)
        return [record._replace(value=_text(opener, record.value)) for record in records]

    return open_all


def bytes_max(settings: Settings, source: PredictionSource | LabelSource) -> int:
    """How long the text of an opened record may be."""
    limit = settings.limits.record_bytes_max
    return limit if source.format == "json" else text_bytes_max(limit)


def _text(opener: Opener, value: bytes | None) -> bytes | None:
    try:
        return opener.text(value)
    except DecodeError:
        return b""
