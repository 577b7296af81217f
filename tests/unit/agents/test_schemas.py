"""F53: what needs a schema waits for the registry, says why, goes on by itself, and holds up nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

from agents.context import Context, Progress
from agents.schemas import Schemas, by_waiting
from models.codec import Decoder
from models.errors import RegistryError
from models.mapping import ModelFields
from models.schemas.framed import FramedDecoder
from models.schemas.registered import RegistryFormat, Schema
from tests.support.schema_formats import framed
from tests.unit.models.schemas.support import opener
from tests.unit.models.support import NOW_MS, Consumed
from transport.chunk import Chunk, ConsumedRecord

FIELDS = [ModelFields("fraud", "predictions")]
JSON = Schema("JSON", "{}")


class Registry:
    """Is away for the first questions, then knows one schema."""

    def __init__(self, away: int) -> None:
        self.away = away
        self.asked: list[int] = []

    async def schema(self, schema_id: int, topic_format: RegistryFormat) -> Schema | None:
        self.asked.append(schema_id)
        if len(self.asked) <= self.away:
            raise RegistryError("schema registry http://r: no answer")
        return JSON if schema_id == 1 else None


def decoder(topic: str) -> FramedDecoder:
    return FramedDecoder(topic, "predictions", FIELDS, opener("json-schema"))


def context(registry: Registry, *decoders: FramedDecoder | Decoder, during: Callable[[Progress], None]) -> Context:
    progress, waits = Progress(), list[float]()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        during(progress)

    made = SimpleNamespace(
        decoders={one.topic: one for one in decoders},
        now_ms=lambda: NOW_MS,
        registry=registry,
        progress=progress,
        sleep=sleep,
        waits=waits,
    )
    return cast("Context", made)


def chunk(topic: str, *ids: int) -> Chunk:
    records = [Consumed(at, framed(one, b"{}")) for at, one in enumerate(ids)]
    return Chunk(topic, 0, cast("list[ConsumedRecord]", records))


def test_f53_a_chunk_waits_until_the_registry_is_back_and_its_topic_says_so_meanwhile() -> None:
    told: list[dict[str, str]] = []
    registry, its_decoder = Registry(away=12), decoder("p")
    made = context(registry, its_decoder, during=lambda progress: told.append(dict(progress.paused)))
    asyncio.run(Schemas(made).ready(chunk("p", 1, 1, 2)))
    assert told == [{"p": "p is held until schema 1 can be asked for: schema registry http://r: no answer"}] * 12
    assert made.progress.paused == {}
    assert registry.asked == [1] * 13 + [2]
    assert its_decoder.opener.missing([framed(1, b""), framed(2, b"")], NOW_MS) == []
    waits = cast("SimpleNamespace", made).waits
    assert all(0 <= seconds <= 10 for seconds in waits)
    assert len(set(waits)) > 1  # workers do not ask in step


def test_schemas_that_are_known_are_not_asked_for_even_if_the_registry_is_away() -> None:
    registry, its_decoder = Registry(away=10**9), decoder("p")
    its_decoder.opener.learn(1, JSON, NOW_MS)
    made = context(registry, its_decoder, during=lambda _: None)
    asyncio.run(Schemas(made).ready(chunk("p", 1, 1)))
    assert registry.asked == []


def test_plain_json_waits_for_nobody() -> None:
    made = context(Registry(away=10**9), Decoder("j", "predictions", FIELDS), during=lambda _: None)
    asyncio.run(Schemas(made).ready(chunk("j", 1)))


def test_topics_that_may_wait_are_read_alone() -> None:
    plain = [Decoder(topic, "predictions", FIELDS) for topic in ("a", "c")]
    made = context(Registry(0), *plain, decoder("b"), decoder("d"), during=lambda _: None)
    assert by_waiting(made, ["a", "b", "c", "d"]) == [["a", "c"], ["b"], ["d"]]
    assert by_waiting(made, ["b"]) == [["b"]]
    assert by_waiting(made, []) == []
