"""Where checkpoints stand on disk, and what is done about a damaged one."""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import IO, NoReturn

from models.errors import WorldError
from tables import state_format
from tables.checkpoint import Checkpoint
from tables.rocksdb import RocksCheckpoint
from tables.state_format import UnreadableFormatError

log = logging.getLogger(__name__)
DAMAGED_AGAIN_SECONDS = 3_600
_DAMAGED = ".damaged-"


def _raise(reason: str) -> NoReturn:
    raise WorldError(reason)


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


def opener(
    directory: Path, table: str, memory_bytes: int, stop: Callable[[str], NoReturn] = _raise
) -> Callable[[int], Checkpoint]:
    """Opens the checkpoint of each partition of one table.

    A damaged database is set aside and the partition rebuilt from the changelog; a second time
    within the hour is a broken disk, and raises WorldError, as does a directory in use. Damage
    that is met later, in the middle of a chunk, is set aside too and ends the process by
    ``stop``: the next start rebuilds the partition. One of a format that is not read any more is
    rebuilt, one of a newer version left alone: the process ends by ``stop``.
    """

    def open_checkpoint(number: int) -> Checkpoint:
        path = directory / f"{table}-{number}"
        try:
            checkpoint = _opened(path, memory_bytes)
        except Exception as error:  # noqa: BLE001  # rocksdict raises plain Exception
            if _is_locked(error):
                raise WorldError(f"state.directory: {path} is in use by another worker") from None
            if not path.exists():
                raise WorldError(f"state.directory: cannot write to {directory}: {error}") from None
            _tell(path, _set_aside(path, error), error)
            checkpoint = RocksCheckpoint(path, memory_bytes)
        _check_format(checkpoint, stop)
        checkpoint.tell_damage = _Stopping(path, stop).damaged
        return checkpoint

    return open_checkpoint


def _tell(path: Path, aside: Path, error: Exception) -> None:
    log.error("checkpoint %s is damaged and was set aside as %s; rebuilding: %s", path, aside.name, error)


def _check_format(checkpoint: RocksCheckpoint, stop: Callable[[str], NoReturn]) -> None:
    found = checkpoint.format()
    if found is None:
        return
    if found < state_format.OLDEST_READABLE:
        log.warning(
            "checkpoint %s has state format %d, which this version does not read any more: rebuilding it from the "
            "changelog",
            checkpoint.path,
            found,
        )
        checkpoint.destroy()
        return
    try:
        state_format.check(found, f"state.directory: {checkpoint.path}")
    except UnreadableFormatError as error:
        checkpoint.close()
        stop(str(error))


def _is_locked(error: Exception) -> bool:
    """RocksDB speaks of blocks, too, which may be corrupt."""
    return any(words in str(error).lower() for words in ("lock file", "lock hold"))


def _opened(path: Path, memory_bytes: int) -> RocksCheckpoint:
    """The database with all read that every start reads; raises rocksdict's Exception."""
    checkpoint = RocksCheckpoint(path, memory_bytes)
    try:
        checkpoint.meta()
        checkpoint.slot_keys()
    except Exception:
        with suppress(Exception):  # what is damaged may not close in good order
            checkpoint.close()
        raise
    return checkpoint


class _Stopping:
    """Damage met in the middle of the work, perhaps by two threads at once."""

    def __init__(self, path: Path, stop: Callable[[str], NoReturn]) -> None:
        self._path, self._stop = path, stop
        self._once = Lock()

    def damaged(self, error: Exception) -> NoReturn:
        """Set the database aside, files open or not, and end the process."""
        with self._once:
            try:
                aside = _set_aside(self._path, error)
            except WorldError as refused:
                self._stop(str(refused))
            self._stop(
                f"checkpoint {self._path} is damaged and was set aside as {aside.name}, "
                f"start again to rebuild it: {error}"
            )


def set_aside_count(directory: Path) -> int:
    """How many damaged checkpoints were set aside and still lie in the state directory."""
    return sum(1 for _ in directory.glob(f"*{_DAMAGED}*"))


def _set_aside(path: Path, error: Exception) -> Path:
    """Move a damaged database out of the way; raises WorldError the second time within the hour."""
    now = int(time.time())  # noqa: TID251  # a file's name and age, not the data's time
    for old in path.parent.glob(f"{path.name}{_DAMAGED}*"):
        if now - int(old.name.rsplit("-", 1)[1]) < DAMAGED_AGAIN_SECONDS:
            raise WorldError(
                f"state.directory: {path} was damaged twice within the hour, look at the disk "
                f"(deleting both directories lets it be rebuilt): {error}"
            ) from None
    aside = path.with_name(f"{path.name}{_DAMAGED}{now}")
    try:
        path.rename(aside)
    except OSError as refused:
        raise WorldError(f"state.directory: {path} is damaged and cannot be moved: {refused.strerror}") from None
    return aside
