"""From labels on their topic to what the record says of those that are still to come: the whole path, on memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.batch import Batch, Source
from tables.emitter import Emitter
from tables.join_state import JoinState
from tables.memory import MemoryCheckpoint
from tables.merge_state import MergeBlock, MergeState
from tables.offline import evaluate
from tables.plan import MIN_MS, ModelPlan, Plan, Span
from tables.records import Record, Recorder
from tests.unit.tables.support import MODEL, T0, WINDOW_MS

START = T0 - T0 % WINDOW_MS
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
HORIZON_MS = 3 * HOUR_MS
FRAUD = replace(
    MODEL, horizon_ms=HORIZON_MS, segments=("country",), spans=(Span("10m", 10 * MINUTE_MS), Span("24h", 24 * HOUR_MS))
)
TRUTH = 0.552
"""Precision, as in STATISTICS, trap 1."""
LEARNING, JUDGED = 0, 30 * HOUR_MS
"""Predictions are made from then on."""


@dataclass
class World:
    """A join, the merge behind it, and one source partition of each kind."""

    model: ModelPlan = FRAUD
    records: list[Record] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)

    def __post_init__(self) -> None:
        plan = Plan({"fraud": self.model}, {"p": 1, "l": 1})
        self.join, self.emitter = JoinState(plan, 0, MemoryCheckpoint()), Emitter(plan)
        self.checkpoint = MemoryCheckpoint()
        self.merge = MergeState(plan, 1, self.checkpoint)
        self.recorder = Recorder(self.merge)
        self.last = {"p": -1, "l": -1}
        self.now_ms = 0

    def take(self, topic: str, ids: list[bytes], time_ms: NDArray[np.int64], said: NDArray[np.int8]) -> None:
        n, base = len(ids), self.last[topic]
        self.last[topic] += n
        one = topic == "p"
        batch = Batch(
            "predictions" if one else "labels", Source(topic, 0), base, base + n, MIN_MS, False,
            ids, np.arange(base + 1, base + n + 1), time_ms, np.full(n if one else 0, 0.75), said,
            [("fraud", "v1", "DE")] if one else [], np.zeros(n if one else 0, np.int32),
        )  # fmt: skip
        self.batches.append(batch)
        block = self.join.decide(batch.kind, [batch])
        if block is not None:
            self.join.apply(block)

    def until(self, watermark_ms: int) -> dict[str, Record]:
        """What is said when time has come so far; the newest of each span and of the whole model."""
        for topic in ("p", "l"):
            self.join.sources.advance(Source(topic, 0), self.last[topic], watermark_ms, idle=False)
        self.now_ms += 100_000
        emission = self.emitter.collect({0: self.join}, self.now_ms)
        self.merge.apply(MergeBlock(self.merge.applied + 1, emission.marks, emission.partials))
        due = self.recorder.collect(self.now_ms)
        self.merge.apply(MergeBlock(self.merge.applied, announced=list(due.announced.items())))
        self.records += due.records
        return {record.span: record for record in due.records if not record.name[2] and record.parts["total"]}

    def restarted(self) -> dict[str, Record]:
        """What is said after a restart with a checkpoint."""
        self.checkpoint.write(self.merge.cut((1, 1, 1)))
        self.merge = MergeState(self.merge.plan, 1, self.checkpoint)
        self.recorder = Recorder(self.merge)
        return of_whole_model(self.recorder.collect(self.now_ms).records)


def of_whole_model(records: list[Record]) -> dict[str, Record]:
    """The newest of each span."""
    return {record.span: record for record in records if not record.name[2] and record.parts["total"]}


@dataclass
class Traffic:
    """Predictions of one stretch of time, and when their labels come: f8[n] ms after them, infinite for never."""

    ids: list[bytes]
    event_ms: NDArray[np.int64]
    cell: NDArray[np.int64]
    delay_ms: NDArray[np.float64]

    @classmethod
    def draw(cls, seed: int, n: int, start_ms: int, minutes: int, *, positive_minutes: float = 20.0) -> Traffic:
        """Labels of positives take 20 minutes on average, those of negatives 5; a tenth never comes."""
        random = np.random.default_rng(seed)
        cell = random.choice(4, n, p=[0.3 * TRUTH, 0.3 * (1 - TRUTH), 0.1, 0.6])
        mean = np.where((cell == 0) | (cell == 2), positive_minutes, 5.0) * MINUTE_MS
        delay = np.where(random.random(n) < 0.1, np.inf, random.exponential(mean))
        event_ms = START + start_ms + np.sort(random.integers(0, minutes * MINUTE_MS, n))
        return cls([f"{seed}-{i}".encode() for i in range(n)], event_ms, cell, delay)

    def predict(self, world: World) -> None:
        world.take("p", self.ids, self.event_ms, (self.cell < 2).astype(np.int8))

    def label(self, world: World, after_ms: float, until_ms: float) -> None:
        """The labels of this stretch of time."""
        at_ms = self.event_ms + self.delay_ms
        which = np.flatnonzero((after_ms < at_ms) & (at_ms <= until_ms) & (self.delay_ms <= HORIZON_MS))
        which = which[np.argsort(at_ms[which])]
        actual = np.isin(self.cell[which], (0, 2)).astype(np.int8)
        world.take("l", [self.ids[i] for i in which.tolist()], at_ms[which].astype(np.int64), actual)


def learned(model: ModelPlan = FRAUD, *, n: int = 8_000, positive_minutes: float = 20.0) -> World:
    """A world in which ten minutes are final."""
    world = World(model)
    traffic = Traffic.draw(1, n, LEARNING, 10, positive_minutes=positive_minutes)
    traffic.predict(world)
    traffic.label(world, -np.inf, np.inf)
    world.until(START + LEARNING + 10 * MINUTE_MS + model.hold_ms)
    return world


def precision(record: Record, part: str = "metrics") -> float:
    metrics: Any = record.parts[part]
    found: float = metrics["precision"]
    return found


@pytest.fixture(scope="module")
def judged() -> dict[str, dict[str, Record]]:
    """One window of many predictions two minutes after its middle, ten minutes, and when it is final."""
    world, found = learned(), {}
    traffic = Traffic.draw(2, 8_000, JUDGED, 1)
    traffic.predict(world)
    middle_ms, before_ms = START + JUDGED + WINDOW_MS // 2, -np.inf
    for name, age_ms in (("2m", 2 * MINUTE_MS), ("10m", 10 * MINUTE_MS), ("final", HORIZON_MS + 2 * MINUTE_MS)):
        traffic.label(world, before_ms, before_ms := float(middle_ms + age_ms))
        found[name] = world.until(middle_ms + age_ms)
    return found


@pytest.mark.parametrize(("age", "naive"), [("2m", 0.27), ("10m", 0.36)])
def test_a_precision_of_early_labels_is_far_off_and_the_weighted_one_is_not(
    judged: dict[str, dict[str, Record]], age: str, naive: float
) -> None:
    for record in (judged[age]["60s"], judged[age]["10m"]):
        assert record.parts["total"] == 8_000
        assert precision(record) == pytest.approx(naive, abs=0.03)
        assert precision(record, "metrics_weighted") == pytest.approx(TRUTH, abs=0.05)


def test_the_record_tells_how_many_labels_are_to_be_expected_and_that_these_have_come(
    judged: dict[str, dict[str, Record]],
) -> None:
    for age, minutes in (("2m", 2), ("10m", 10)):
        expected = sum(p * (1 - np.exp(-minutes / mean)) for p, mean in ((0.3 * TRUTH + 0.1, 20), (0.7344, 5)))
        for record in (judged[age]["60s"], judged[age]["10m"]):
            assert record.parts["expected_share"] == pytest.approx(expected, abs=0.02)
            assert record.parts["maturity"] == pytest.approx(1, abs=0.05)


def test_final_records_are_mature_and_their_weighted_metrics_are_the_plain_ones(
    judged: dict[str, dict[str, Record]],
) -> None:
    record = judged["final"]["60s"]
    plain: Any = record.parts["metrics"]
    assert record.final
    assert record.parts["expected_share"] == 1.0
    assert record.parts["maturity"] == pytest.approx(1, abs=0.01)
    assert record.parts["metrics_weighted"] == {name: plain[name] for name in ("accuracy", "precision", "recall", "f1")}


def test_a_span_weighs_each_of_its_windows_by_its_own_age() -> None:
    world = learned()
    traffic = Traffic.draw(3, 10_000, JUDGED, 10)
    traffic.predict(world)
    end_ms = START + JUDGED + 10 * MINUTE_MS
    traffic.label(world, -np.inf, end_ms)
    record = world.until(end_ms)["10m"]
    ages = np.arange(0.5, 10)
    expected = sum(p * (1 - np.exp(-ages / mean)).mean() for p, mean in ((0.3 * TRUTH + 0.1, 20), (0.7344, 5)))
    assert record.parts["total"] == 10_000
    assert record.parts["expected_share"] == pytest.approx(expected, abs=0.02)
    assert record.parts["maturity"] == pytest.approx(1, abs=0.05)
    assert precision(record) < 0.38
    assert precision(record, "metrics_weighted") == pytest.approx(TRUTH, abs=0.07)


def test_labels_that_are_held_up_show_as_low_maturity_and_early_days_do_not() -> None:
    world = learned()
    traffic = Traffic.draw(2, 4_000, JUDGED, 1)
    traffic.delay_ms[::2] = np.inf
    traffic.predict(world)
    at_ms = START + JUDGED + 20 * MINUTE_MS
    traffic.label(world, -np.inf, at_ms)
    record = world.until(at_ms)["60s"]
    assert record.parts["maturity"] == pytest.approx(0.5, abs=0.03)
    assert record.parts["expected_share"] > 0.8  # type: ignore[operator]  # a number here


def test_before_anything_is_final_and_in_segments_nothing_is_said() -> None:
    world = World()
    traffic = Traffic.draw(1, 500, LEARNING, 1)
    traffic.predict(world)
    traffic.label(world, -np.inf, START + 10 * MINUTE_MS)
    unknown = dict.fromkeys(("accuracy", "precision", "recall", "f1"))
    for record in world.until(START + 10 * MINUTE_MS).values():
        assert record.parts["labelled"]
        assert (record.parts["maturity"], record.parts["expected_share"]) == (None, None)
        assert record.parts["metrics_weighted"] == unknown
    segments = [record for record in world.records if record.name[2]]
    assert segments
    assert all("maturity" not in record.parts for record in segments)


def test_a_window_without_records_says_that_nothing_is_known() -> None:
    world = learned()
    world.until(START + 14 * MINUTE_MS + FRAUD.hold_ms)
    [*_, silent] = [record for record in world.records if not record.rolling and not record.parts["total"]]
    assert (silent.parts["maturity"], silent.parts["expected_share"]) == (None, None)
    assert set(silent.parts["metrics_weighted"].values()) == {None}  # type: ignore[attr-defined]  # a dictionary here


def test_one_class_alone_gives_no_exception_and_no_number_that_is_not_known() -> None:
    world = World()
    traffic = Traffic.draw(1, 200, LEARNING, 10)
    traffic.cell[:] = 3
    traffic.predict(world)
    traffic.label(world, -np.inf, np.inf)
    world.until(START + 10 * MINUTE_MS + FRAUD.hold_ms)
    later = Traffic.draw(2, 40, JUDGED, 1)
    later.cell[:] = [0, 1] * 20
    later.predict(world)
    later.label(world, -np.inf, START + JUDGED + HOUR_MS)
    record = world.until(START + JUDGED + HOUR_MS)["60s"]
    assert record.parts["labelled"]
    assert set(record.parts["metrics_weighted"].values()) == {None}  # type: ignore[attr-defined]  # a dictionary here
    assert record.parts["maturity"] == pytest.approx(1, abs=0.1)  # positives are taken to be as all predictions


def test_errors_too_few_to_be_learned_are_taken_to_be_as_late_as_their_class() -> None:
    world = World()
    traffic = Traffic.draw(1, 8_000, LEARNING, 10)
    traffic.cell[traffic.cell == 2] = 0
    traffic.cell[:20] = 2
    traffic.predict(world)
    traffic.label(world, -np.inf, np.inf)
    world.until(START + 10 * MINUTE_MS + FRAUD.hold_ms)
    later = Traffic.draw(2, 8_000, JUDGED, 1)
    later.predict(world)
    later.label(world, -np.inf, START + JUDGED + 10 * MINUTE_MS)
    weighted: Any = world.until(START + JUDGED + 10 * MINUTE_MS)["60s"].parts["metrics_weighted"]
    assert weighted["recall"] == pytest.approx(0.3 * TRUTH / (0.3 * TRUTH + 0.1), abs=0.06)


# -- revisions


def test_a_restart_says_the_same_and_once_time_has_moved_on_a_higher_revision() -> None:
    world = learned(n=2_000)
    traffic = Traffic.draw(2, 500, JUDGED, 1)
    traffic.predict(world)
    at_ms = START + JUDGED + 3 * MINUTE_MS
    traffic.label(world, -np.inf, at_ms)
    first = world.until(at_ms)
    same = world.restarted()
    assert {span: same[span] for span in ("60s", "10m")} == {span: first[span] for span in ("60s", "10m")}
    world.until(at_ms + 20_000)
    moved = world.restarted()
    for span in ("60s", "10m"):
        assert (moved[span].start_ms, moved[span].end_ms) == (first[span].start_ms, first[span].end_ms)
        assert moved[span].parts["expected_share"] > first[span].parts["expected_share"]  # type: ignore[operator]  # numbers
        assert moved[span].revision == first[span].revision + 20


# -- files


def test_files_say_what_the_service_said_in_its_final_records() -> None:
    world = World()
    traffic = Traffic.draw(1, 2_000, LEARNING, 10)
    traffic.predict(world)
    traffic.label(world, -np.inf, np.inf)
    for minute in range(1, 11):
        world.until(START + minute * MINUTE_MS + FRAUD.hold_ms)
    finals = {(r.name, r.start_ms): r.parts for r in world.records if r.final}
    found, _ = evaluate(world.merge.plan, world.batches)
    assert len(finals) == 20
    assert {(r.name, r.start_ms): r.parts for r in found if not r.rolling} == finals
    whole: list[Any] = [parts for (name, _), parts in finals.items() if not name[2]]
    assert [parts["expected_share"] for parts in whole] == [None] + [1.0] * 9


def test_in_files_every_label_has_come_so_weighted_metrics_of_spans_are_the_plain_ones() -> None:
    world = World()
    traffic = Traffic.draw(1, 2_000, LEARNING, 30)
    traffic.predict(world)
    traffic.label(world, -np.inf, np.inf)
    found, _ = evaluate(world.merge.plan, world.batches)
    spans: list[Any] = [r.parts for r in found if r.rolling and not r.name[2]]
    assert len(spans) > 3
    for parts in spans:
        weighted = parts["metrics_weighted"]
        assert weighted == pytest.approx({name: parts["metrics"][name] for name in weighted})
        assert parts["expected_share"] == 1.0
