"""F27: records of a topic that was made anew are new, although their offsets are not."""

from types import SimpleNamespace
from typing import cast

import numpy as np
from faust.types import TP

from agents.context import Context
from agents.sources import EPOCH_BITS, Sources
from models.batch import Batch
from models.decoded import Decoded
from tests.unit.tables.support import MODEL, PLAN, T0, join_state
from transport.chunk import Chunk

NOW_MS = T0 + 1_000_000


def sources(epoch: int) -> Sources:
    """Those of a worker that was started when the topic had been made anew so many times."""
    context = SimpleNamespace(
        plan=PLAN,
        now_ms=lambda: NOW_MS,
        out_of_orderness_ms={"p": 0},
        decoders={"p": SimpleNamespace(kind="predictions")},
        consumer=SimpleNamespace(polled_ms=lambda _: NOW_MS),
        idle=lambda *_: True,
        epochs={"p": epoch},
        hash_ids=None,
    )
    return Sources(cast("Context", context))


def read(epoch: int, first: int, last: int, after: int = -1) -> Batch:
    """Offsets [first, last] of partition 0, one id each; ids of another epoch are others."""
    offsets = np.arange(first, last + 1)
    n = len(offsets)
    decoded = SimpleNamespace(
        ids=[b"%d-%d" % (epoch, offset) for offset in offsets],
        offsets=offsets,
        time_ms=np.full(n, T0),
        score=np.full(n, 0.75),
        outcome=np.ones(n, np.int8),
        combos=[("fraud", "v1")],
        combo_index=np.zeros(n, np.int32),
        observed=None,
        carried=None,
        bad=[],
        greatest_ms=T0,
    )
    chunk = SimpleNamespace(topic="p", partition=0, first=first, last=last, after=after)
    return sources(epoch)._advance(cast("Chunk", chunk), cast("Decoded", decoded))


def test_f27_the_same_offsets_count_again_in_a_new_epoch_and_replays_never_do() -> None:
    state = join_state()
    counted = []
    for batch in (
        read(0, 0, 99),
        read(0, 50, 99),  # a replay
        read(1, 0, 9),
        read(1, 10, 19, after=9),
        read(1, 0, 19),  # a replay
        read(0, 0, 99),  # sent by a worker that has not noticed
    ):
        block = state.decide("predictions", [batch])
        if block is not None:
            state.apply(block)
        counted.append(state.records)
    assert counted == [100, 100, 110, 120, 120, 120]
    assert state.gaps == 0


def test_a_chunk_of_a_new_epoch_that_never_arrived_is_a_gap_like_any_other() -> None:
    state = join_state()
    for batch in (read(0, 0, 99), read(1, 10, 19, after=9)):
        block = state.decide("predictions", [batch])
        if block is not None:
            state.apply(block)
    assert (state.records, state.gaps) == (100, 1)


def test_a_marker_covers_what_its_epoch_has_read() -> None:
    one = sources(2)
    tp = TP("p", 0)
    one.marker(tp)  # begins to listen
    one.progress[tp].heard_ms -= MODEL.idle_timeout_ms
    one.progress[tp].last = 7
    marker = one.marker(tp)
    assert marker is not None
    assert (marker.base, marker.last) == ((2 << EPOCH_BITS) + 7, (2 << EPOCH_BITS) + 7)
