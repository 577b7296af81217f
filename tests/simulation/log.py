"""A changelog as a list, and owners of one partition of it: live ones, dead ones, zombies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Generic, TypeVar

from models.errors import WorldError
from tables.checkpoint import Checkpoint, Cut
from tables.memory import MemoryCheckpoint
from tables.partition import BlockPartition, State

S = TypeVar("S", bound=State)


class FencedError(Exception):
    """A block landed elsewhere than expected: its writer has to die."""


@dataclass
class Log:
    """What the broker holds of one changelog partition."""

    frames: list[bytes] = field(default_factory=list)

    def append(self, frame: bytes) -> int:
        self.frames.append(frame)
        return len(self.frames) - 1


@dataclass
class Disk:
    """A worker's checkpoint of one partition; it outlives the process, unless it is lost."""

    checkpoint: MemoryCheckpoint = field(default_factory=MemoryCheckpoint)

    def lose(self) -> None:
        self.checkpoint = MemoryCheckpoint()


class Owner(Generic[S]):
    """A partition in one process: what it has applied, what is on its way, what is on disk."""

    def __init__(
        self, number: int, log: Log, disk: Disk, open_state: Callable[[int, Checkpoint], S], rng: Random
    ) -> None:
        self.log, self.disk, self.rng = log, disk, rng
        self.partition = BlockPartition(number, open_state, disk.checkpoint)
        self.on_the_way: list[tuple[int, bytes]] = []
        self.cut: tuple[int, Cut] | None = None
        self._since_cut: list[Callable[[], None]] = []
        try:
            self._replay()
        except WorldError:  # the local state is set aside; once must be enough
            self.partition.start_anew()
            self._replay()

    def _replay(self) -> None:
        for offset, frame in enumerate(self.log.frames):
            self.partition.replay(offset, frame)

    @property
    def state(self) -> S:
        state: S = self.partition.state  # type: ignore[assignment]  # as `open_state` made it
        return state

    def send(self, body: bytes, *, snapshot: bool = False) -> None:
        """Frame a block that is applied already; it lands later."""
        position = self.partition.position
        frame = position.frame(body, snapshot=snapshot, log_id=self.rng.getrandbits(63))
        self.on_the_way.append((position.appended(), frame))

    def land(self, blocks_max: int = 1_000_000) -> None:
        """Some of what is on its way arrives, in order; raises FencedError."""
        for _ in range(min(blocks_max, len(self.on_the_way))):
            expected, frame = self.on_the_way.pop(0)
            if self.log.append(frame) != expected:
                self.cut = None
                raise FencedError
        self._write()

    def checkpoint(self) -> None:
        """Cut now; what is cut is written once its blocks have landed."""
        if self.cut is None:
            position = self.partition.position
            self.cut = position.seen, self.state.cut((position.log_id, position.head, position.seen))
        self._write()

    def _write(self) -> None:
        if self.cut is not None and not any(expected <= self.cut[0] for expected, _ in self.on_the_way):
            self.disk.checkpoint.write(self.cut[1])
            self.state.cut_written()
            self.cut = None

    @property
    def settled(self) -> bool:
        return not self.on_the_way
