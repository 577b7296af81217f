"""Whatever threads do at once, every record offered is taken, dropped and counted, or still waits."""

import threading
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hindcast_client.bounded_queue import BoundedQueue, WhenFull
from hindcast_client.errors import UsageError


@settings(max_examples=25, deadline=None)
@given(
    size_max=st.integers(1, 50),
    producers=st.integers(1, 4),
    each=st.integers(0, 200),
    takes=st.lists(st.integers(0, 60), max_size=40),
    closes=st.booleans(),
    when_full=st.sampled_from(["drop_newest", "drop_oldest"]),
)
def test_drops_and_takes_add_up_to_what_was_offered(
    size_max: int, producers: int, each: int, takes: list[int], closes: bool, when_full: WhenFull
) -> None:
    queue: BoundedQueue[tuple[int, int]] = BoundedQueue(size_max, when_full)
    taken: list[tuple[int, int]] = []
    accepted: Counter[int] = Counter()
    together = threading.Barrier(producers + 1)

    def offer(producer: int) -> None:
        together.wait()
        accepted[producer] = sum(queue.offer((producer, number)) for number in range(each))

    threads = [threading.Thread(target=offer, args=(producer,)) for producer in range(producers)]
    for thread in threads:
        thread.start()
    together.wait()
    for count_max in takes:
        batch = queue.take(count_max)
        assert len(batch) <= count_max
        assert len(queue) <= size_max
        taken += batch
    if closes:
        queue.close()
    for thread in threads:
        thread.join()
    taken += queue.take(size_max)
    queue.tally.deliver(len(taken))

    counts = queue.tally.counts()
    assert counts.offered == producers * each
    assert (counts.waiting, len(queue)) == (0, 0)
    assert counts.sent + sum(counts.dropped.values()) == counts.offered
    assert len(set(taken)) == len(taken)
    for producer in range(producers):  # each one's own order is kept
        numbers = [number for by, number in taken if by == producer]
        assert numbers == sorted(numbers)
    if when_full == "drop_newest":
        assert accepted.total() == len(taken)


@pytest.mark.parametrize(("when_full", "left"), [("drop_newest", [0, 1, 2]), ("drop_oldest", [2, 3, 4])])
def test_what_is_dropped_is_the_policys(when_full: WhenFull, left: list[int]) -> None:
    queue: BoundedQueue[int] = BoundedQueue(3, when_full)
    taken = [queue.offer(number) for number in range(5)]
    assert taken == [True] * 3 + [when_full == "drop_oldest"] * 2
    assert queue.tally.counts().dropped == {"queue_full": 2}
    assert queue.take(10) == left


def test_a_closed_queue_takes_nothing_and_counts_it() -> None:
    queue: BoundedQueue[int] = BoundedQueue(3)
    queue.offer(1)
    queue.close()
    assert not queue.offer(2)
    assert queue.take(3) == [1]
    assert queue.tally.counts().dropped == {"closed": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0,), "queue_max: 0 is less than 1"), ((1, "wait"), "when_full: 'wait' is none of drop_newest, drop_oldest")],
)
def test_wrong_settings_are_one_line(arguments: tuple[int] | tuple[int, WhenFull], message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}$"):
        BoundedQueue(*arguments)
