"""The block log as a Faust table: recovery, rebalance and assignment are Faust's own.

Faust sees a table whose changelog is replayed before streams start. What it must not do is write
to it key by key, so everything of its table interface but recovery is closed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

from faust.stores.base import Store
from faust.tables.base import Collection
from faust.types import TP, AppT, EventT

from models.errors import WorldError, told
from tables.partition import BlockPartition, OpenCheckpoint, OpenState
from tables.state_format import UnreadableFormatError

logger = logging.getLogger(__name__)

IN_FLIGHT_MAX = 16
"""Blocks of one table that may be on their way to the broker."""

SETTLE_SECONDS_MAX = 2.0
"""How long a rebalance waits for blocks on their way; what comes later is replayed."""

Fatal = Callable[[str], NoReturn]
"""Ends the process at once: the state is safe by construction, memory may not be."""


class BlockStore(Store[bytes, bytes]):
    """Holds the partitions; Faust drives it through recovery and rebalance."""

    table: BlockTable

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.partitions: dict[int, BlockPartition] = {}
        self.threads = ThreadPoolExecutor(1, "checkpoint")
        self._recovering_since = time.monotonic()
        self.recovery_seconds = 0.0
        """From the assignment of partitions until all of them are as the log says."""

    def _open(self, number: int) -> BlockPartition:
        if number not in self.partitions:
            self.partitions[number] = self.table.open_partition(number)
        return self.partitions[number]

    def persisted_offset(self, tp: TP) -> int | None:
        """The last changelog offset seen, taken or not; recovery goes on behind it."""
        seen = self._open(tp.partition).position.seen
        return None if seen < 0 else seen

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        """Only checkpoints move it."""

    def apply_changelog_batch(
        self, batch: Iterable[EventT[Any]], to_key: Callable[..., Any], to_value: Callable[..., Any]
    ) -> None:
        """Replay. Faust's recovery logs exceptions and goes on, so an error ends the process."""
        for event in batch:
            partition = self._open(event.message.partition)
            try:
                partition.replay(event.message.offset, event.message.value or b"")
                if partition.state.is_full():
                    partition.write_behind(self.threads)
            except UnreadableFormatError as error:
                self.table.fatal(str(error))
            except WorldError as error:
                self.table.set_aside(partition.number, str(error))
            except Exception as error:  # noqa: BLE001  # see above
                self.table.fatal(f"cannot replay {self.table.name}-{partition.number}: {told(error)}")

    async def on_rebalance(
        self,
        assigned: set[TP],
        revoked: set[TP],
        newly_assigned: set[TP],
        generation_id: int = 0,
    ) -> None:
        """Keep what is mine and settled; everything else falls back to its checkpoint."""
        topic = self.table.changelog_topic_name
        mine = {tp.partition for tp in assigned if tp.topic == topic}
        for partition in self.partitions.values():
            partition.ready = False
        await self._settle()
        for number, partition in list(self.partitions.items()):
            if number not in mine or partition.pending or partition.writing:
                del self.partitions[number]
                await partition.close()
        for number in mine:
            self._open(number)
        self._recovering_since = time.monotonic()

    async def _settle(self) -> None:
        """Give what is on its way the time that it usually takes, so that little has to be replayed."""
        pending = {future for partition in self.partitions.values() for future in partition.pending}
        if pending:
            await asyncio.wait(pending, timeout=SETTLE_SECONDS_MAX)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """From now on chunks may be applied."""
        for tp in active_tps:
            if tp.topic == self.table.changelog_topic_name:
                partition = self._open(tp.partition)
                partition.finish_writing()
                partition.ready = True
        self.recovery_seconds = time.monotonic() - self._recovering_since
        replayed = sum(p.replayed for p in self.partitions.values())
        skipped = sum(p.position.skipped for p in self.partitions.values())
        logger.info(
            "%s: %d blocks replayed in %.1f s, %d passed over",
            self.table.name,
            replayed,
            self.recovery_seconds,
            skipped,
        )

    def reset_state(self) -> None:
        """Faust calls this for a clean start; the checkpoints stay."""

    async def backup_partition(self, *_: Any, **__: Any) -> None:
        """The changelog is the backup."""
        raise NotImplementedError

    def restore_backup(self, *_: Any, **__: Any) -> None:
        """The changelog is the backup."""
        raise NotImplementedError

    async def on_stop(self) -> None:
        """Write what is settled, so that the next start is short, and close."""
        for partition in self.partitions.values():
            if partition.ready and not partition.pending and not partition.writing:
                partition.write_now()
            await partition.close()
        self.partitions.clear()


