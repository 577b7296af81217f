import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Producer

from models.errors import WorldError
from runtime.cli import main
from runtime.settings import PrivacySettings, Settings, parse
from runtime.source_identity import settle_sources
from runtime.world import ensure, inspect, with_partitions
from tests.support.topics import ScratchTopics


@pytest.fixture
def settings(broker: str, topics: ScratchTopics) -> Settings:
    source = {"predictions": {"topic": f"{topics.prefix}x_predictions"}}
    kafka = {"bootstrap_servers": broker, "topic_prefix": topics.prefix, "partitions": 3}
    return parse({"kafka": kafka, "models": {"fraud": source}}, {})


async def settled(is_so: Callable[[], bool]) -> None:
    """Wait until the broker tells everybody of what it has just made."""
    for _ in range(100):
        if await asyncio.to_thread(is_so):
            return
        await asyncio.sleep(0.1)


@pytest.fixture
def command(settings: Settings, tmp_path: Path) -> Callable[..., int]:
    kafka = settings.kafka
    (tmp_path / "h.yaml").write_text(
        f"kafka: {{bootstrap_servers: '{kafka.bootstrap_servers[0]}', topic_prefix: {kafka.topic_prefix}, "
        f"partitions: 3}}\nmodels: {{fraud: {{predictions: {{topic: {kafka.topic_prefix}x_predictions}}}}}}\n"
    )
    return lambda *verb: main([*verb, "--config", str(tmp_path / "h.yaml")])


@pytest.mark.broker
async def test_a_worker_may_create_our_topics_but_never_the_sources(settings: Settings, topics: ScratchTopics) -> None:
    with pytest.raises(WorldError) as caught:
        await asyncio.to_thread(ensure, settings, create_topics=True)
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["models.fraud.predictions.topic", "models.fraud.labels.topic"]
    assert await topics.names() == []
    await topics.create("x_predictions")
    await topics.create("x_labels")
    await settled(lambda: not inspect(settings, will_create=True).errors)
    await asyncio.to_thread(ensure, settings, create_topics=True)
    await settled(lambda: not inspect(settings).errors)
    found = await asyncio.to_thread(inspect, settings)
    assert found.errors == []
    fixed = {topic.name: topic.partitions for topic in found.expected.topics if topic.partitions is not None}
    assert {name: found.seen.topics[name].partitions for name in fixed} == fixed
    assert set(fixed.values()) == {1, 3}
    assert found.seen.topics[f"{topics.prefix}rules-changelog"].partitions == 3


@pytest.mark.broker
async def test_without_our_topics_the_worker_does_not_start_and_names_them_all(
    settings: Settings, topics: ScratchTopics
) -> None:
    await topics.create("x_predictions")
    await topics.create("x_labels")
    await settled(lambda: not inspect(settings, will_create=True).errors)
    with pytest.raises(WorldError) as caught:
        await asyncio.to_thread(ensure, settings)
    found = await asyncio.to_thread(inspect, settings)
    needed = [topic for topic in found.expected.topics if topic.role not in {"source", "optional", "offered"}]
    assert len(str(caught.value).splitlines()) == len(needed)
    assert all("hindcast topics create" in line for line in str(caught.value).splitlines())


@pytest.mark.broker
async def test_the_verbs_check_and_topics_create_agree(
    topics: ScratchTopics, command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    await topics.create("x_predictions")
    await topics.create("x_labels")
    assert await asyncio.to_thread(command, "check") == 1
    assert "a worker would not start" in capsys.readouterr().out
    assert await asyncio.to_thread(command, "topics", "create") == 0
    assert f"created {topics.prefix}metrics" in capsys.readouterr().out
    assert await asyncio.to_thread(command, "topics", "create") == 0
    assert "all of Hindcast's topics exist already" in capsys.readouterr().out
    assert await asyncio.to_thread(command, "check") == 0
    out, err = capsys.readouterr()
    assert "a worker would start" in out
    assert all(line.startswith("hindcast: warning: only one copy") for line in err.splitlines())


@pytest.mark.broker
async def test_a_state_topic_with_another_number_of_partitions_stops_everything(
    settings: Settings, topics: ScratchTopics, command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("x_predictions", "x_labels", "partials"):
        await topics.create(name, partitions=4)
    assert await asyncio.to_thread(command, "topics", "create") == 1
    assert f"topic {topics.prefix}partials has 4 partitions, 3 are expected" in capsys.readouterr().err
    with pytest.raises(WorldError, match="partials has 4 partitions, 3 are expected"):
        await asyncio.to_thread(ensure, settings, create_topics=True)


@pytest.mark.broker
@pytest.mark.parametrize(("own", "labels", "partitions"), [({}, 5, 5), ({"partitions": 3}, 5, 3), ({}, 6, 8)])
async def test_partitions_are_taken_from_keyed_topics_that_agree_unless_they_are_set(
    broker: str, topics: ScratchTopics, own: dict[str, int], labels: int, partitions: int
) -> None:
    source = {"predictions": {"topic": await topics.create("x_predictions", partitions=5)}, "partitioned_by_id": True}
    await topics.create("x_labels", partitions=labels)
    while len(await topics.names()) < 2:  # noqa: ASYNC110  # the broker tells nobody
        await asyncio.sleep(0.1)
    kafka = {"bootstrap_servers": broker, "topic_prefix": topics.prefix, **own}
    settings = parse({"kafka": kafka, "models": {"fraud": source}}, {})
    assert (await asyncio.to_thread(with_partitions, settings)).kafka.partitions == partitions
    found = await asyncio.to_thread(inspect, settings, will_create=True)
    assert [str(error).startswith("models.fraud.partitioned_by_id") for error in found.errors] == [True] * (
        partitions != 5
    )


@pytest.mark.broker
async def test_two_keys_of_hashes_do_not_meet_unnoticed(settings: Settings, topics: ScratchTopics) -> None:
    for name in ("x_predictions", "x_labels"):
        await topics.create(name)
    await settled(lambda: not inspect(settings, will_create=True).errors)
    await asyncio.to_thread(ensure, settings, create_topics=True)
    await settled(lambda: not inspect(settings).errors)
    first, second = [hashing(settings, key=f"a key of hashes, the {number}") for number in ("first", "second")]
    settled_first = await asyncio.to_thread(settle_sources, first)
    assert set(settled_first.epochs.values()) == {0}
    for other in (second, settings):
        with pytest.raises(WorldError, match="privacy: ids are hashed with another key than before"):
            await asyncio.to_thread(settle_sources, other)
    again = await asyncio.to_thread(settle_sources, first)
    assert again.epochs == settled_first.epochs
    accepted = hashing(settings, key="a key of hashes, the second", on_key_changed="accept")
    assert (await asyncio.to_thread(settle_sources, accepted)).epochs == settled_first.epochs
    await asyncio.to_thread(settle_sources, second)


def hashing(settings: Settings, **keys: str) -> Settings:
    return settings.model_copy(update={"privacy": PrivacySettings.model_validate({"hash_ids": True, **keys})})


def test_the_embedded_broker_is_refused_by_every_way_in() -> None:
    mock = Producer({"bootstrap.servers": "", "test.mock.num.brokers": 1, "log_level": 0})
    servers = [f"{at.host}:{at.port}" for at in mock.list_topics(timeout=5).brokers.values()]
    settings = parse({"kafka": {"bootstrap_servers": servers}}, {})
    with pytest.raises(WorldError, match="this is an embedded broker"):
        ensure(settings, create_topics=True)
