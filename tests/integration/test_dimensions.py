"""All workers admit the same names, whoever proposes them first (F57)."""

import asyncio
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from agents.dimensions import DimensionLog
from models.combo import OTHER, Combo
from tables.dimensions import KEY_ID, Admissions, Name
from tables.plan import ModelPlan, Plan
from tests.support.topics import ScratchTopics

VALUES_MAX = 5
pytestmark = pytest.mark.broker


def admissions() -> Admissions:
    plan = Plan({"fraud": ModelPlan("fraud", "p", "l", segments=("country",))})
    return Admissions(plan, models_max=10, segment_values_max={"fraud": VALUES_MAX})


async def test_f57_two_workers_agree_on_which_values_stand_for_themselves(broker: str, topics: ScratchTopics) -> None:
    topic = await topics.create("dimensions", partitions=1)
    async with AIOKafkaProducer(bootstrap_servers=broker) as producer:

        async def produce(name: str, value: bytes) -> Any:  # noqa: ANN401  # a future of aiokafka's
            return await producer.send(name, value, partition=0)

        logs = [DimensionLog(admissions(), topic, produce, bootstrap_servers=broker) for _ in range(2)]
        ours: list[Combo] = [("fraud", "v1", f"c{i}") for i in range(8)]
        theirs: list[Combo] = [("fraud", "v1", f"c{i}") for i in range(7, -1, -1)]
        await asyncio.gather(logs[0].cap(ours[:3]), logs[1].cap(theirs[:3]))
        await asyncio.gather(logs[0].cap(ours), logs[1].cap(theirs))
        first, second = [await log.cap(ours) for log in logs]
        late = DimensionLog(admissions(), topic, produce, bootstrap_servers=broker)
        third = await late.cap(ours)
        for log in (*logs, late):
            await log.stop()
    assert first == second == third
    assert sum(combo[2] != OTHER for combo in first.values()) == VALUES_MAX


async def test_two_workers_have_the_same_codes_for_classes_and_a_third_one_knows_their_names(
    broker: str, topics: ScratchTopics
) -> None:
    topic = await topics.create("dimensions", partitions=1)
    plan = Plan({"pets": ModelPlan("pets", "p", "l", task="multiclass", classes_max=VALUES_MAX)})
    async with AIOKafkaProducer(bootstrap_servers=broker) as producer:

        async def produce(name: str, value: bytes) -> Any:  # noqa: ANN401  # a future of aiokafka's
            return await producer.send(name, value, partition=0)

        logs = [DimensionLog(Admissions(plan, 10, {}), topic, produce, bootstrap_servers=broker) for _ in range(3)]
        ours = [f"c{i}" for i in range(8)]
        found = await asyncio.gather(logs[0].class_codes("l", ours), logs[1].class_codes("l", ours[::-1]))
        codes = found[0].tolist()
        await logs[2].caught_up()
        names = logs[2].class_names("l")
        for log in logs:
            await log.stop()
    assert codes == found[1].tolist()[::-1]
    assert sorted(set(codes)) == list(range(VALUES_MAX + 1))
    assert {code: name for code, name in zip(codes, ours, strict=True) if code < VALUES_MAX} == dict(enumerate(names))


async def test_a_worker_hears_of_the_key_that_another_one_hashes_ids_with(broker: str, topics: ScratchTopics) -> None:
    topic = await topics.create("dimensions", partitions=1)
    told: list[str] = []
    async with AIOKafkaProducer(bootstrap_servers=broker) as producer:

        async def produce(name: str, value: bytes) -> Any:  # noqa: ANN401  # a future of aiokafka's
            return await producer.send(name, value, partition=0)

        async def write(key: str) -> None:
            await producer.send_and_wait(topic, msgspec.msgpack.encode(Name("", KEY_ID, key)), partition=0)

        await write("first")
        log = DimensionLog(admissions(), topic, produce, told.append, bootstrap_servers=broker)
        await log.cap([("fraud", "v1", "DE")])
        assert set(told) == {"first"}
        await write("second")
        await log.caught_up()
        assert await log.cap([("fraud", "v1", "DE")]) == {("fraud", "v1", "DE"): ("fraud", "v1", "DE")}
        await log.stop()
    assert told[-1] == "second"
