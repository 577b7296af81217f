"""The write-ahead log of one state partition: compare-and-append, without transactions.

Every record names the offset of the one it continues (``base``). A reader takes a block only if
it continues the last one taken; whatever else stands in the log (a zombie's block, a retry's
copy) is passed over by every reader alike. A writer whose block lands at another offset than
expected has been fenced: somebody else writes now.

Writers do not wait for one block to land before they send the next, so a base is where the block
before was expected. A fenced writer's later blocks may by chance name an offset that another block
has taken; therefore every block has an id, and a record says the id of the one it continues.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import msgspec

from tables import state_format

BLOCK_BITS = 32
BLOCK = (1 << BLOCK_BITS) - 1


class Frame(msgspec.Struct, array_like=True, gc=False):
    """What stands in one changelog record.

    The upper half of log_id is drawn by the writer of the very first block, and tells a changelog
    from one that was deleted and made anew; the lower half is the id of this block, base_id that of
    the block at base. A snapshot's body is the state's meta instead of a change: with
    it a reader can begin in a log whose oldest records are gone.
    """

    format: int
    log_id: int
    base: int
    base_id: int
    snapshot: bool
    body: bytes


class Verdict(Enum):
    """What a reader does with a record."""

    APPLY = "apply"
    RESTORE = "restore"
    SKIP = "skip"
    RECREATED = "recreated"
    TRUNCATED = "truncated"


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Frame).decode


def decode_frame(value: bytes) -> Frame:
    """The frame of a changelog record; raises UnreadableFormatError for a format of another time."""
    try:
        frame = _decode(value)
    except msgspec.ValidationError:  # frames of later formats may be of another shape, but begin alike
        state_format.check(_decode_format(value), "a block in a changelog")
        raise
    state_format.check(frame.format, "a block in a changelog")
    return frame


def _decode_format(value: bytes) -> int:
    first: object = msgspec.msgpack.decode(value)
    return first[0] if isinstance(first, list) and first and isinstance(first[0], int) else state_format.FORMAT


@dataclass(slots=True)
class LogPosition:
    """Where a partition's state stands in its log: last block taken, last offset seen."""

    log_id: int = 0
    """As in the last block taken: of which log, and which block."""
    head: int = -1
    seen: int = -1
    skipped: int = 0
    rivals: set[int] = field(default_factory=set)
    """Logs that were begun here too late: two writers found the partition empty."""

    def judge(self, offset: int, frame: Frame) -> Verdict:
        """What to do with the record at ``offset``; moves the position accordingly."""
        if self._is_of_another_log(frame):
            return Verdict.RECREATED
        if self.head >= 0 and offset > self.seen + 1:
            return Verdict.TRUNCATED
        first = self.head < 0
        begins = first and (frame.base < 0 or frame.snapshot)
        self.seen = offset
        if not begins and (first or (frame.base, frame.base_id) != (self.head, self.log_id & BLOCK)):
            self.skipped += 1
            return Verdict.SKIP
        self.log_id, self.head = frame.log_id, offset
        if frame.snapshot:
            return Verdict.RESTORE if first else Verdict.SKIP
        return Verdict.APPLY

    def _is_of_another_log(self, frame: Frame) -> bool:
        """Whether the changelog is not the one that the state so far is from."""
        log = frame.log_id >> BLOCK_BITS
        if self.head < 0 or log == self.log_id >> BLOCK_BITS or log in self.rivals:
            return False
        if frame.base >= 0:
            return True
        self.rivals.add(log)
        return False

    def frame(self, body: bytes, *, snapshot: bool = False, log_id: int = 0) -> bytes:
        """The bytes to append next. log_id: 63 random bits, drawn anew for every block; the upper
        half is used only for the very first one.
        """
        base_id = self.log_id & BLOCK
        log = log_id if self.head < 0 else self.log_id
        self.log_id = log & ~BLOCK | log_id & BLOCK
        return _encode(Frame(state_format.FORMAT, self.log_id, self.head, base_id, snapshot, body))

    def appended(self) -> int:
        """The offset the block just framed must get; the position counts on it."""
        self.seen += 1
        self.head = self.seen
        return self.seen
