"""What the demo relies on in its broker, and the limits that the docs tell of."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from models.errors import WorldError
from runtime.cli import main
from runtime.embedded_broker import EmbeddedBroker
from runtime.try_out import EMBEDDED


@pytest.fixture
def embedded() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as broker:
        yield broker


async def test_a_topic_has_the_partitions_that_were_asked_for(embedded: EmbeddedBroker) -> None:
    embedded.create_topic("events", 8)
    async with AIOKafkaProducer(bootstrap_servers=embedded.bootstrap) as producer:
        assert await producer.partitions_for("events") == set(range(8))


async def test_a_topic_that_nobody_created_appears_with_four_partitions(embedded: EmbeddedBroker) -> None:
    async with AIOKafkaProducer(bootstrap_servers=embedded.bootstrap) as producer:
        assert len(await producer.partitions_for("unheard-of")) == 4


async def test_creating_a_topic_twice_is_a_readable_error(embedded: EmbeddedBroker) -> None:
    embedded.create_topic("events", 1)
    with pytest.raises(WorldError, match="could not create topic events"):
        embedded.create_topic("events", 1)


@pytest.mark.parametrize("compression", [None, "gzip", "lz4", "snappy", "zstd"])
async def test_an_idempotent_producers_records_come_back_whole(
    embedded: EmbeddedBroker, compression: str | None
) -> None:
    embedded.create_topic("events", 1)
    options = {"enable_idempotence": True, "compression_type": compression}
    async with AIOKafkaProducer(bootstrap_servers=embedded.bootstrap, acks="all", **options) as producer:
        for number in range(20):
            stamp, headers = 1_700_000_000_000 + number, [("h", b"x")]
            await producer.send_and_wait("events", b"%d" % number, b"key", timestamp_ms=stamp, headers=headers)
    async with _reader(embedded, "events") as consumer:
        records = [await consumer.getone() for _ in range(20)]
    assert [record.value for record in records] == [b"%d" % number for number in range(20)]
    assert [record.timestamp for record in records] == [1_700_000_000_000 + number for number in range(20)]
    assert (records[0].key, records[0].headers) == (b"key", (("h", b"x"),))


async def test_a_group_of_one_joins_at_once_and_its_offsets_last(embedded: EmbeddedBroker) -> None:
    embedded.create_topic("events", 8)
    partition = TopicPartition("events", 3)
    for expected in (None, 5):
        consumer = AIOKafkaConsumer(
            "events",
            bootstrap_servers=embedded.bootstrap,
            group_id="group",
            enable_auto_commit=False,
            session_timeout_ms=2000,  # who joins after another has left waits for about as long
        )
        async with consumer:
            assert len(consumer.assignment()) == 8
            assert await consumer.committed(partition) == expected
            await consumer.commit({partition: 5})


async def test_a_partition_keeps_five_mebibytes_and_says_so_to_who_falls_behind(embedded: EmbeddedBroker) -> None:
    embedded.create_topic("events", 1)
    partition = TopicPartition("events", 0)
    async with AIOKafkaProducer(bootstrap_servers=embedded.bootstrap) as producer:
        for _ in range(100):
            await producer.send_and_wait("events", bytes(100_000))
    async with AIOKafkaConsumer(bootstrap_servers=embedded.bootstrap, auto_offset_reset="none") as consumer:
        first = (await consumer.beginning_offsets([partition]))[partition]
        assert 4_500_000 < (100 - first) * 100_000 < 5 * 1024 * 1024
        consumer.assign([partition])
        consumer.seek(partition, 0)
        with pytest.raises(OffsetOutOfRangeError):
            await consumer.getone()


def test_after_closing_nobody_listens(embedded: EmbeddedBroker) -> None:
    host, port = embedded.bootstrap.split(":")
    socket.create_connection((host, int(port)), timeout=5).close()
    embedded.close()
    embedded.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=5)


def test_check_refuses_it_until_somebody_who_knows_what_it_is_allows_it(
    embedded: EmbeddedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "hindcast.yaml"
    file.write_text(f"kafka: {{bootstrap_servers: '{embedded.bootstrap}'}}\n")
    monkeypatch.delenv(EMBEDDED, raising=False)
    assert main(["check", "--config", str(file)]) == 1
    assert "this is an embedded broker, which forgets" in capsys.readouterr().err
    monkeypatch.setenv(EMBEDDED, "1")
    assert main(["check", "--config", str(file)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("broker: an embedded one")


def _reader(broker: EmbeddedBroker, topic: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(topic, bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
