"""Schemas that a chunk needs and nobody knows yet: asked for before it is decoded, for as long as it takes.

A registry that does not answer says nothing of the records: their topic is held until it does, and nothing is lost. So
such a topic has agents of its own, and what waits holds up nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from agents.context import Context
from models.errors import RegistryError
from models.schemas.framed import FramedDecoder
from models.schemas.opener import Opener
from models.schemas.registered import Schema
from transport.chunk import Chunk

log = logging.getLogger(__name__)

_WAIT = wait_random_exponential(multiplier=0.25, max=10)
"""Seconds between two questions; after it has come back a registry is heard within ten."""


class Schemas:
    """What the decoders of one agent are told of schemas."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def ready(self, chunk: Chunk) -> None:
        """Return once every schema of the chunk is known, or known not to be there."""
        decoder, now_ms = self._context.decoders[chunk.topic], self._context.now_ms
        if isinstance(decoder, FramedDecoder):
            for schema_id in decoder.opener.missing([record.value for record in chunk.records], now_ms()):
                schema = await self._asked(chunk.topic, decoder.opener, schema_id)
                decoder.opener.learn(schema_id, schema, now_ms())

    async def _asked(self, topic: str, opener: Opener, schema_id: int) -> Schema | None:
        registry, paused = self._context.registry, self._context.progress.paused
        assert registry is not None  # as the configuration was checked

        def hold(state: RetryCallState) -> None:
            error = state.outcome and state.outcome.exception()
            if topic not in paused:
                log.warning("%s is held: %s", topic, error)
            paused[topic] = f"{topic} is held until schema {schema_id} can be asked for: {error}"

        asking = AsyncRetrying(
            retry=retry_if_exception_type(RegistryError), wait=_WAIT, before_sleep=hold, sleep=self._context.sleep
        )
        schema: Schema | None = await asking(registry.schema, schema_id, opener.format)
        if paused.pop(topic, None) is not None:
            log.info("%s goes on: the schema registry answers", topic)
        return schema


def by_waiting(context: Context, topics: Iterable[str]) -> list[list[str]]:
    """Topics that one agent may read together: those that never wait, then each of the others alone."""
    alone = [topic for topic in topics if isinstance(context.decoders[topic], FramedDecoder)]
    together = [topic for topic in topics if topic not in alone]
    return [*([together] if together else []), *([topic] for topic in alone)]
