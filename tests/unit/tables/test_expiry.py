"""Rows go in whole buckets once their time is over, and not before."""

from dataclasses import replace

from tables.decide import key_prefix
from tables.expiry import Holds, RowIndex
from tables.memory import MemoryCheckpoint
from tables.plan import Plan
from tests.unit.tables.support import HOLD_MS, MODEL, T0, WINDOW_MS, Feed, join_state

BUCKET_MS = 60_000
LAST_MS = T0 + WINDOW_MS + HOLD_MS + 2 * BUCKET_MS
"""By then the bucket of a row of T0 is over."""


def cut(feed: Feed, checkpoint: MemoryCheckpoint) -> set[bytes]:
    checkpoint.write(feed.state.cut((1, 1, 1)))
    feed.state.cut_written()
    return {key[2:] for key in checkpoint.rows}


def test_f42_rows_of_expired_buckets_are_gone_from_the_checkpoint() -> None:
    checkpoint = MemoryCheckpoint()
    feed = Feed(join_state(checkpoint=checkpoint))
    feed.predict("old", T0)
    feed.label("orphan", T0)
    feed.predict("young", T0 + 5 * BUCKET_MS)
    assert cut(feed, checkpoint) == {b"old", b"orphan", b"young"}
    feed.time(LAST_MS)
    assert cut(feed, checkpoint) == {b"young"}
    assert list(feed.state.rows.get_many([key_prefix(0) + b"old"], 29)) == [None]


def test_expiry_goes_on_after_a_restart() -> None:
    checkpoint = MemoryCheckpoint()
    feed = Feed(join_state(checkpoint=checkpoint))
    feed.predict("old", T0)
    cut(feed, checkpoint)
    again = Feed(join_state(checkpoint=checkpoint))
    again.time(LAST_MS)
    assert cut(again, checkpoint) == set()
    assert again.fates("predictions") == {"expired": 1}


def test_a_row_with_a_later_prediction_is_spared_until_that_is_over() -> None:
    checkpoint = MemoryCheckpoint()
    feed = Feed(join_state(checkpoint=checkpoint))
    feed.predict("a", T0, "v1")
    feed.predict("a", T0 + 5 * BUCKET_MS, "v2")
    cut(feed, checkpoint)
    feed.time(LAST_MS)
    assert cut(feed, checkpoint) == {b"a"}
    feed.time(LAST_MS + 6 * BUCKET_MS)
    assert cut(feed, checkpoint) == set()


def test_a_spared_row_is_not_lost_because_another_labels_topic_is_further() -> None:
    index = RowIndex()
    index.add(0, 100, [b"slow"])
    index.extend(0, 500, b"slow")
    index.add(1, 1_000, [b"fast"])
    over, spared = index.purge({0: 100, 1: 1_000})
    assert sorted(over) == [(0, 100), (1, 1_000)]
    assert spared == {b"slow"}
    index.take()
    over, spared = index.purge({0: 500, 1: 1_000})
    assert (0, 500) in over
    assert spared == set()


def test_buckets_and_extended_rows_survive_a_restart() -> None:
    index, again = RowIndex(), RowIndex()
    index.add(0, 100, [b"a"])
    index.extend(0, 500, b"a")
    again.restore(index.buckets(), index.extended)
    assert again.purge({0: 100}) == ([(0, 100)], {b"a"})


def test_holds_count_up_and_down_and_expire_by_topic() -> None:
    holds = Holds()
    holds.add(0, 100, 3)
    holds.add(0, 100, -1)
    holds.add(1, 100, 5)
    holds.add(0, 101, 7)
    assert holds.expire(0, 100) == 2
    assert holds.expire(0, 100) == 0
    assert sorted(holds.entries()) == [(0, 101, 7), (1, 100, 5)]


def test_labels_of_a_shared_topic_wait_for_the_slowest_model() -> None:
    slow = replace(MODEL, name="slow", predictions_topic="q", horizon_ms=10 * MODEL.horizon_ms)
    feed = Feed(join_state(Plan({"fraud": MODEL, "slow": slow})))
    feed.label("a", T0)
    feed.time(T0 + WINDOW_MS + 2 * HOLD_MS, ("p", "q", "l"))
    assert feed.fates("labels") == {"pending": 1}
    feed.time(T0 + 12 * HOLD_MS, ("p", "q", "l"))
    assert feed.fates("labels") == {"expired": 1}
