"""F52, F53: producers with Confluent's own serializers, schemas that change, a registry that comes and goes."""

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient

from models.schemas.registered import RegistryFormat
from runtime.clock import now_ms
from runtime.traffic import Topic
from tests.support.kafka_cluster import KafkaCluster
from tests.support.load import Load, is_bad, make_load
from tests.support.scene import Scene
from tests.support.schema_formats import Serializing, framed
from tests.support.schema_registry import SchemaRegistryFake

FEED_SECONDS = 6
LOGIN = ("hindcast", "a password of this test")
HELD_SECONDS_MAX = 30
BAD = {b'{"transaction_id": "t-1"}': "magic", framed(999_999, b"\x02x"): "schema_unknown"}
Formats = dict[Topic, RegistryFormat]


class RegistryScene(Scene):
    """A scene whose bad records are those of `BAD`."""

    def judge_letters(self, letters_max: int) -> None:
        letters = Counter((letter.value or b"", letter.code) for letter in self.letters())
        assert letters.keys() == set(BAD.items())
        assert max(letters.values()) <= letters_max

    def plant_bad_records(self) -> None:
        producer = Producer({"bootstrap.servers": self.bootstrap})
        for value in BAD:
            producer.produce(self.topics["predictions"], value, partition=0)
        assert producer.flush(30) == 0


@pytest.fixture(scope="module")
def load() -> Load:
    """Good records only: what is bad in JSON cannot be written in other formats at all."""
    made = make_load(3_000, seed=53, now_ms=now_ms())
    return replace(made, records=[one for one in made.records if not is_bad(one.topic, one.value)])


def written(load: Load, encode: Serializing) -> Load:
    """The load as its producers write it, once and for all: the registry may be away when it is sent."""
    records = [one._replace(value=encode(one.topic, one.value)) for one in load.records]
    return replace(load, records=records)


class _Closing:
    """Encodes only what is not yet: the records that close the load."""

    def __init__(self, encode: Serializing) -> None:
        self._encode = encode

    def __call__(self, topic: Topic, value: bytes) -> bytes:
        return self._encode(topic, value) if value.startswith(b"{") else value


@pytest.mark.parametrize(
    ("keyed", "formats"),
    [
        (False, {"predictions": "avro", "labels": "protobuf"}),
        (True, {"predictions": "protobuf", "labels": "json-schema"}),
    ],
    ids=["re-keyed", "keyed"],
)
def test_f53_records_of_a_registry_that_comes_and_goes_are_counted_exactly(
    cluster: KafkaCluster, tmp_path: Path, load: Load, keyed: bool, formats: Formats
) -> None:
    password = tmp_path / "registry"
    password.write_text(LOGIN[1])
    with SchemaRegistryFake(LOGIN) as registry:
        section = {"url": registry.url, "username": LOGIN[0], "password_file": str(password), "allow_plaintext": True}
        scene = RegistryScene(
            cluster.bootstrap, tmp_path, load if keyed else load.without_keys(), kafka={"schema_registry": section}
        )
        model = scene.settings["models"]["fraud"]
        for topic, name in scene.topics.items():
            model[topic] = {"topic": name, "format": formats[topic]}
        client = SchemaRegistryClient({"url": registry.url, "basic.auth.user.info": ":".join(LOGIN)})
        encode = Serializing(client, formats, scene.topics, evolves_after=len(load.records) // 4)
        scene.load = replace(written(scene.load, encode), encode=_Closing(encode))
        with scene:
            scene.plant_bad_records()
            scene.start(2)
            registry.down()
            feeder = scene.feed(FEED_SECONDS)
            why = await_held(scene)
            counted = scene.fates()
            time.sleep(2)
            assert scene.fates() == counted  # held, not dropped
            code, _ = scene.workers[1].terminate()
            assert code == 0  # a held worker can be stopped as any other
            scene.workers[1].start()
            registry.up()
            for worker in scene.workers:
                worker.await_ready()
            feeder.finish()
            scene.judge(letters_max=3)  # partitions move with the worker
            said = [worker.log for worker in scene.workers]
    assert "is held until schema" in why
    assert LOGIN[1] not in why + "".join(said)
    asked = Counter(line for line in registry.asked if "/schemas/ids/" in line)
    assert len(asked) <= len(registry.schemas) + 2  # the unknown one, and what the check asks for


def await_held(scene: Scene) -> str:
    """Wait until a worker says that it is held; its reason."""
    deadline = time.monotonic() + HELD_SECONDS_MAX
    while True:
        for worker in scene.workers:
            status, text = worker.get("/readyz")
            if status == 503 and "held" in text:
                return text
        assert time.monotonic() < deadline, scene.describe()
        time.sleep(0.1)