class BlockTable(Collection):
    """A durable table of states, one a partition, written block by block."""

    _changelog_compacting, _changelog_deleting = False, True

    def __init__(
        self,
        app: AppT,
        *,
        name: str,
        partitions: int,
        open_state: OpenState,
        open_checkpoint: OpenCheckpoint,
        fatal: Fatal,
        log_id: Callable[[], int],
        changelog_topic_name: str,
        **kwargs: Any,
    ) -> None:
        self._log_name = changelog_topic_name
        self._open_state, self._open_checkpoint = open_state, open_checkpoint
        self.fatal, self._log_id = fatal, log_id
        self._turn = asyncio.Lock()
        self.in_flight = 0
        super().__init__(
            app,
            name=name,
            partitions=partitions,
            key_type=bytes,
            value_type=bytes,
            recovery_buffer_size=8,
            **kwargs,
        )

    def _closed(self, *_: Any) -> NoReturn:
        raise NotImplementedError("a block table is written by blocks only")

    _has_key = _get_key = _set_key = _del_key = _closed  # type: ignore[assignment]  # closed on purpose
    hopping = tumbling = using_window = as_ansitable = _closed  # type: ignore[assignment]  # same

    def _changelog_topic_name(self) -> str:
        return self._log_name

    def _new_store(self) -> BlockStore:
        # A URL without a host is falsy, and Faust would silently take the app's default store.
        return BlockStore("block://", self.app, self, table_name=self.name, loop=self.loop)

    def open_partition(self, number: int) -> BlockPartition:
        """The partition with its checkpoint; a damaged one is rebuilt from the changelog."""
        return BlockPartition(number, self._open_state, self._open_checkpoint(number))

    def set_aside(self, number: int, reason: str) -> None:
        """Local state that does not belong to this changelog: rebuild it at the next start."""
        self.data.partitions[number].start_anew()
        self.fatal(f"{reason}; the local state was dropped, start again to rebuild it")

    def partition(self, number: int) -> BlockPartition | None:
        """A partition that may be applied to now; None during a rebalance or recovery."""
        partition: BlockPartition | None = self.data.partitions.get(number)
        return partition if partition is not None and partition.ready else None

    def ready_partitions(self) -> dict[int, BlockPartition]:
        """All partitions that may be applied to now."""
        return {n: p for n, p in sorted(self.data.partitions.items()) if p.ready}

    async def has_room(self) -> None:
        """Wait until another block may be sent."""
        while self.in_flight >= IN_FLIGHT_MAX:  # noqa: ASYNC110  # cheaper than an event a block
            await asyncio.sleep(0.001)

    async def make_room(self, partition: BlockPartition) -> None:
        """Have a checkpoint written where too much waits for one; if one is being written already, wait for it."""
        if partition.state.is_full():
            if partition.writing is not None:
                await asyncio.wait([partition.writing])
            self.checkpoint_soon(partition)

    async def append(
        self,
        partition: BlockPartition,
        body: bytes,
        *,
        snapshot: bool = False,
    ) -> asyncio.Future[None]:
        """Send a block that is applied already; the future is done once the broker has it.

        Blocks of one partition are settled in order. The future is cancelled if the partition
        moves away meanwhile.

        A block that lands elsewhere than expected, or not at all, ends the process: another
        worker owns the partition, or nothing said from here on could be kept.
        """
        value = partition.position.frame(body, snapshot=snapshot, log_id=self._log_id())
        expected = partition.position.appended()
        partition.changed = True
        settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        partition.pending.add(settled)
        self.in_flight += 1
        async with partition.sending:  # framed in this order, so sent in this order
            sent: Any = await self.app.producer.send(
                self.changelog_topic_name, None, value, partition.number, None, None
            )

        def acknowledged(result: asyncio.Future[Any]) -> None:
            self.in_flight -= 1
            if partition.closed:
                settled.cancel()
                return
            if result.cancelled() or result.exception() or result.result().offset != expected:
                if not result.cancelled() and not result.exception() and result.result().offset < expected:
                    self.set_aside(partition.number, "the changelog is shorter than the local state: made anew")
                self.fatal(
                    f"{self.name}-{partition.number}: a block did not land at offset {expected}: "
                    f"{_why(result)}; another worker may own the partition"
                )
            partition.pending.discard(settled)
            settled.set_result(None)

        sent.add_done_callback(acknowledged)
        return settled

    def checkpoint_soon(self, partition: BlockPartition) -> None:
        """Write a checkpoint in the background, unless one is being written."""
        if partition.writing is not None or not partition.ready or not partition.changed:
            return
        partition.writing = asyncio.ensure_future(self._checkpoint(partition))

    async def _checkpoint(self, partition: BlockPartition) -> None:
        try:
            async with self._turn:  # cut only when it is written next: what is cut takes memory
                if not partition.closed:
                    await partition.write_checkpoint(self.data.threads)
        except OSError as error:
            self.fatal(f"{self.name}-{partition.number}: {error}")
        finally:
            partition.writing = None


def _why(result: asyncio.Future[Any]) -> str:
    if result.cancelled():
        return "cancelled"
    error = result.exception()
    return repr(error) if error else f"it landed at {result.result().offset}"
