"""What waits for a checkpoint stays bounded, however fast it comes."""

import asyncio

import faust

from tables.block_table import BlockTable
from tables.checkpoint import Cut
from tables.memory import MemoryCheckpoint
from tables.partition import BlockPartition


class Growing:
    """A state of which everything waits until it is cut; full with three."""

    def __init__(self) -> None:
        self.waiting = self.cuts = 0

    def apply_body(self, body: bytes) -> None:
        self.waiting += len(body)

    restore_body = apply_body

    def snapshot_body(self) -> bytes:
        return b""

    def cut(self, position: tuple[int, int, int]) -> Cut:
        self.waiting, self.cuts = 0, self.cuts + 1
        return Cut(meta=b"%d" % position[2])

    def is_full(self) -> bool:
        return self.waiting >= 3

    def cut_written(self) -> None:
        pass


def fatal(reason: str) -> None:
    raise AssertionError(reason)


def table_of(states: list[Growing]) -> BlockTable:
    return BlockTable(
        faust.App("block-table", store="memory://"),
        name="join",
        partitions=len(states),
        open_state=lambda number, _: states[number],
        open_checkpoint=lambda _: MemoryCheckpoint(),
        fatal=fatal,  # type: ignore[arg-type]  # it raises
        log_id=lambda: 1,
        changelog_topic_name="join-changelog",
    )


def test_a_full_state_is_written_before_the_timer_and_one_that_fills_faster_waits() -> None:
    async def scenario() -> None:
        state = Growing()
        table = table_of([state])
        partition = table.open_partition(0)
        partition.ready = True
        greatest = 0
        for _ in range(20):
            state.apply_body(b"x")
            partition.changed = True
            greatest = max(greatest, state.waiting)
            await table.make_room(partition)
        assert state.cuts >= 4
        assert greatest <= 2 * 3

    asyncio.run(scenario())


def test_partitions_are_cut_one_after_the_other() -> None:
    async def scenario() -> None:
        states = [Growing(), Growing()]
        table = table_of(states)
        partitions: list[BlockPartition] = [table.open_partition(0), table.open_partition(1)]
        on_its_way: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        partitions[0].pending.add(on_its_way)
        for partition in partitions:
            partition.ready = partition.changed = True
            table.checkpoint_soon(partition)
        await asyncio.sleep(0.01)
        assert [state.cuts for state in states] == [1, 0], "what is cut takes memory until it is written"
        on_its_way.set_result(None)
        await asyncio.wait([one.writing for one in partitions if one.writing])
        assert [state.cuts for state in states] == [1, 1]

    asyncio.run(scenario())
