"""State says which format it is in: what is older is read on or rebuilt, what is newer is left alone and said so."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest

from models.partial import PartialMessage, decode_partials
from runtime.format_identity import settle_format
from runtime.identity_log import Identities, IdentityLog
from runtime.state_directory import opener, set_aside_count
from tables import state_format
from tables.block import encode_block
from tables.block_log import LogPosition, decode_frame
from tables.checkpoint import Cut
from tables.dimensions import STATE_FORMAT, TOPIC_ID, Name
from tables.memory import MemoryCheckpoint
from tables.partition import BlockPartition
from tables.state_format import FORMAT, UnreadableFormatError
from tests.support.cuts import rows_written
from tests.unit.tables.support import PLAN, T0, Feed, join_state

NEWER = "newer version of Hindcast"
MEMORY_BYTES = 8 << 20


class StoppedError(Exception):
    pass


def stop(reason: str) -> NoReturn:
    raise StoppedError(reason)


def framed(version: int, body: bytes = b"") -> bytes:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state_format, "FORMAT", version)
        return LogPosition().frame(body, log_id=1 << 40)


def test_a_block_of_a_newer_version_is_refused_with_the_reason_and_the_way_out() -> None:
    with pytest.raises(UnreadableFormatError, match=NEWER) as told:
        decode_frame(framed(FORMAT + 1))
    assert f"state format {FORMAT + 1}, this version reads 1 to {FORMAT}" in str(told.value)
    assert "run that version again" in str(told.value)
    assert told.value.exit_code == 1


def test_a_newer_block_may_even_be_of_another_shape() -> None:
    with pytest.raises(UnreadableFormatError, match=NEWER):
        decode_frame(msgspec.msgpack.encode([FORMAT + 7, {"what": "ever"}]))
    with pytest.raises(msgspec.ValidationError):
        decode_frame(msgspec.msgpack.encode([FORMAT, {"what": "ever"}]))


def test_a_block_that_is_too_old_is_refused_with_the_way_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_format, "OLDEST_READABLE", 2)
    with pytest.raises(UnreadableFormatError, match="upgrade by way of a version in between"):
        decode_frame(framed(1))


def test_partials_of_another_format_are_refused() -> None:
    with pytest.raises(Exception, match="partials format 2; this version reads 1"):
        decode_partials(msgspec.msgpack.encode(PartialMessage(2, [], [])))


def test_a_changelog_of_the_first_format_is_replayed_and_comes_to_the_same() -> None:
    feed = Feed(join_state())
    batches = [feed.prediction("a", T0), feed.prediction("b", T0), feed.labelled("a", T0 + 5)]
    log, position = list[bytes](), LogPosition()
    for batch in batches:
        block = feed.state.decide(batch.kind, [batch])
        assert block is not None
        feed.state.apply(block)
        block.fates = [n for kind in range(2) for n in block.fates[11 * kind : 11 * kind + 10]]  # as it was then
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(state_format, "FORMAT", 1)
            log.append(position.frame(encode_block(block), log_id=(1 << 40) + len(log)))
        position.appended()
    again = BlockPartition(0, lambda _, checkpoint: join_state(PLAN, checkpoint), MemoryCheckpoint())  # type: ignore[arg-type]  # opened with a memory one
    for offset, value in enumerate(log):
        assert msgspec.msgpack.decode(value)[0] == 1
        again.replay(offset, value)
    restored = again.state
    assert restored.fates.as_dict() == feed.state.fates.as_dict()  # type: ignore[attr-defined]  # a JoinState
    assert Feed(restored).fates("predictions") == {"joined": 1, "pending": 1}  # type: ignore[arg-type]  # same
    assert again.position.skipped == 0


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A state directory with one checkpoint of this version."""
    checkpoint = opener(tmp_path, "join", MEMORY_BYTES, stop)(0)
    checkpoint.write(Cut(b"meta", rows_written({b"\x01\x00k": b"row"})))
    checkpoint.close()
    return tmp_path


def test_a_checkpoint_of_this_version_is_read_on(written: Path) -> None:
    checkpoint = opener(written, "join", MEMORY_BYTES, stop)(0)
    assert checkpoint.meta() == b"meta"
    checkpoint.close()


def test_a_checkpoint_that_is_too_old_is_rebuilt_and_says_so(
    written: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(state_format, "FORMAT", FORMAT + 1)
    monkeypatch.setattr(state_format, "OLDEST_READABLE", FORMAT + 1)
    with caplog.at_level(logging.WARNING):
        checkpoint = opener(written, "join", MEMORY_BYTES, stop)(0)
    assert checkpoint.meta() is None
    assert checkpoint.get_many([b"\x01\x00k"]) == [None]
    checkpoint.close()
    [line] = [record.getMessage() for record in caplog.records]
    assert f"join-0 has state format {FORMAT}, which this version does not read any more: rebuilding it" in line
    assert set_aside_count(written) == 0


def test_a_downgrade_leaves_the_newer_checkpoint_alone_and_stops_with_the_reason(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(state_format, "FORMAT", FORMAT - 1)
        with pytest.raises(StoppedError, match=NEWER) as told:
            opener(written, "join", MEMORY_BYTES, stop)(0)
    assert str(written / "join-0") in str(told.value)
    checkpoint = opener(written, "join", MEMORY_BYTES, stop)(0)
    assert checkpoint.meta() == b"meta"
    checkpoint.close()


class Written(IdentityLog):
    """Remembers what it is told to write down."""

    def __init__(self) -> None:
        self.names: list[Name] = []

    def append(self, names: Iterable[Name]) -> None:
        self.names += names


def known(*names: Name) -> int | None:
    found = Identities()
    for name in names:
        found.take(name)
    return found.format


USED, NOTED = Name("p", TOPIC_ID, "A"), Name("", STATE_FORMAT, str(FORMAT))


@pytest.mark.parametrize(
    ("held", "noted"), [((), [NOTED]), ((USED,), [NOTED]), ((USED, NOTED), []), ((NOTED, USED), [])], ids=str
)
def test_the_format_is_written_down_where_it_is_new(held: tuple[Name, ...], noted: list[Name]) -> None:
    log = Written()
    settle_format(log, known(*held), "hindcast-")
    assert log.names == noted


def test_a_downgrade_is_refused_before_the_first_record() -> None:
    log = Written()
    with pytest.raises(UnreadableFormatError, match=NEWER) as told:
        settle_format(log, known(USED, Name("", STATE_FORMAT, "9"), NOTED), "team-")
    assert "the state in the topics team-*" in str(told.value)
    assert log.names == []
