"""What a worker says of its windows, to whom it is new, and when it may forget them."""

from models.partial import Partial
from tables.block import JoinBlock
from tables.emitter import Emitter
from tables.join_state import JoinState
from tables.memory import MemoryCheckpoint
from tests.unit.tables.support import HOLD_MS, PLAN, T0, WINDOW_MS, Feed, join_state

END_MS = T0 - T0 % WINDOW_MS + WINDOW_MS


def fed(number: int, watermark_ms: int = END_MS) -> JoinState:
    feed = Feed(join_state())
    feed.predict(f"id-{number}", T0)
    feed.time(watermark_ms)
    return feed.state


def covers(partials: list[Partial]) -> list[list[tuple[int, int]]]:
    return [p.cover for p in partials if not p.segment]


def test_a_workers_partitions_are_summed_before_they_are_sent_and_only_once() -> None:
    emitter, states = Emitter(PLAN), {0: fed(0), 1: fed(1)}
    assert covers(emitter.collect(states, 0).partials) == [[(0, 1), (1, 1)]]
    assert emitter.collect(states, 10**9).partials == []


def test_after_a_rebalance_everything_is_said_again() -> None:
    emitter, states = Emitter(PLAN), {0: fed(0), 1: fed(1)}
    emitter.collect(states, 0)
    del states[1]
    emitter.forget(states)
    assert covers(emitter.collect(states, 1).partials) == [[(0, 1)]]


def test_a_partition_whose_window_is_final_speaks_for_itself() -> None:
    states = {0: fed(0, END_MS + HOLD_MS), 1: fed(1)}
    emission = Emitter(PLAN).collect(states, 0)
    assert sorted(covers(emission.partials)) == [[(0, 1)], [(1, 1)]]
    assert emission.released["fraud"] < END_MS


def test_a_released_window_is_gone_from_memory_and_from_the_checkpoint() -> None:
    checkpoint = MemoryCheckpoint()
    feed = Feed(join_state(checkpoint=checkpoint))
    feed.predict("a", T0)
    checkpoint.write(feed.state.cut((1, 1, 1)))
    assert len(checkpoint.slots) == 1
    feed.time(END_MS + HOLD_MS)
    emission = Emitter(PLAN).collect({0: feed.state}, 0)
    assert emission.released == {"fraud": END_MS}
    feed.state.apply(JoinBlock(released=list(emission.released.items())))
    checkpoint.write(feed.state.cut((1, 2, 2)))
    assert checkpoint.slots == {}
    assert feed.state.windows.keys == {}
