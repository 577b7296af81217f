"""One partition of a durable table: its state, its place in the log, its checkpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from typing import Any, Protocol

import msgspec

from models.errors import WorldError
from tables.block_log import LogPosition, Verdict, decode_frame
from tables.checkpoint import Checkpoint, Cut

_decode = msgspec.msgpack.Decoder().decode


_UNFIT = {
    Verdict.RECREATED: "is not the one that the local state belongs to: it was deleted and made anew",
    Verdict.TRUNCATED: "begins behind the local state: what stood in between has been deleted",
}


class State(Protocol):
    """A fold over the bodies of blocks."""

    def apply_body(self, body: bytes) -> None:
        """Fold one block in."""

    def restore_body(self, body: bytes) -> None:
        """Begin from a snapshot's body."""

    def snapshot_body(self) -> bytes:
        """What `restore_body` takes."""

    def cut(self, position: tuple[int, int, int]) -> Cut:
        """All that has changed since the last cut."""

    def is_full(self) -> bool:
        """Whether so much waits to be stored that a checkpoint should be written now."""

    def cut_written(self) -> None:
        """The last cut is in the checkpoint."""


OpenState = Callable[[int, Checkpoint], State]
OpenCheckpoint = Callable[[int], Checkpoint]


class BlockPartition:
    """State, log position and what is on its way to the broker and to disk."""

    def __init__(self, number: int, open_state: OpenState, checkpoint: Checkpoint) -> None:
        self.number = number
        self._open_state = open_state
        self.checkpoint = checkpoint
        self.state = open_state(number, checkpoint)
        self.position = LogPosition(*position_of(checkpoint))
        self.stored = self.position.seen
        self.pending: set[asyncio.Future[None]] = set()
        self.sending = asyncio.Lock()
        self.writing: asyncio.Task[None] | None = None
        self._behind: tuple[Future[None], int] | None = None
        self.ready = self.closed = False
        self.changed = False
        self.replayed = 0

    # -- replay

    def replay(self, offset: int, value: bytes) -> None:
        """Fold one changelog record in; records already in the checkpoint are passed over."""
        if offset <= self.position.seen:
            return
        frame = decode_frame(value)
        verdict = self.position.judge(offset, frame)
        if verdict is Verdict.APPLY:
            self.state.apply_body(frame.body)
        elif verdict is Verdict.RESTORE:
            self.state.restore_body(frame.body)
        elif verdict is not Verdict.SKIP:
            raise WorldError(f"the changelog of state partition {self.number} {_UNFIT[verdict]}")
        self.changed = True
        self.replayed += 1

    def start_anew(self) -> None:
        """Forget the local state; the changelog is replayed from its beginning."""
        if self._behind is not None:
            wait([self._behind[0]])
            self._behind = None
        self.checkpoint.destroy()
        self.state = self._open_state(self.number, self.checkpoint)
        self.position = LogPosition()
        self.stored = -1

    # -- checkpoint

    async def settle(self) -> None:
        """Wait until every block sent so far is on the broker."""
        if self.pending:
            await asyncio.wait(set(self.pending))

    async def write_checkpoint(self, threads: Executor) -> None:
        """Cut now, write once the cut's blocks are on the broker; keeps serving meanwhile."""
        cut = self.state.cut((self.position.log_id, self.position.head, self.position.seen))
        seen, self.changed = self.position.seen, False
        await self.settle()
        if self.closed:
            return
        await asyncio.get_running_loop().run_in_executor(threads, self.checkpoint.write, cut)
        self.state.cut_written()
        self.stored = seen

    def write_behind(self, threads: Executor) -> None:
        """Cut now, write in another thread: during recovery, when all blocks are on the broker anyway."""
        self.finish_writing()
        cut = self.state.cut((self.position.log_id, self.position.head, self.position.seen))
        self._behind = threads.submit(self.checkpoint.write, cut), self.position.seen
        self.changed = False

    def finish_writing(self) -> None:
        """Wait for what is being written behind; raises OSError when the disk refused."""
        if self._behind is not None:
            written, seen = self._behind
            written.result()
            self._behind = None
            self.state.cut_written()
            self.stored = seen

    def write_now(self) -> None:
        """Cut and write at once, at the end, when nothing is on its way."""
        self.finish_writing()
        cut = self.state.cut((self.position.log_id, self.position.head, self.position.seen))
        self.checkpoint.write(cut)
        self.state.cut_written()
        self.stored, self.changed = self.position.seen, False

    async def close(self) -> None:
        """Close without writing; a write under way is waited for."""
        self.closed, self.ready = True, False
        if self.writing is not None:
            await asyncio.wait([self.writing])
        self.finish_writing()
        self.checkpoint.close()


def position_of(checkpoint: Checkpoint) -> tuple[int, int, int]:
    """(log id, head, seen) of the last cut; (0, -1, -1) when there is none."""
    meta = checkpoint.meta()
    if meta is None:
        return 0, -1, -1
    log_id, head, seen = decode_meta(meta)["position"]
    return log_id, head, seen


def decode_meta(meta: bytes) -> dict[str, Any]:
    """The meta of a checkpoint or a snapshot."""
    found: dict[str, Any] = _decode(meta)
    return found
