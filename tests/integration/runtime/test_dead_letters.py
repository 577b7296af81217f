import asyncio
import json
from collections.abc import Mapping

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from runtime.cli import main
from runtime.dead_letters import list_letters, replay
from runtime.letter import Selection, selection
from runtime.settings import Settings, parse
from tests.support.topics import ScratchTopics

NOW_MS = 1_763_000_000_000
pytestmark = pytest.mark.broker


def headers(code: str, topic: str, offset: int, partition: int = 1) -> list[tuple[str, str | bytes | None]]:
    return [
        ("trace", b"\x00user"),
        ("hindcast.model", b"the user's own"),
        ("hindcast.error.code", code.encode()),
        ("hindcast.error.message", b"[red]not a number\x1b[0m"),
        ("hindcast.source.topic", topic.encode()),
        ("hindcast.source.partition", str(partition).encode()),
        ("hindcast.source.offset", str(offset).encode()),
        ("hindcast.source.timestamp", str(NOW_MS).encode()),
        ("hindcast.model", b"fraud"),
    ]


class Scene:
    """Six dead letters of two codes on two partitions, from one source topic."""

    def __init__(self, broker: str, prefix: str) -> None:
        self.broker, self.source = broker, f"{prefix}source"
        self.settings: Settings = parse({"kafka": {"bootstrap_servers": broker, "topic_prefix": prefix}}, {})
        self.letters = f"{prefix}dead-letters"

    def write(self, rows: Mapping[bytes, str]) -> None:
        producer = Producer({"bootstrap.servers": self.broker})
        for offset, (value, code) in enumerate(rows.items()):
            producer.produce(
                self.letters,
                value=value,
                key=b"k\xff",
                partition=offset % 2,
                headers=headers(code, self.source, offset),
                timestamp=NOW_MS + offset,
            )
        assert producer.flush(20) == 0

    def returned(self, count: int) -> list[Message]:
        consumer = Consumer({"bootstrap.servers": self.broker, "group.id": "t", "enable.partition.eof": True})
        consumer.assign([TopicPartition(self.source, 1, 0)])
        found = [message for message in consumer.consume(count + 1, 20) if message.error() is None]
        consumer.close()
        return found


ROWS = {b"a\xff\x00": "type", b"b": "type", b"c": "encoding", b"d": "type", b"e": "encoding", b"f": "type"}


@pytest.fixture
async def scene(broker: str, topics: ScratchTopics) -> Scene:
    made = Scene(broker, topics.prefix)
    await topics.create("source", partitions=2)
    await topics.create("dead-letters", partitions=3)
    await asyncio.to_thread(made.write, ROWS)
    return made


async def run_list(scene: Scene, wanted: Selection = Selection(), *, show: bool = False, as_json: bool = True) -> int:  # noqa: B008
    return await asyncio.to_thread(list_letters, scene.settings, wanted, as_json=as_json, show=show)


async def run_replay(scene: Scene, wanted: Selection = Selection()) -> int:  # noqa: B008
    return await asyncio.to_thread(replay, scene.settings, wanted, yes=True)


async def test_a_list_tells_code_source_time_and_size_but_no_payload(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run_list(scene) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["code"] for line in lines] == list(ROWS.values())
    assert lines[0] == {
        "code": "type",
        "message": "[red]not a number\x1b[0m",
        "source": {"topic": scene.source, "partition": 1, "offset": 0, "time": "2025-11-13T02:13:20.000Z"},
        "model": "fraud",
        "at": "2025-11-13T02:13:20.000Z",
        "size_bytes": 3,
        "redacted": False,
    }


