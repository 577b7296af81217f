"""Inputs, scores and estimates on a real broker: a worker killed under load counts them as a batch over files does."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from confluent_kafka import Message

from runtime import baseline_build, evaluate
from runtime.clock import now_ms
from runtime.settings import load as load_settings
from runtime.traffic import TimedRecord
from tests.support.compare import record_key
from tests.support.load import Load, is_bad, make_load
from tests.support.recount import Key
from tests.support.scene import Scene

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]
FEED_SECONDS = 8
WATCHED = ("quality", "estimated")
RAW = b"jewellery"
"""A value of the feature `merchant`, of which no segment is made."""
ID = b"-b-0000"
"""What every id of the load has in the middle (b: the seed)."""
OURS = ("metrics", "by-id", "partials", "join-changelog", "merge-changelog", "dimensions-changelog", "dead-letters")
OF_THE_PAST = ("concept", "kinds")
"""Of drift: what depends on the windows before, of which files have none that came first."""


@pytest.fixture(scope="module")
def load() -> Load:
    """Copies of a prediction differ in nothing: un-keyed ones may be read in any order, and the first one counts."""
    made = make_load(8_000, seed=11, now_ms=now_ms())
    first: dict[object, bytes] = {}
    same = [
        r if is_bad(r.topic, r.value) else r._replace(value=first.setdefault(_of(r), r.value)) for r in made.records
    ]
    return replace(made, records=same)


def _of(record: TimedRecord) -> tuple[object, ...]:
    """What a copy has in common with its original."""
    if record.topic == "labels":
        return record.topic, record.value
    body = orjson.loads(record.value)
    return record.topic, body["transaction_id"], body["model_version"]


@pytest.fixture
def files(load: Load, tmp_path: Path) -> dict[str, Path]:
    """The load as JSON lines, by topic."""
    found = {}
    for topic in ("predictions", "labels"):
        found[topic] = tmp_path / f"{topic}.jsonl"
        # What is no JSON at all would end the reading of the file; the oracle refuses it, too.
        values = [r.value for r in load.records if r.topic == topic and _is_json(r.value)]
        found[topic].write_bytes(b"\n".join(values))
    found["training"] = tmp_path / "training.jsonl"
    good = [r.value for r in load.records if r.topic == "predictions" and not is_bad("predictions", r.value)]
    found["training"].write_bytes(b"\n".join(good))
    return found


def _is_json(value: bytes) -> bool:
    try:
        return isinstance(orjson.loads(value), dict)
    except orjson.JSONDecodeError:
        return False


def whole_windows(records: list[Any]) -> dict[Key, dict[str, object]]:
    """What needs no labels, of each window of a whole model."""
    found = {}
    for r in records:
        if r["segment"] == "" and r["span"] == "10s":
            drift = {name: part for name, part in r["drift"].items() if name not in OF_THE_PAST}
            found[record_key(r)] = {**{name: r[name] for name in WATCHED}, "drift": drift}
    return found


def tells(scene: Scene, raw: bytes) -> list[str]:
    """Where a value as it came can be read: on which of our topics, in whose log, or state directory."""
    return (
        [t for t in OURS if any(raw in _whole(m) for m in scene.read(f"{scene.prefix}{t}"))]
        + [f"log of {worker.name}" for worker in scene.workers if raw.decode() in worker.log]
        + [f"state of {worker.name}" for worker in scene.workers if any(raw in f for f in _files(worker.state))]
    )


def _whole(message: Message) -> bytes:
    return b"".join((message.key() or b"", message.value() or b"", repr(message.headers()).encode()))


def _files(directory: Path) -> Iterator[bytes]:
    return (file.read_bytes() for file in directory.rglob("*") if file.is_file())


def differences(found: object, wanted: object, path: str) -> list[str]:
    """Every value that is not the one wanted, by its path."""
    if isinstance(found, dict) and isinstance(wanted, dict) and found.keys() == wanted.keys():
        return [line for name in found for line in differences(found[name], wanted[name], f"{path}.{name}")]
    return [] if found == wanted else [f"{path}: {found} instead of {wanted}"]


@pytest.mark.parametrize(
    "private",
    [pytest.param(False, id="re-keyed", marks=pytest.mark.faults), pytest.param(True, id="keyed, ids hashed")],
)
def test_what_needs_no_labels_is_counted_exactly_though_a_worker_was_killed(
    broker: str, tmp_path: Path, load: Load, files: dict[str, Path], private: bool
) -> None:
    baseline = tmp_path / "fraud.json"
    model = {"baseline": str(baseline), "drift": {"over": "10s", "min_records": 10}}
    config = tmp_path / "hindcast.yaml"
    config.write_bytes(orjson.dumps({"models": {"fraud": {"predictions": {"topic": "p"}}}}))
    baseline_build.run(load_settings(config, {}), files["training"], "fraud", baseline, None, "")
    (tmp_path / "key").write_text("a key of hashes that nobody knows")
    privacy = {"hash_ids": True, "key_file": str(tmp_path / "key")} if private else None
    with Scene(broker, tmp_path, load if private else load.without_keys(), model=model, privacy=privacy) as scene:
        scene.outlive_a_kill(FEED_SECONDS)
        found = whole_windows([r for r in scene.records() if r["final"]])
        assert set(tells(scene, RAW)) <= (set() if private else {"dead-letters"})
        told = tells(scene, ID)
        assert told == [] if private else {"by-id", "join-changelog", "dead-letters"} <= set(told), told
        config.write_bytes(orjson.dumps(scene.settings))
    out = tmp_path / "expected.jsonl"
    evaluate.run(load_settings(config, {}), files["predictions"], files["labels"], "fraud", out)
    expected = whole_windows([orjson.loads(line) for line in out.read_bytes().splitlines()])
    assert found.keys() == expected.keys()
    assert "\n".join(line for key in found for line in differences(found[key], expected[key], str(key))) == ""
