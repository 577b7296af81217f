"""Sending without waiting record by record, and knowing when all of it has arrived."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, cast

from agents.context import AppContext, Context
from models import dead_letter
from models.decoded import BadRecord
from transport.chunk import Chunk, ConsumedRecord

Sent = asyncio.Future[Any]


async def send(
    context: AppContext,
    topic: str,
    value: bytes | None,
    *,
    key: bytes | None = None,
    partition: int | None = None,
    headers: dead_letter.Headers | None = None,
) -> Sent:
    """Hand one record to the producer; the future is done once all replicas have it."""
    sent: Any = await context.app.producer.send(topic, key, value, partition, None, headers)
    future: Sent = sent
    return future


async def all_arrived(context: AppContext, sent: Iterable[Sent]) -> None:
    """Wait for all of them. What cannot be sent ends the process: nothing was acknowledged."""
    try:
        await asyncio.gather(*sent)
    except Exception as error:  # noqa: BLE001  # whatever it was, the record is not there
        context.fatal(f"cannot send to Kafka: {error!r}")


async def send_dead_letters(context: Context, chunk: Chunk, bad: list[BadRecord]) -> list[Sent]:
    """The chunk's bad records, original key, value and headers with the reason appended; or the reason alone."""
    sent, redacted = [], context.redact_dead_letters
    for one in bad:
        record = cast("ConsumedRecord", one.record)
        key, value = (None, None) if redacted else (record.key, record.value)
        if one.code == "too_large" and value is not None:
            value = dead_letter.oversize_envelope(chunk.topic, chunk.partition, record.offset, value)
        if key is None and value is None:
            value = b""  # aiokafka sends no record of nothing
        headers = dead_letter.headers(
            one.code,
            one.message,
            topic=chunk.topic,
            partition=chunk.partition,
            offset=record.offset,
            timestamp_ms=record.timestamp,
            model=context.plan.only_model_on(chunk.topic),
            original=() if redacted else record.headers,
            redacted=redacted,
        )
        sent.append(await send(context, context.names.dead_letters, value, key=key, headers=headers))
        context.telemetry.dead_letters.add(one.code, n=1)
    return sent
