import stat
from pathlib import Path

import pytest

from models.errors import WorldError
from runtime.state_directory import claim


def test_a_state_directory_has_one_worker_at_a_time(tmp_path: Path) -> None:
    with claim(tmp_path / "state"), pytest.raises(WorldError, match="is in use by another worker") as told:
        claim(tmp_path / "state")
    assert str(tmp_path / "state") in str(told.value)
    claim(tmp_path / "state").close()


def test_a_state_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch(stat.S_IRUSR)
    with pytest.raises(WorldError, match="cannot write to"):
        claim(tmp_path / "file" / "state")
