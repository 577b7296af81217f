import shutil
import stat
from pathlib import Path
from typing import NoReturn

import pytest

from models.errors import WorldError
from runtime.state_directory import claim, opener, set_aside_count
from tables.checkpoint import Cut
from tests.support.cuts import rows_written

MEMORY_BYTES = 8 << 20
BUCKET = (0, 60_000)
ROWS = {b"\x01\x00%06d" % n: b"value %d" % n for n in range(5_000)}
SLOTS = dict.fromkeys(range(50), b"slot" * 400)


class StoppedError(Exception):
    pass


def stop(reason: str) -> NoReturn:
    raise StoppedError(reason)


def test_a_state_directory_has_one_worker_at_a_time(tmp_path: Path) -> None:
    with claim(tmp_path / "state"), pytest.raises(WorldError, match="is in use by another worker") as told:
        claim(tmp_path / "state")
    assert str(tmp_path / "state") in str(told.value)
    claim(tmp_path / "state").close()


def test_a_state_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch(stat.S_IRUSR)
    with pytest.raises(WorldError, match="cannot write to"):
        claim(tmp_path / "file" / "state")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A state directory with one checkpoint, closed in good order."""
    directory = tmp_path / "written"
    checkpoint = opener(directory, "join", MEMORY_BYTES, stop)(0)
    checkpoint.write(Cut(b"meta", rows_written(ROWS), SLOTS, index={BUCKET: list(ROWS)}))
    checkpoint.close()
    return directory


def rows_file(directory: Path) -> Path:
    return max((directory / "join-0").glob("*.sst"), key=lambda file: file.stat().st_size)


def flip(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 0x55
    file.write_bytes(content)


def use(directory: Path, at: int) -> str:
    """Open, read everything and purge; says what became of the damage at a byte."""
    checkpoint = opener(directory, "join", MEMORY_BYTES, stop)(0)
    try:
        if checkpoint.meta() is None:
            assert checkpoint.slot_keys() == []
            return "rebuilt at once"
        assert checkpoint.slot_keys() == list(SLOTS), at
        assert [checkpoint.slot(n) for n in SLOTS] == list(SLOTS.values()), at
        assert checkpoint.get_many(list(ROWS)) == list(ROWS.values()), at
        checkpoint.write(Cut(b"next", purge=[BUCKET]))
        assert set(checkpoint.get_many(list(ROWS))) == {None}, at
    except StoppedError:
        return "stopped"
    return "as written"


def test_f22_whatever_byte_is_flipped_nothing_is_read_that_was_not_written(written: Path, tmp_path: Path) -> None:
    seen = set()
    for at in range(0, rows_file(written).stat().st_size, 4_999):
        copy = tmp_path / str(at)
        shutil.copytree(written, copy)
        flip(rows_file(copy), at)
        came_of_it = use(copy, at)
        assert set_aside_count(copy) == (came_of_it != "as written"), at
        seen.add(came_of_it)
    assert {"rebuilt at once", "stopped"} <= seen


def damage_rows(directory: Path) -> None:
    """Damage that is not met before rows are read: the block in the middle of them."""
    file = rows_file(directory)
    flip(file, file.read_bytes().index(ROWS[b"\x01\x00002500"]))


def test_f22_damage_met_while_reading_is_set_aside_at_once_and_the_next_start_begins_empty(written: Path) -> None:
    damage_rows(written)
    checkpoint = opener(written, "join", MEMORY_BYTES, stop)(0)
    with pytest.raises(StoppedError, match=r"join-0 is damaged and was set aside as join-0.damaged-\d+, start again"):
        checkpoint.get_many(list(ROWS))
    checkpoint.close()  # as the end of the process would
    assert not (written / "join-0").exists()
    assert opener(written, "join", MEMORY_BYTES, stop)(0).meta() is None


def test_f22_damaged_twice_within_the_hour_is_a_broken_disk(written: Path, tmp_path: Path) -> None:
    damage_rows(written)
    shutil.copytree(written / "join-0", tmp_path / "again")
    for reason in ("start again to rebuild it", "damaged twice within the hour, look at the disk"):
        checkpoint = opener(written, "join", MEMORY_BYTES, stop)(0)
        with pytest.raises(StoppedError, match=reason):
            checkpoint.get_many(list(ROWS))
        checkpoint.close()
        shutil.copytree(tmp_path / "again", written / "join-0", dirs_exist_ok=True)
    assert set_aside_count(written) == 1
