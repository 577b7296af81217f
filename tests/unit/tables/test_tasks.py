"""What the join does for models of other tasks than the binary one."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from models.batch import Batch, Source
from models.errors import WorldError
from models.outcome import Task, failed
from tables.block import decode_block, encode_block
from tables.dimensions import Admissions
from tables.join_state import JoinState
from tables.plan import MIN_MS, ModelPlan, Plan
from tables.row_forms import form_of
from tables.snapshot import Snapshot
from tables.tasks import layout_of
from tables.windows import slot_key
from tests.unit.tables.support import MODEL, T0, WINDOW_MS, join_state

LATER = T0 + 1_000
Said = float | str


def of_task(task: Task, classes_max: int = 50) -> ModelPlan:
    whole, of_segment = (layout_of(task, classes_max, whole=whole) for whole in (True, False))
    return replace(MODEL, task=task, classes_max=classes_max, whole=whole, of_segment=of_segment)


def plan(task: Task, classes_max: int = 50) -> Plan:
    return Plan({"fraud": of_task(task, classes_max)}, {"p": 1, "l": 1})


class Feed:
    """Feeds one state chunks of (id, time, what is said: a class or a value, None withdraws)."""

    def __init__(self, task: Task, state: JoinState | None = None) -> None:
        self.task, self.state = task, state or join_state(plan(task))
        self.last = {"p": -1, "l": -1}
        self.codes = partial(Admissions(self.state.plan, 0, {}).admit_classes, "l")
        self.codes(["cat", "cow", "dog"] if task == "multiclass" else [])

    def batch(self, topic: str, records: list[tuple[str, int, Said | None]]) -> Batch:
        n, base = len(records), self.last[topic]
        self.last[topic] += n
        said = [what for _, _, what in records]
        if self.task == "multiclass":
            outcome = np.array([-1 if x is None else self.codes([str(x)])[0] for x in said], np.int32)
        else:
            outcome = np.array([math.inf if x is None else x for x in said], np.float64)
        predicted = topic == "p"
        score = outcome.astype(np.float64) if self.task == "regression" else np.full(n, 0.75)
        return Batch(
            "predictions" if predicted else "labels", Source(topic, 0), base, base + n, MIN_MS, False,
            [name.encode() for name, _, _ in records], np.arange(base + 1, base + n + 1),
            np.array([at_ms for _, at_ms, _ in records]),
            score if predicted else np.empty(0),
            outcome, [("fraud", "v1")] if predicted else [], np.zeros(n if predicted else 0, np.int32),
        )  # fmt: skip

    def __call__(self, topic: str, *records: tuple[str, int, Said | None]) -> None:
        batch = self.batch(topic, list(records))
        block = self.state.decide(batch.kind, [batch])
        assert block is not None
        self.state.apply(decode_block(encode_block(block)))

    def window(self) -> Snapshot:
        code = self.state.combos.slice_code(("fraud", "v1", ""))
        found = None if code is None else self.state.windows.snapshot(slot_key(T0 - T0 % WINDOW_MS, code))
        assert found is not None
        return found

    @property
    def labelled(self) -> int:
        layout = self.state.plan.models["fraud"].whole
        return int(self.window().head[layout.outcomes.labelled_column])

    def fates(self, kind: str) -> dict[str, int]:
        return {fate: n for fate, n in self.state.fates.as_dict()[kind].items() if n}


SAID: list[tuple[Task, Said, Said, Said]] = [("regression", 2.5, -1.0, 7.0), ("multiclass", "cat", "dog", "cow")]
of_every_task = pytest.mark.parametrize(("task", "one", "two", "three"), SAID)


@of_every_task
def test_a_corrected_label_retracts_exactly(task: Task, one: Said, two: Said, three: Said) -> None:
    once, twice = Feed(task), Feed(task)
    for feed in (once, twice):
        feed("p", ("a", T0, one))
        feed("l", ("b", T0, one), ("b", T0, two), ("b", T0, three))  # the same codes for the same classes
    once("l", ("a", LATER + 5, three))
    twice("l", ("a", LATER, two))
    twice("l", ("a", LATER + 5, three))
    assert once.window().head.tolist() == twice.window().head.tolist()
    assert twice.fates("labels")["corrected"] == 1


@of_every_task
def test_a_withdrawn_label_retracts_exactly(task: Task, one: Said, two: Said, three: Said) -> None:
    feed = Feed(task)
    feed("p", ("a", T0, one), ("b", T0, two))
    before = feed.window().head.tolist()
    feed("l", ("a", LATER, two))
    assert feed.labelled == 1
    feed("l", ("a", LATER + 1, None))
    assert feed.window().head.tolist() == before
    assert feed.fates("labels") == {"joined": 1, "withdrawn": 1}


@of_every_task
def test_which_of_several_labels_counts_does_not_depend_on_what_came_first(
    task: Task, one: Said, two: Said, three: Said
) -> None:
    found: set[object] = set()
    for order in itertools.permutations((one, two, three)):
        for labels_first in (True, False):
            feed = Feed(task)
            feeding = [("p", ("a", T0, one)), *(("l", ("a", LATER, truth)) for truth in order)]
            for topic, record in feeding[::-1] if labels_first else feeding:
                feed(topic, record)
            [value] = feed.state.rows.unwritten().values()
            row = form_of(task, 0).decode(value)
            best = max(label.actual for label in row.labels)
            assert feed.labelled == 1
            only, said = Feed(task), ("cat", "cow", "dog")[int(best)] if task == "multiclass" else best
            only("p", ("a", T0, one))
            only("l", ("a", LATER, said))
            assert only.window().head.tolist() == feed.window().head.tolist()
            found.add(said)
    assert found == {max(x for x in (one, two, three))}


def test_a_block_may_hold_rows_of_several_tasks() -> None:
    fraud = replace(MODEL, name="fraud", predictions_topic="p", labels_topic="l")
    price = replace(of_task("regression"), name="price", predictions_topic="q", labels_topic="m")
    state = join_state(Plan({"fraud": fraud, "price": price}, {"p": 1, "q": 1, "l": 1, "m": 1}))

    def batch(topic: str, model: str, outcome: list[float], dtype: type) -> Batch:
        n = len(outcome)
        return Batch(
            "predictions", Source(topic, 0), -1, n - 1, MIN_MS, False, [b"%d" % i for i in range(n)], np.arange(n),
            np.full(n, T0), np.full(n, 0.75), np.array(outcome, dtype), [(model, "v1")], np.zeros(n, np.int32),
        )  # fmt: skip

    block = state.decide("predictions", [batch("q", "price", [5.5], np.float64), batch("p", "fraud", [1, 0], np.int8)])
    assert block is not None
    assert sorted(block.tasks) == [("binary", 2, 0, 0), ("regression", 1, 0, 0)]
    state.apply_body(encode_block(block))
    by_length = {len(value): value for value in state.rows.unwritten().values()}
    assert sorted(by_length) == [form_of(task, 0).dtype.itemsize for task in ("binary", "regression")]
    [prediction] = form_of("regression", 0).decode(by_length[37]).predictions
    assert prediction.predicted == 5.5
    assert len(state.windows.keys) == 2


def test_records_of_another_task_than_configured_are_refused() -> None:
    feed = Feed("regression", join_state(plan("multiclass")))
    with pytest.raises(WorldError, match="decoded as regression, its models are multiclass"):
        feed("p", ("a", T0, 1.5))


@of_every_task
def test_a_prediction_that_was_not_made_is_not_joined(task: Task, one: Said, two: Said, three: Said) -> None:
    feed = Feed(task)
    batch = feed.batch("p", [("a", T0, one), ("b", T0, two), ("c", T0, three)])
    batch.outcome[1] = failed(task)
    block = feed.state.decide("predictions", [batch])
    assert block is not None
    feed.state.apply(block)
    feed("l", ("a", LATER, one), ("b", LATER, one))
    assert feed.fates("predictions") == {"joined": 1, "pending": 1, "failed": 1}
    assert feed.fates("labels") == {"joined": 1, "pending": 1}
    assert feed.labelled == 1
