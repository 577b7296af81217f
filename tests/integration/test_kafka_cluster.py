"""The broker that the other tests rely on does what they rely on."""

import os
from collections.abc import Callable

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import TopicAlreadyExistsError

from tests.support.kafka_cluster import KafkaCluster
from tests.support.topics import ScratchTopics

pytestmark = pytest.mark.broker


async def _send(bootstrap: str, topic: str, values: list[bytes]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, partition=0)


async def _read(bootstrap: str, topic: str, count: int) -> list[bytes]:
    options = {"bootstrap_servers": bootstrap, "auto_offset_reset": "earliest"}
    async with AIOKafkaConsumer(topic, **options) as consumer:
        return [(await consumer.getone()).value for _ in range(count)]


async def test_a_topic_of_a_test_takes_and_gives_back_records(broker: str, topics: ScratchTopics) -> None:
    topic = await topics.create("events", partitions=2)
    await _send(broker, topic, [b"one", b"two"])
    assert await _read(broker, topic, 2) == [b"one", b"two"]
    assert await topics.names() == [topic]


async def test_creating_a_topic_twice_raises(topics: ScratchTopics) -> None:
    await topics.create("events")
    with pytest.raises(TopicAlreadyExistsError):
        await topics.create("events")


async def test_scratch_topics_are_gone_after_deletion(topics: ScratchTopics) -> None:
    await topics.create("events")
    await topics.delete_all()
    assert await topics.names() == []


@pytest.mark.timeout(240)
async def test_a_killed_broker_comes_back_with_what_was_acknowledged(
    start_cluster: Callable[..., KafkaCluster],
) -> None:
    kafka = start_cluster(config={"auto.create.topics.enable": "true"})
    await _send(kafka.bootstrap, "events", [b"one"])
    before = kafka.pid(0)
    kafka.kill(0)
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
    kafka.start(0)
    assert await _read(kafka.bootstrap, "events", 1) == [b"one"]


@pytest.mark.timeout(240)
async def test_two_of_three_brokers_carry_on_without_the_third(start_cluster: Callable[..., KafkaCluster]) -> None:
    kafka = start_cluster(brokers=3, config={"auto.create.topics.enable": "true"})
    await _send(kafka.bootstrap, "events", [b"one"])
    kafka.kill(0)
    await _send(kafka.bootstrap, "events", [b"two"])
    assert await _read(kafka.bootstrap, "events", 2) == [b"one", b"two"]
