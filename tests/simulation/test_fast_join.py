"""The fast join means what the slow one means: same rows, fates, windows and times."""

from random import Random
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.batch import Batch
from models.outcome import TASKS, Task
from tables import decide as deciding
from tables.block import encode_block
from tables.fast_join import Decided, decide_labels, decide_predictions
from tables.join_state import JoinState
from tables.memory import MemoryCheckpoint
from tables.row_form import RowForm
from tests.simulation.story import Reader, Story, tell

SEEDS = st.integers(0, 2**32 - 1)


def all_slow(_form: RowForm, batch: Batch, *_: object) -> Decided:
    return Decided(slow=np.arange(len(batch)))


def calls(story: Story, seed: int, slack_ms: int) -> list[list[Batch]]:
    """What each decide is given: several messages of one kind, from sources in any order."""
    rng, readers = Random(seed), [Reader(story, s, slack_ms=slack_ms) for s in story.sources]
    found: list[list[Batch]] = []
    while any(not r.done for r in readers):
        first = rng.choice([r for r in readers if not r.done])
        alike = [r for r in readers if r.kind == first.kind]
        picked = [rng.choice(alike) for _ in range(rng.randrange(4))]
        found.append([r.read(rng.randrange(1, 12)) for r in (first, *picked) if not r.done])
    return found


def fold(story: Story, batches: list[list[Batch]], *, slow: bool) -> JoinState:
    state = JoinState(story.plan, 0, MemoryCheckpoint())
    predictions, labels = (all_slow, all_slow) if slow else (decide_predictions, decide_labels)
    with (
        mock.patch.object(deciding, "decide_predictions", predictions),
        mock.patch.object(deciding, "decide_labels", labels),
    ):
        for some in batches:
            block = state.decide(some[0].kind, some)
            if block is not None:
                state.apply_body(encode_block(block))
    return state


def rows_of(state: JoinState) -> dict[bytes, str]:
    # As text: NaN is no score, and equal to no score.
    form = state.plan.row_form("fraud_labels")
    return {key: repr(form.decode(value)) for key, value in state.rows.unwritten().items()}


def windows_of(state: JoinState) -> dict[int, bytes]:
    found = {}
    for key in (k for keys in state.windows.keys.values() for k in keys):
        snapshot = state.windows.snapshot(key)
        assert snapshot is not None
        ordered = snapshot._replace(named=dict(sorted(snapshot.named.items())))  # which name came first means nothing
        found[key] = ordered.pack(state.windows.layout_of(key))
    return found


@pytest.mark.parametrize("task", TASKS)
@settings(max_examples=300, deadline=None, derandomize=True)
@given(seed=SEEDS)
def test_the_fast_join_is_equal_to_the_slow_one(task: Task, seed: int) -> None:
    # Half of the stories let the watermarks run ahead of the records, so that much is late.
    story = tell(seed, ids=15, task=task)
    batches = calls(story, seed + 1, -60_000 if seed % 2 else 8_000)
    fast, slow = fold(story, batches, slow=False), fold(story, batches, slow=True)
    assert rows_of(fast) == rows_of(slow)
    assert fast.fates.as_dict() == slow.fates.as_dict()
    assert sorted(fast.holds.entries()) == sorted(slow.holds.entries())
    assert windows_of(fast) == windows_of(slow)
    assert fast.sources.states == slow.sources.states


def test_late_records_do_occur_in_these_stories() -> None:
    late = 0
    for seed in range(1, 40, 2):
        story = tell(seed, ids=15)
        fates = fold(story, calls(story, seed + 1, -60_000), slow=False).fates.as_dict()
        late += fates["predictions"]["late"] * fates["labels"]["late"]
    assert late > 0
