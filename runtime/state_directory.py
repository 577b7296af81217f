"""Where checkpoints stand on disk, and what is done about a damaged one."""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from models.errors import WorldError
from tables.checkpoint import Checkpoint
from tables.rocksdb import RocksCheckpoint

log = logging.getLogger(__name__)
DAMAGED_AGAIN_SECONDS = 3_600


def claim(directory: Path) -> IO[str]:
    """Take the state directory for this process alone, as long as the returned file is open.

    Each database has a lock, too, but after a rebalance two workers may hold different ones.
    Raises WorldError if another worker has it, or nothing can be written to it.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = (directory / "lock").open("w")
    except OSError as error:
        raise WorldError(f"state.directory: cannot write to {directory}: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise WorldError(f"state.directory: {directory} is in use by another worker") from None
    return lock


def opener(directory: Path, table: str, memory_bytes: int) -> Callable[[int], Checkpoint]:
    """Opens the checkpoint of each partition of one table.

    A damaged database is set aside and the partition rebuilt from the changelog; a second time
    within the hour is a broken disk, and raises WorldError, as does a directory in use.
    """

    def open_checkpoint(number: int) -> Checkpoint:
        path = directory / f"{table}-{number}"
        try:
            return RocksCheckpoint(path, memory_bytes)
        except Exception as error:  # noqa: BLE001  # rocksdict raises plain Exception
            if "lock" in str(error).lower():
                raise WorldError(f"state.directory: {path} is in use by another worker") from None
            if not path.exists():
                raise WorldError(f"state.directory: cannot write to {directory}: {error}") from None
            _set_aside(path, error)
            return RocksCheckpoint(path, memory_bytes)

    return open_checkpoint


def _set_aside(path: Path, error: Exception) -> None:
    now = int(time.time())  # noqa: TID251  # a file's name and age, not the data's time
    for old in path.parent.glob(f"{path.name}.damaged-*"):
        if now - int(old.name.rsplit("-", 1)[1]) < DAMAGED_AGAIN_SECONDS:
            raise WorldError(f"state.directory: {path} was damaged twice within the hour: {error}") from None
    aside = path.with_name(f"{path.name}.damaged-{now}")
    path.rename(aside)
    log.error("checkpoint %s is damaged and was set aside as %s; rebuilding: %s", path, aside.name, error)
