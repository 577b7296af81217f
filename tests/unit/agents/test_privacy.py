"""What leaves a worker of records that hold secrets, byte by byte: batches, blocks, state, records, series, logs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from types import SimpleNamespace
from typing import Any, NoReturn, cast

import orjson
import pytest
from prometheus_client import generate_latest

from agents.context import AppContext, Context, Names
from agents.sources import Sources
from metrics.reference import SCHEMA, Baseline, Categorical, Numeric
from models.batch import Batch, Kind
from models.codec import Decoder
from models.id_hash import IdHash
from models.packed_batch import pack
from models.partitioner import partitions_of
from runtime.model_plan import model_fields, model_plan
from runtime.settings import parse
from tables import offline
from tables.block import encode_block
from tables.join_state import JoinState
from tables.memory import MemoryCheckpoint
from tables.plan import Plan
from telemetry.registry import Telemetry
from tests.unit.agents.test_in_order import Record
from transport.chunk import Chunk, ConsumedRecord

NOW_MS = 1_763_719_200_000
KEY = b"the key of hashes, 32 bytes long"
ID, FEATURE, LABEL, HEADER = "id-4711", "secret-feature", "secret-label", "secret-header"
SECRETS = tuple(one.encode() for one in (ID, FEATURE, LABEL, HEADER))
BASELINE = Baseline(
    schema=SCHEMA,
    records=100,
    features={
        "city": Categorical(categories=["Rome"], counts=[0, 0, 0, 0, 0, 100]),
        "amount": Numeric(
            edges=[1.0], counts=[0, 0, 0, 0, 50, 50], mean=1.0, std=1.0, min=0.0, max=2.0, quartiles=(0.5, 1.0, 1.5)
        ),
    },
)
SETTINGS = parse(
    {
        "models": {
            "fraud": {
                "predictions": {"topic": "p"},
                "labels": {"topic": "l"},
                "positive_class": "fraud",
                "segments": ["country"],
                "baseline": BASELINE,
                "drift": {"over": "10m"},
            }
        }
    },
    {},
)
MODEL = SETTINGS.models["fraud"]
PLAN = model_plan("fraud", MODEL)
KINDS: dict[str, Kind] = {"p": "predictions", "l": "labels"}


class Worker:
    """Takes chunks as a worker does, and keeps whatever would leave it."""

    def __init__(self, *, private: bool, partitions: int = 1) -> None:
        self.left: list[bytes] = []
        self.sent: list[dict[str, Any]] = []
        self.telemetry = Telemetry(100)
        self.plan = Plan({"fraud": PLAN}, {"p": partitions, "l": partitions}, frozenset({"p", "l"}))
        self.batches: list[Batch] = []
        self.state = JoinState(self.plan, 0, MemoryCheckpoint())
        context = SimpleNamespace(
            plan=self.plan,
            names=Names("by-id", "partials", "metrics", "dead-letters", "pipeline"),
            app=SimpleNamespace(producer=SimpleNamespace(send=self._send)),
            now_ms=lambda: NOW_MS + 600_000,
            telemetry=self.telemetry,
            progress=SimpleNamespace(alarms={}, paused={}),
            decoders={
                topic: Decoder(topic, kind, [model_fields("fraud", MODEL, kind)]) for topic, kind in KINDS.items()
            },
            dimensions=SimpleNamespace(cap=self._cap),
            out_of_orderness_ms={"p": 0, "l": 0},
            dead_letter_ratio_max=1.0,
            epochs={},
            hash_ids=IdHash(KEY) if private else None,
            redact_dead_letters=private,
        )
        self.sources = Sources(cast("Context", context))

    async def take(self, topic: str, values: Sequence[bytes | None], key: bytes | None = ID.encode()) -> Batch:
        records = [Record(at, NOW_MS, key, value, [("user", HEADER.encode())]) for at, value in enumerate(values)]
        chunk = Chunk(topic, 0, cast("list[ConsumedRecord]", records))
        batch, _ = await self.sources.batch(chunk)
        self.batches.append(batch)
        self.left += [pack(part) for part in batch.split(4)]
        block = self.state.decide(batch.kind, [batch])
        assert block is not None
        self.left.append(encode_block(block))
        self.state.apply(block)
        return batch

    def everything(self) -> Iterator[bytes]:
        """All that was sent, stands in the state, or is scraped."""
        yield from self.left
        checkpoint = MemoryCheckpoint()
        checkpoint.write(self.state.cut((0, 0, 0)))
        yield self.state.snapshot_body()
        yield checkpoint.meta() or b""
        yield from (part for row in checkpoint.rows.items() for part in row)
        yield from checkpoint.slots.values()
        yield from self.records()
        yield from (repr(letter).encode() for letter in self.sent)
        yield generate_latest(self.telemetry.registry)

    def records(self) -> list[bytes]:
        records, _ = offline.evaluate(self.plan, self.batches)
        return [record.encode(0) for record in records]

    async def _send(self, topic: str, key: bytes | None, value: bytes | None, *rest: Any) -> asyncio.Future[None]:  # noqa: ANN401
        assert key is not None or value is not None  # as aiokafka does
        self.sent.append({"topic": topic, "key": key, "value": value, "headers": rest[-1]})
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def _cap(self, combos: list[Any]) -> dict[Any, Any]:
        return {combo: combo for combo in combos}


def prediction(at: int, **fields: object) -> bytes:
    features = {"city": FEATURE, "amount": 0.5, "country": "DE"}
    record = {"id": f"{ID}-{at}", "timestamp": NOW_MS, "model_version": "v1", "score": 0.7, "features": features}
    return orjson.dumps(record | fields)


def label(at: int, **fields: object) -> bytes:
    return orjson.dumps({"id": f"{ID}-{at}", "label": LABEL, "label_time": NOW_MS + 1000} | fields)


BAD = [
    prediction(0, score=FEATURE),
    prediction(0, timestamp=FEATURE),
    prediction(0, id=f"{ID}" * 100),
    prediction(0, id={"of": ID}),
    prediction(0)[:-1],
    FEATURE.encode() + b"\xff",
    b'{"id": "' + ID.encode() + b'", "score": NaN, "features": "' + FEATURE.encode() + b'"}',
]


async def fed(*, private: bool) -> Worker:
    worker = Worker(private=private)
    await worker.take("p", [*(prediction(at) for at in range(30)), *BAD])
    await worker.take("l", [*(label(at) for at in range(20)), label(0, label=[LABEL]), label(1, label_time=LABEL)])
    return worker


def told(worker: Worker, secret: bytes) -> int:
    """In how many of the things that leave it the secret stands."""
    return sum(secret in one for one in worker.everything())


@pytest.mark.parametrize("secret", SECRETS)
async def test_with_privacy_no_secret_leaves_and_without_it_features_and_labels_stay_in_dead_letters(
    secret: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    assert told(await fed(private=True), secret) == 0
    assert secret.decode() not in caplog.text
    raw = await fed(private=False)
    assert told(raw, secret) > 0  # or this test would find nothing
    if secret != ID.encode():
        raw.sent.clear()
        assert told(raw, secret) == 0


async def test_hashed_ids_join_to_the_very_same_records() -> None:
    hashed, raw = await fed(private=True), await fed(private=False)
    assert hashed.records() == raw.records()
    assert any(orjson.loads(record)["labelled"] == 20 for record in hashed.records())
    assert hashed.batches[0].ids[3] == blake2b(f"{ID}-3".encode(), digest_size=16, key=KEY).digest()


async def test_a_redacted_letter_says_where_the_record_is_and_nothing_of_it() -> None:
    private, raw = await fed(private=True), await fed(private=False)
    assert [(letter["key"], letter["value"]) for letter in private.sent] == [(None, b"")] * (len(BAD) + 2)
    ours = [dict(letter["headers"]) for letter in private.sent]
    assert [one.pop("hindcast.redacted") for one in ours] == [b"true"] * len(ours)
    assert ours == [dict(letter["headers"][1:]) for letter in raw.sent]
    assert ours[0]["hindcast.source.offset"] == b"30"


async def test_a_tombstone_without_a_key_is_a_dead_letter_like_any_other() -> None:
    worker = Worker(private=False)
    await worker.take("p", [prediction(0), None], key=None)
    [letter] = worker.sent
    assert (letter["key"], letter["value"], dict(letter["headers"])["hindcast.error.code"]) == (None, b"", b"tombstone")


async def test_the_partition_of_an_id_is_verified_before_it_is_hashed() -> None:
    worker = Worker(private=True, partitions=4)
    ids = [str(at).encode() for at in range(400)]
    mine = [one.decode() for one, at in zip(ids, partitions_of(ids, 4).tolist(), strict=True) if at == 0]
    batch = await worker.take("p", [prediction(0, id=one) for one in mine])
    assert len(batch) == len(mine) > 50
    assert worker.sources.context.progress.alarms == {}
    assert worker.telemetry.registry.get_sample_value("hindcast_misplaced_records_total", {"topic": "p"}) is None


async def test_a_bug_ends_the_process_without_quoting_what_it_met() -> None:
    said: list[str] = []

    class StoppedError(Exception):
        pass

    def fatal(reason: str) -> NoReturn:
        said.append(reason)
        raise StoppedError

    async def work(error: Exception) -> None:
        raise error

    context = AppContext(app=cast("Any", None), telemetry=Telemetry(1), now_ms=lambda: 0, fatal=fatal)
    unreadable = UnicodeDecodeError("utf-8", FEATURE.encode(), 0, 1, "invalid")
    for error in (KeyError(ID), ValueError(f"cannot read {LABEL}"), unreadable, OSError("no space left")):
        with pytest.raises(StoppedError):
            await context.guard("the join", work(error))
    assert not [line for line in said if ID in line or LABEL in line or FEATURE in line]
    assert said[0].startswith("the join failed: KeyError at ")
    assert said[0].partition(":")[2].count("test_privacy.py") == 1
    assert said[-1] == "the join failed: OSError('no space left')"