async def test_the_table_neither_steers_the_terminal_nor_shows_payload_unless_asked(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run_list(scene, Selection(limit=2), as_json=False) == 0
    quiet = capsys.readouterr().out
    assert "\x1b" not in quiet
    assert "[red]not a number" in quiet
    assert "2 of 6 dead letters (type 4, encoding 2)" in quiet
    assert await run_list(scene, Selection(codes=frozenset({"type"})), as_json=False, show=True) == 0
    assert "a\\xff\\x00" in capsys.readouterr().out.replace("\\\\", "\\")


async def test_show_gives_the_bytes_as_they_were(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    assert await run_list(scene, Selection(limit=6), show=True) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["value_base64"] == "Yf8A"


async def test_replay_sends_the_original_key_bytes_time_and_headers_back_to_their_place(scene: Scene) -> None:
    assert await run_replay(scene) == 0
    found = await asyncio.to_thread(scene.returned, 6)
    assert sorted(message.value() or b"" for message in found) == sorted(ROWS)
    for message in found:
        assert message.key() == b"k\xff"
        assert message.headers() == [("trace", b"\x00user"), ("hindcast.model", b"the user's own")]
        assert message.timestamp()[1] == NOW_MS


@pytest.mark.parametrize(
    ("wanted", "values"),
    [
        (Selection(codes=frozenset({"encoding"})), [b"c", b"e"]),
        (Selection(since_ms=NOW_MS + 3), [b"d", b"e", b"f"]),
        (Selection(since_ms=NOW_MS + 99_999), []),
        (Selection(codes=frozenset({"nope"})), []),
    ],
)
async def test_replay_sends_only_what_was_chosen(scene: Scene, wanted: Selection, values: list[bytes]) -> None:
    assert await run_replay(scene, wanted) == 0
    found = await asyncio.to_thread(scene.returned, len(values))
    assert sorted(message.value() or b"" for message in found) == values


async def test_replay_sends_no_more_than_the_limit(scene: Scene) -> None:
    assert await run_replay(scene, Selection(limit=4)) == 0
    assert len(await asyncio.to_thread(scene.returned, 6)) == 4


async def test_replay_without_yes_asks_and_without_a_terminal_refuses(
    scene: Scene, capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("config") / "h.yaml"
    prefix = scene.settings.kafka.topic_prefix
    file.write_text(f"kafka: {{bootstrap_servers: '{scene.broker}', topic_prefix: {prefix}}}\n")
    code = await asyncio.to_thread(main, ["dead-letters", "replay", "--config", str(file)])
    assert code == 2
    assert "use --yes" in capsys.readouterr().err
    assert await asyncio.to_thread(scene.returned, 0) == []


async def test_a_record_of_which_only_an_envelope_was_kept_does_not_go_back(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    await asyncio.to_thread(scene.write, {b"{}": "too_large"})
    assert await run_replay(scene, Selection(codes=frozenset({"too_large"}))) == 0
    assert "1 cannot go back" in capsys.readouterr().err
    assert await asyncio.to_thread(scene.returned, 0) == []


def redact(scene: Scene, places: Mapping[int, int]) -> None:
    """Letters of which nothing was kept: of records on partition 1 of the source, offset -> Kafka's time."""
    producer = Producer({"bootstrap.servers": scene.broker})
    for offset, at_ms in places.items():
        ours = [pair for pair in headers("json", scene.source, offset)[2:] if pair[0] != "hindcast.source.timestamp"]
        ours += [("hindcast.source.timestamp", str(at_ms).encode()), ("hindcast.redacted", b"true")]
        producer.produce(scene.letters, partition=0, headers=ours, timestamp=NOW_MS)
    assert producer.flush(20) == 0


def fill_source(scene: Scene, count: int) -> None:
    producer = Producer({"bootstrap.servers": scene.broker})
    for offset in range(count):
        user: list[tuple[str, str | bytes | None]] = [("user", b"%d" % offset)]
        value = b"value %d" % offset
        producer.produce(scene.source, value, b"key", partition=1, headers=user, timestamp=NOW_MS + offset)
    assert producer.flush(20) == 0


async def test_a_redacted_letter_goes_back_as_its_record_stands_on_the_source_topic(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    await asyncio.to_thread(fill_source, scene, 4000)
    made_anew, gone = {2: NOW_MS - 1}, {9999: NOW_MS}
    there = {offset: NOW_MS + offset for offset in (3900, 5, 6, 0)}
    await asyncio.to_thread(redact, scene, there | made_anew | gone)
    assert await run_list(scene, Selection(codes=frozenset({"json"})), show=True) == 0
    line = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (line["redacted"], line["value_base64"], line["size_bytes"]) == (True, "", 0)
    assert await run_replay(scene, Selection(codes=frozenset({"json"}))) == 1
    said = capsys.readouterr().err
    assert "hindcast: 2 redacted letters: their records are not on the source topic any more" in said
    assert "replayed 4 of 6 records" in said
    found = await asyncio.to_thread(scene.returned, 4004)
    assert [(m.key(), m.value(), m.headers(), m.timestamp()[1] - NOW_MS) for m in found[4000:]] == [
        (b"key", b"value %d" % offset, [("user", b"%d" % offset)], offset) for offset in (0, 5, 6, 3900)
    ]


async def test_without_a_dead_letter_topic_there_is_one_readable_line(
    broker: str, topics: ScratchTopics, capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("config") / "h.yaml"
    file.write_text(f"kafka: {{bootstrap_servers: '{broker}', topic_prefix: {topics.prefix}}}\n")
    assert await asyncio.to_thread(main, ["dead-letters", "list", "--config", str(file)]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert f"{topics.prefix}dead-letters" in line


def test_since_is_a_duration_before_now_or_a_time() -> None:
    assert selection(None, "1h", None, NOW_MS).since_ms == NOW_MS - 3_600_000
    assert selection(None, "2025-11-13T02:13:20Z", None, NOW_MS).since_ms == NOW_MS
    assert selection("a, b", "2025-11-13T02:13:20", 3, 0) == Selection(frozenset({"a", "b"}), NOW_MS, 3)
