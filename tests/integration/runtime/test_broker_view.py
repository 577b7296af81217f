import asyncio
from collections.abc import Callable

import pytest
from confluent_kafka import Producer, admin

from models.errors import WorldError
from runtime.broker_view import BrokerView
from runtime.preflight import Expected, ExpectedTopic, problems
from runtime.security import KafkaSecurity
from tests.support.kafka_cluster import KafkaCluster
from tests.support.topics import ScratchTopics

OPEN = KafkaSecurity()


def view(servers: str, timeout_seconds: float = 10) -> BrokerView:
    return BrokerView(servers.split(","), OPEN, timeout_seconds)


@pytest.mark.broker
async def test_topics_are_seen_with_their_partitions_copies_and_rights(broker: str, topics: ScratchTopics) -> None:
    name = await topics.create("p", partitions=3)
    seen = await asyncio.to_thread(view(broker).look, [name, f"{topics.prefix}nope"], f"{topics.prefix}group")
    assert list(seen.topics) == [name]
    assert (seen.topics[name].partitions, seen.topics[name].replication_factor) == (3, 1)
    assert {"Read", "Write", "Describe"} <= (seen.topics[name].operations or set())
    assert seen.denied == frozenset()
    assert f"{topics.prefix}nope" not in await topics.names()


@pytest.mark.broker
async def test_a_topic_is_created_once_as_it_was_asked_for(broker: str, topics: ScratchTopics) -> None:
    name = f"{topics.prefix}new"
    asked = [ExpectedTopic(name, "internal", 5, {"cleanup.policy": "compact"})]
    assert await asyncio.to_thread(view(broker).create, asked, 1) == []
    assert await asyncio.to_thread(view(broker).create, asked, 1) == []
    assert (await asyncio.to_thread(view(broker).look, [name])).topics[name].partitions == 5


@pytest.mark.broker
async def test_a_topic_that_cannot_be_created_is_told_in_one_line(broker: str, topics: ScratchTopics) -> None:
    asked = [ExpectedTopic(f"{topics.prefix}new", "internal", 1)]
    [line] = await asyncio.to_thread(view(broker).create, asked, 9)
    assert line.startswith(f"topic {topics.prefix}new cannot be created: ")
    assert "\n" not in line


def test_no_broker_is_one_readable_line_with_the_reason() -> None:
    with pytest.raises(WorldError, match=r"^no broker answers at 127.0.0.1:1: .*Connection refused$"):
        view("127.0.0.1:1", 2).look(["a"])


def test_the_embedded_broker_is_known_by_its_name() -> None:
    mock = Producer({"bootstrap.servers": "", "test.mock.num.brokers": 1, "log_level": 0})
    servers = ",".join(f"{at.host}:{at.port}" for at in mock.list_topics(timeout=5).brokers.values())
    [problem] = problems(Expected(()), view(servers, 3).look(["a"]))
    assert "embedded broker" in problem.text


def test_a_right_that_is_missing_is_named_on_a_broker_with_an_authorizer(
    start_cluster: Callable[..., KafkaCluster],
) -> None:
    cluster = start_cluster(
        config={
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "true",
        }
    )
    topics = [ExpectedTopic(name, "source", 1) for name in ("open", "hidden", "write-only")]
    assert view(cluster.bootstrap).create(topics, 1) == []
    # Once a resource has a rule, only those it names may use it; we come as User:ANONYMOUS.
    allow(cluster.bootstrap, "TOPIC", "hidden", "User:other", "READ")
    allow(cluster.bootstrap, "TOPIC", "write-only", "User:ANONYMOUS", "WRITE")
    allow(cluster.bootstrap, "GROUP", "group", "User:other", "READ")
    seen = view(cluster.bootstrap).look([topic.name for topic in topics], ["group"])
    found = problems(Expected(tuple(topics), groups=("group",)), seen)
    assert [problem.text for problem in found if problem.severity == "error"] == [
        "not allowed: Read on topic hidden",
        "not allowed: Read on topic write-only",
        "not allowed: Read on group group",
    ]


def allow(servers: str, kind: str, name: str, principal: str, operation: str) -> None:
    client = admin.AdminClient({"bootstrap.servers": servers})
    rule = admin.AclBinding(  # type: ignore[attr-defined]
        admin.ResourceType[kind],  # type: ignore[attr-defined]
        name,
        admin.ResourcePatternType.LITERAL,  # type: ignore[attr-defined]
        principal,
        "*",
        admin.AclOperation[operation],  # type: ignore[attr-defined]
        admin.AclPermissionType.ALLOW,  # type: ignore[attr-defined]
    )
    for future in client.create_acls([rule]).values():
        future.result()
