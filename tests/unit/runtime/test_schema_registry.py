"""What a schema registry is asked, and what becomes of every answer."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from models.errors import ConfigError, RegistryError
from models.schemas.protobuf import protobuf_reader
from models.schemas.registered import Schema
from runtime.check import registry_answers
from runtime.decoders import decoders, registry_of
from runtime.schema_registry import SchemaRegistry
from runtime.settings import Settings, parse
from runtime.settings.registry import RegistrySettings
from tests.support.schema_formats import for_proto, proto_classes
from tests.support.schema_registry import SchemaRegistryFake

INNER = '{"type": "record", "name": "Inner", "fields": []}'
OUTER = '{"type": "record", "name": "Outer", "fields": [{"name": "x", "type": "Inner"}]}'
TOP = '{"type": "record", "name": "Top", "fields": [{"name": "y", "type": "Outer"}]}'
SECRET = "hunter2-and-more"


@pytest.fixture
def fake() -> Iterator[SchemaRegistryFake]:
    with SchemaRegistryFake(("reader", SECRET)) as registry:
        yield registry


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(f"{SECRET}\n")
    return path


@pytest.fixture
def registry(fake: SchemaRegistryFake, password_file: Path) -> SchemaRegistry:
    return SchemaRegistry(RegistrySettings(url=fake.url, username="reader", password_file=str(password_file)))


def test_a_schema_comes_with_all_that_it_builds_on_in_the_order_of_need(
    fake: SchemaRegistryFake, registry: SchemaRegistry
) -> None:
    fake.register("inner", INNER)
    fake.register("outer", OUTER, references=[{"name": "Inner", "subject": "inner", "version": 1}])
    number = fake.register("top", TOP, references=[{"name": "Outer", "subject": "outer", "version": 1}])
    assert registry.fetch(number, "avro") == Schema("AVRO", TOP, (("Inner", INNER), ("Outer", OUTER)))


def test_what_the_registry_does_not_know_is_none(fake: SchemaRegistryFake, registry: SchemaRegistry) -> None:
    assert registry.fetch(99, "avro") is None
    lost = fake.register("lost", OUTER, references=[{"name": "Inner", "subject": "gone", "version": 1}])
    assert registry.fetch(lost, "avro") is None


def test_protobuf_comes_as_descriptors_by_which_the_serializers_records_are_read(
    fake: SchemaRegistryFake, registry: SchemaRegistry
) -> None:
    client = SchemaRegistryClient({"url": fake.url, "basic.auth.user.info": f"reader:{SECRET}"})
    made = proto_classes()["labels"]
    serializer = ProtobufSerializer(made, client, {"use.deprecated.format": False})
    record = {"transaction_id": "t-1", "actual_fraud": True, "label_time": "2026-11-21T09:59:00Z"}
    value = serializer(for_proto(made, record), SerializationContext("labels", MessageField.VALUE))
    assert value is not None
    schema = registry.fetch(int.from_bytes(value[1:5]), "protobuf")
    assert schema is not None
    assert protobuf_reader(schema)(value[5:]).startswith(b'{"transaction_id":"t-1"')


def test_a_registry_that_knows_protobuf_as_text_only_is_waited_for(
    fake: SchemaRegistryFake, registry: SchemaRegistry
) -> None:
    number = fake.register("p", "CgA=", "PROTOBUF")
    fake.serializes = False
    with pytest.raises(RegistryError, match="as text only"):
        registry.fetch(number, "protobuf")


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (503, b"<html>down</html>", "answered 503"),
        (500, b'{"error_code": 50001, "message": "store"}', "answered 500"),
        (429, b"{}", "answered 429"),
        (404, b"<html>no such page</html>", "answered 404"),  # not the registry's own word
        (404, b'{"error_code": 404, "message": "HTTP 404 Not Found"}', "answered 404"),
        (200, b"<html>welcome</html>", "no answer"),
        (200, b"{}", "without a schema"),
        (403, b'{"error_code": 40301, "message": "denied"}', "refused the login"),
    ],
)
def test_any_other_answer_says_nothing_of_the_record(
    fake: SchemaRegistryFake, registry: SchemaRegistry, status: int, body: bytes, told: str
) -> None:
    number = fake.register("inner", INNER)
    fake.faults = [(status, body)]
    with pytest.raises(RegistryError, match=told) as raised:
        registry.fetch(number, "avro")
    assert raised.value.refused == (status == 403)
    assert registry.fetch(number, "avro") == Schema("AVRO", INNER)


def test_a_registry_that_is_away_is_an_error_of_the_world(fake: SchemaRegistryFake, registry: SchemaRegistry) -> None:
    fake.down()
    with pytest.raises(RegistryError, match=rf"schema registry {fake.url}: no answer"):
        registry.check()
    registry.check_login()  # a worker starts all the same
    fake.up()
    registry.check()


def test_wrong_credentials_are_told_without_them_and_a_new_password_is_read(
    fake: SchemaRegistryFake, password_file: Path
) -> None:
    password_file.write_text("wrong-password")
    registry = SchemaRegistry(RegistrySettings(url=fake.url, username="reader", password_file=str(password_file)))
    with pytest.raises(RegistryError, match=r"refused the login \(401\)") as raised:
        registry.check_login()
    assert "wrong-password" not in str(raised.value)
    password_file.write_text(SECRET)
    with pytest.raises(RegistryError):
        registry.check()
    registry.check()


def test_its_certificate_is_verified_by_the_ca_file(tmp_path: Path) -> None:
    authority, server = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    with SchemaRegistryFake(tls=server) as fake:
        SchemaRegistry(RegistrySettings(url=fake.url, ca_file=str(tmp_path / "ca.pem"))).check()
        with pytest.raises(RegistryError, match="certificate verify failed"):
            SchemaRegistry(RegistrySettings(url=fake.url, ca_file=str(tmp_path / "other.pem"))).check_login()


def test_check_says_whether_the_registry_answers(
    fake: SchemaRegistryFake, password_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    section = {"url": fake.url, "username": "reader", "password_file": str(password_file)}
    tree = settings("avro")
    tree["kafka"] = {"schema_registry": section | {"allow_plaintext": True}}
    assert registry_answers(parse(tree, {}))
    assert capsys.readouterr().out == f"schema registry: {fake.url} answers\n"
    password_file.write_text("wrong")
    assert not registry_answers(parse(tree, {}))
    assert "refused the login (401)" in capsys.readouterr().err
    assert registry_answers(parse(settings("json"), {}))  # nobody asks
    assert capsys.readouterr() == ("", "")


def settings(its_format: str = "avro", labels: str = "json", **registry: str) -> dict[str, Any]:
    model = {"predictions": {"topic": "p", "format": its_format}, "labels": {"topic": "l", "format": labels}}
    return {"kafka": {"schema_registry": registry} if registry else {}, "models": {"m": model}}


def problems(tree: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        parse(tree, {"PW": SECRET})
    assert SECRET not in str(raised.value)
    return raised.value.problems


@pytest.mark.parametrize(
    ("registry", "line"),
    [
        ({}, "models.m.predictions.format: avro records need kafka.schema_registry"),
        ({"url": "registry:8081"}, "kafka.schema_registry.url: "),
        ({"url": "https://${PW}@registry"}, "kafka.schema_registry.url: "),
        ({"url": "https://r", "username": "u"}, "kafka.schema_registry.password_file: is needed"),
        ({"url": "https://r", "password": "${PW}"}, "kafka.schema_registry.username: is needed"),
        ({"url": "http://r", "username": "u", "password": "${PW}"}, "kafka.schema_registry.url: without https"),
        ({"url": "https://r", "username": "u", "password_file": "/nowhere"}, "kafka.schema_registry.password_file: "),
        ({"url": "http://r", "ca_file": __file__}, "kafka.schema_registry.ca_file: has no meaning without https"),
        ({"url": "https://r", "cert_file": __file__}, "kafka.schema_registry.key_file: is needed beside cert_file"),
    ],
)
def test_what_is_wrong_with_the_section_is_one_line(registry: dict[str, str], line: str) -> None:
    found = problems(settings(**registry))
    assert len(found) == 1
    assert found[0].startswith(line)


def test_models_on_one_topic_have_one_format() -> None:
    tree = settings("avro", url="http://r")
    tree["models"]["n"] = {"predictions": {"topic": "p", "format": "protobuf"}, "labels": {"topic": "l"}}
    assert problems(tree) == [
        "models.n.predictions.format: must be avro as elsewhere: both read p",
    ]


def test_the_password_is_shown_nowhere() -> None:
    made = parse(settings(url="https://r", username="u", password="${PW}"), {"PW": SECRET})
    assert SECRET not in f"{made!r}{made}{made.model_dump()}{made.model_dump_json()}"


def test_json_alone_needs_neither_registry_nor_its_client() -> None:
    made = parse(settings("json", url="http://r"), {})
    assert registry_of(made) is None
    assert {type(one).__name__ for one in decoders(made).values()} == {"Decoder"}


def test_every_topic_is_read_in_its_own_format() -> None:
    made: Settings = parse(settings("protobuf", "json", url="http://r"), {})
    assert {topic: type(one).__name__ for topic, one in decoders(made).items()} == {
        "p": "FramedDecoder",
        "l": "Decoder",
    }
