"""Detectors of concept drift on the path: fed once with every final window, restored, told in the record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import reduce
from math import inf
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.adwin import Adwin
from metrics.binary_part import BinaryPart
from metrics.kinds import told_apart
from metrics.layout import FINE, Column
from metrics.reference import Baseline, Scores
from metrics.scores import ScorePart
from metrics.sequential import EDetector, PageHinkley
from metrics.window_layout import WindowLayout
from models.partial import Mark, Partial
from runtime.model_plan import model_plans
from runtime.settings import parse
from tables.memory import MemoryCheckpoint
from tables.merge_state import MergeBlock, MergeState, SliceWindows
from tables.plan import MIN_MS, ModelPlan, Plan, Span
from tables.records import Record, Recorder
from tables.snapshot import Snapshot
from tables.watchers import LEARNED_RECORDS, ConceptWatch, concept_watch
from tests.unit.tables.support import HOLD_MS, MODEL, T0, WINDOW_MS

START = T0 - T0 % WINDOW_MS
CLEAN, RISEN = 0.056, 0.084
REFERENCE = 5_600, 100_000
SCORES = Scores(predicted_negatives=[50, 10], predicted_positives=[10, 30], negatives=[50, 10], positives=[5, 35])
LAYOUT = WindowLayout((BinaryPart(FINE), ScorePart(SCORES, over_seconds=600, min_records=30)))
WATCHED = replace(MODEL, whole=LAYOUT, spans=(Span("10m", 600_000),), reference_errors=REFERENCE)
UNKNOWN = replace(WATCHED, reference_errors=None)

Counts = tuple[int, int]
"""(errors, labelled records) of a window."""


def plan_of(model: ModelPlan) -> Plan:
    return Plan({"fraud": model}, {"p": 1, "l": 1})


def partial(minute: int, counts: Counts, version: str = "v1", *, change: int = 1, segment: str = "") -> Partial:
    errors, labelled = counts
    layout = WATCHED.layout(segment)
    head = np.zeros(layout.head_columns, np.int64)
    head[Column.TOTAL], head[Column.LABELLED] = labelled + 5, labelled
    head[Column.FP], head[Column.FN] = errors // 2, errors - errors // 2
    head[Column.TP], head[Column.TN] = (labelled - errors) // 3, labelled - errors - (labelled - errors) // 3
    packed = Snapshot(change, head, np.zeros(layout.cells, np.int32)).pack(layout)
    return Partial("fraud", version, segment, START + minute * WINDOW_MS, [(0, change)], packed)


def ended(minute: int) -> int:
    """The end of that minute's window."""
    return START + (minute + 1) * WINDOW_MS


def announced(minute: int) -> MergeBlock:
    return MergeBlock(0, announced=[("fraud", ended(minute))])


def folded(blocks: Iterable[MergeBlock], model: ModelPlan = WATCHED) -> MergeState:
    state = MergeState(plan_of(model), 1, MemoryCheckpoint())
    for block in blocks:
        state.apply(block)
    return state


def slice_of(state: MergeState, version: str = "v1", segment: str = "") -> SliceWindows:
    return state.slices["fraud", version, segment]


def watch_of(state: MergeState, version: str = "v1") -> ConceptWatch:
    found = slice_of(state, version).concept
    assert found is not None
    return found


def fed(windows: Iterable[Counts], reference: Counts | None = REFERENCE) -> ConceptWatch:
    start: ConceptWatch = ConceptWatch.begin(reference)
    return reduce(lambda watch, at: watch.update(START + at[0] * WINDOW_MS, *at[1]), enumerate(windows), start)


def drawn(rate: float, windows: int, records: int = 100, seed: int = 1) -> list[Counts]:
    errors = np.random.default_rng(seed).binomial(records, rate, windows).tolist()
    return [(one, records) for one in errors]


# -- the watch itself


def test_each_detector_is_the_pure_one_fed_with_every_window() -> None:
    windows = [*drawn(CLEAN, 50), *drawn(0.3, 10)]
    detector = EDetector.of_reference(*REFERENCE)
    assert detector is not None
    expected: tuple[EDetector, PageHinkley, Adwin] = detector, PageHinkley(), Adwin()
    for errors, records in windows:
        detector, page_hinkley, adwin = expected
        expected = detector.update(errors, records), page_hinkley.update(errors, records), adwin.update(errors, records)
    found = fed(windows)
    assert (found.detector, found.page_hinkley, found.adwin) == expected


def test_a_rise_is_found_and_dated_and_ends_when_the_rate_is_back() -> None:
    clean, risen = drawn(CLEAN, 100), drawn(0.2, 20, seed=2)
    quiet, loud = fed(clean).summary(), fed(clean + risen)
    assert (quiet["alarm"], quiet["since"], quiet["page_hinkley"], quiet["adwin"]) == (False, None, False, False)
    told = loud.summary()
    assert (told["alarm"], told["page_hinkley"], told["adwin"], told["labelled"]) == (True, True, True, 12_000)
    first = next(n for n in range(1, 21) if fed(clean + risen[:n]).summary()["alarm"])
    assert loud.since_ms == START + (100 + first - 1) * WINDOW_MS
    assert told["e_value"] == pytest.approx(told["threshold"] ** 2)  # type: ignore[operator]  # capped
    over = fed(clean + risen + drawn(CLEAN, 200, seed=3)).summary()
    assert (over["alarm"], over["since"], over["adwin"]) == (False, None, False)


def test_a_rise_by_half_is_found_within_1500_labels() -> None:
    delays = []
    for seed in range(20):
        watch, windows = fed(drawn(CLEAN, 100, 50, seed)), drawn(RISEN, 200, 50, seed + 100)
        alarms = (n for n, one in enumerate(windows, 1) if (watch := watch.update(0, *one)).summary()["alarm"])
        delays.append(next(alarms) * 50)
    assert np.median(delays) <= 1_500


def test_what_is_usual_is_learned_from_the_first_labels_and_then_stands() -> None:
    windows = [(6, 100), (0, 0), (7, 899), (3, 150), (90, 100)]
    learning = fed(windows[:3], None).summary()
    assert (learning["e_value"], learning["alarm"], learning["labelled"]) == (None, None, 999)
    assert "999 final labels" in str(learning["reason"])
    learned = fed(windows[:4], None)
    assert learned.reference == (16, 1149)
    assert learned.detector == EDetector.of_reference(16, 1149)
    assert learned.summary()["e_value"] == 0
    assert "reason" not in learned.summary()
    assert fed(windows, None).reference == (16, 1149)


@pytest.mark.parametrize("reference", [(50, LEARNED_RECORDS - 1), (0, 0), (5000, 5000)])
def test_a_baseline_of_too_few_labels_or_of_nothing_but_errors_is_none(reference: Counts) -> None:
    assert ConceptWatch.begin(reference) == ConceptWatch.begin(None)


def test_nothing_but_errors_never_becomes_what_is_usual() -> None:
    watch = fed([(500, 500)] * 4, None)
    assert (watch.detector, watch.reference) == (None, (2000, 2000))
    assert watch.update(0, 100, 200).detector is not None


def test_a_rise_that_adwin_found_lasts_until_its_rate_is_no_higher_than_usual() -> None:
    watch = fed(drawn(CLEAN, 100) + drawn(0.2, 20, seed=2))
    quiet = watch.update(START, 0, 0)
    assert (quiet.adwin.alarm, quiet.summary()["adwin"]) == (False, True)
    usual = replace(quiet, detector=EDetector.of_reference(30_000, 100_000))
    assert usual.summary()["adwin"] is False


def test_a_watch_goes_on_unless_its_baseline_is_another() -> None:
    watch = fed([(6, 100)] * 20).next_round()
    assert watch.resumed(REFERENCE) is watch
    assert watch.resumed(None) is watch
    assert watch.resumed((5, 50)) is watch
    assert watch.resumed((1, 1000)) == replace(ConceptWatch.begin((1, 1000)), rounds=1)
    learned = fed([(6, 100)] * 20, None)
    assert learned.resumed(None) is learned
    assert learned.resumed(REFERENCE) == ConceptWatch.begin(REFERENCE)


@pytest.mark.parametrize("reference", [REFERENCE, None])
@pytest.mark.parametrize("windows", [[], [(0, 0)], drawn(CLEAN, 30), drawn(CLEAN, 30) + drawn(0.4, 30)])
def test_a_state_comes_back_from_msgpack_to_the_bit(windows: list[Counts], reference: Counts | None) -> None:
    watch = fed(windows, reference)
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(watch))
    assert concept_watch(replace(WATCHED, reference_errors=reference), "", stored) == watch


@pytest.mark.parametrize(
    ("plan", "segment"), [(MODEL, ""), (WATCHED, "country=DE"), (replace(WATCHED, task="regression"), "")]
)
def test_who_has_no_baseline_or_no_errors_is_not_watched(plan: ModelPlan, segment: str) -> None:
    assert concept_watch(plan, segment) is None


# -- fed by the merge


def test_every_window_is_folded_in_once_when_it_is_final_in_the_order_of_time() -> None:
    windows = drawn(CLEAN, 6) + drawn(0.3, 6)
    state = folded([MergeBlock(0, partials=[partial(m, c) for m, c in reversed(list(enumerate(windows)))])])
    assert watch_of(state) == ConceptWatch.begin(REFERENCE)
    for minute in (3, 3, 1, 9):
        state.apply(announced(minute))
    state.apply(MergeBlock(0, partials=[partial(2, (100, 100), change=7)]))
    assert (state.late_partials, watch_of(state)) == (1, replace(fed(windows[:10]), rounds=2))
    state.apply(announced(11))
    assert watch_of(state) == replace(fed(windows), rounds=3)


def test_a_window_counts_as_it_stands_when_it_becomes_final() -> None:
    state = folded([MergeBlock(0, partials=[partial(0, (9, 10)), partial(0, (3, 40), change=2)]), announced(0)])
    assert watch_of(state) == replace(fed([(3, 40)]), rounds=1)


def test_a_second_version_has_its_own_state() -> None:
    good, bad = drawn(CLEAN, 20), drawn(0.3, 20)
    both = zip(good, bad, strict=True)
    partials = [one for m, (a, b) in enumerate(both) for one in (partial(m, a), partial(m, b, "v2"))]
    state = folded([MergeBlock(0, partials=partials), announced(19)])
    assert watch_of(state) == replace(fed(good), rounds=1)
    assert watch_of(state, "v2") == replace(fed(bad), rounds=1)
    assert (watch_of(state).summary()["alarm"], watch_of(state, "v2").summary()["alarm"]) == (False, True)


def test_segments_are_not_watched() -> None:
    state = folded([MergeBlock(0, partials=[partial(0, (1, 9), segment="country=DE")]), announced(0)])
    assert slice_of(state, segment="country=DE").concept is None
    assert slice_of(state, segment="country=DE").rounds == 0


@st.composite
def stories(draw: st.DrawFn) -> list[MergeBlock]:
    """Windows of two versions, some of them revised or late, and final rounds that overlap or fall behind."""
    blocks = []
    count = st.integers(0, 400)
    for change in range(1, draw(st.integers(1, 8)) + 1):
        rows = draw(st.lists(st.tuples(st.integers(0, 8), count, count, st.sampled_from(("v1", "v2"))), max_size=4))
        partials = [partial(m, (min(a, b), max(a, b)), version, change=change) for m, a, b, version in rows]
        rounds = draw(st.lists(st.integers(0, 8), max_size=1))
        blocks.append(MergeBlock(change, partials=partials, announced=[("fraud", ended(m)) for m in rounds]))
    return blocks


def told(state: MergeState) -> dict[str, ConceptWatch | None]:
    return {version: one.concept for (_, version, _), one in state.slices.items()}


@settings(max_examples=30)
@given(stories(), st.data(), st.sampled_from((WATCHED, UNKNOWN)))
def test_a_fold_with_a_checkpoint_anywhere_is_the_fold_in_one_go(
    blocks: list[MergeBlock], data: st.DataObject, model: ModelPlan
) -> None:
    whole = folded(blocks, model)
    stop = data.draw(st.integers(0, len(blocks)))
    before, checkpoint = folded(blocks[:stop], model), MemoryCheckpoint()
    checkpoint.write(before.cut((1, 1, 1)))
    again = MergeState(plan_of(model), 1, checkpoint)
    assert told(again) == told(before)
    for block in blocks[stop:]:
        again.apply(block)
    assert told(again) == told(whole)


@settings(max_examples=30)
@given(stories())
def test_a_replay_and_a_changelog_snapshot_hold_the_same_states(blocks: list[MergeBlock]) -> None:
    state = folded(blocks)
    assert told(folded(blocks)) == told(state)
    restored = folded([])
    restored.restore_body(state.snapshot_body())
    assert told(restored) == told(state)


@settings(max_examples=30)
@given(stories())
def test_how_often_windows_are_said_to_be_final_changes_nothing_but_the_count_of_rounds(
    blocks: list[MergeBlock],
) -> None:
    """All announced at once, or window by window."""
    partials = MergeBlock(1, partials=[one for block in blocks for one in block.partials])
    at_once, slowly = folded([partials, announced(8)]), folded([partials, *map(announced, range(9))])
    for version, watch in told(at_once).items():
        other = watch_of(slowly, version)
        assert watch == replace(other, rounds=1)


def test_a_checkpoint_from_before_there_were_detectors_restores_to_none_of_their_evidence() -> None:
    state = folded([MergeBlock(0, partials=[partial(m, c) for m, c in enumerate(drawn(0.5, 9))]), announced(8)])
    body = msgspec.msgpack.decode(state.snapshot_body())
    del body["concept"]
    restored = folded([])
    restored.restore_body(msgspec.msgpack.encode(body))
    assert watch_of(restored) == ConceptWatch.begin(REFERENCE)


# -- in the record


def days(windows: Iterable[Counts], model: ModelPlan = WATCHED, version: str = "v1") -> Iterator[list[Record]]:
    """What is said of each minute, all of whose labels are there at once and final."""
    state = folded([], model)
    recorder = Recorder(state)
    for minute, counts in enumerate(windows):
        marks = [Mark("fraud", 0, ended(minute) + HOLD_MS, ended(minute), False)]
        state.apply(MergeBlock(minute, marks, [partial(minute, counts, version)]))
        due = recorder.collect(minute * 60_000)
        state.apply(MergeBlock(minute, announced=list(due.announced.items())))
        yield due.records + recorder.collect(minute * 60_000 + 30_000).records


def last_span(windows: Iterable[Counts], model: ModelPlan = WATCHED) -> dict[str, Any]:
    *_, records = days(windows, model)
    drift = [r for r in records if r.rolling][-1].parts["drift"]
    assert isinstance(drift, dict)
    return drift


LATE = replace(WATCHED, spans=(Span("10m", 600_000 + HOLD_MS),))
"""A span that reaches back to windows that are final."""


def test_the_record_names_a_rise() -> None:
    windows = drawn(CLEAN, 8, 400) + drawn(0.2, 4, 400, seed=2)
    quiet, found = last_span(windows[:8], LATE), last_span(windows, LATE)
    assert quiet["concept"]["alarm"] is False
    assert "concept" not in quiet["kinds"]
    assert "concept" in found["kinds"]
    assert found["concept"] == fed(windows).summary()
    assert set(found["concept"]) == {
        "e_value", "threshold", "alarm", "since", "labelled", "page_hinkley", "adwin",
    }  # fmt: skip
    assert found["concept"]["since"].startswith("2025-11-13T02:2")


def test_a_model_that_stays_as_it_was_is_never_named() -> None:
    for records in days(drawn(CLEAN, 25, 1_000), LATE):
        drifts: list[Any] = [r.parts["drift"] for r in records if r.rolling]
        assert not any("concept" in one["kinds"] or one["concept"]["alarm"] for one in drifts)


def test_until_it_is_known_what_is_usual_the_record_says_why_nothing_is_said() -> None:
    found = last_span([(5, 100)] * 9, replace(LATE, reference_errors=None))
    assert found["concept"]["alarm"] is None
    assert "900 final labels" in found["concept"]["reason"]
    assert "concept" not in found["kinds"]


def test_new_evidence_is_a_new_revision_of_the_span() -> None:
    for records in days(drawn(CLEAN, 9), LATE):
        before, after = (r for r in records if r.rolling)
        assert (before.start_ms, before.end_ms) == (after.start_ms, after.end_ms)
        assert after.revision > before.revision
        assert before.parts["drift"] != after.parts["drift"]


def test_windows_that_are_long_enough_for_drift_say_it_too_with_revisions_that_grow() -> None:
    part = ScorePart(SCORES, over_seconds=60, min_records=30)
    model = replace(WATCHED, whole=WindowLayout((BinaryPart(FINE), part)))
    rows = MergeBlock(0, [Mark("fraud", 0, ended(5), MIN_MS, False)], [partial(0, (1, 9)), partial(5, (1, 9))])
    found = [Recorder(folded(blocks, model)).collect(0).records for blocks in ([rows], [rows, announced(0)])]
    one, again = (r for records in found for r in records if r.start_ms == ended(4) and r.parts["total"])
    drifts: list[Any] = [r.parts["drift"] for r in (one, again)]
    assert [drift["concept"]["labelled"] for drift in drifts] == [0, 9]
    assert again.revision == one.revision + 1


def test_without_a_baseline_nothing_is_said() -> None:
    *_, records = days([(5, 100)] * 3, replace(MODEL, spans=LATE.spans))
    assert all("drift" not in r.parts for r in records)


@pytest.mark.parametrize(("alarm", "kinds"), [(True, ["concept"]), (False, []), (None, [])])
def test_an_alarm_alone_makes_the_kind(alarm: bool | None, kinds: list[str]) -> None:
    assert told_apart({}, {}, None, {"alarm": alarm})["kinds"] == kinds
    assert told_apart({}, {"estimated": {"reliable": False}}, None, {"alarm": alarm})["kinds"] == ["concept"]
    assert "concept" not in told_apart({}, {}, None)


# -- from the baseline file


@pytest.mark.parametrize(
    ("performance", "scores", "expected"),
    [
        ({"accuracy": 0.944}, SCORES, (6, 100)),
        ({"metrics.accuracy": 0.9}, SCORES, (10, 100)),
        ({"recall": 0.9}, SCORES, None),
        ({"accuracy": 94.4}, SCORES, None),
        ({"accuracy": inf}, SCORES, None),
        ({"accuracy": 0.9}, None, None),
        ({"accuracy": 0.9}, Scores(predicted_negatives=[5], predicted_positives=[5]), None),
    ],
)
def test_what_is_usual_comes_from_the_baseline(
    performance: dict[str, float], scores: Scores | None, expected: Counts | None
) -> None:
    baseline = Baseline(schema="hindcast.baseline/1", performance=performance, scores=scores)
    parsed = parse({"models": {"fraud": {"predictions": {"topic": "p"}, "labels": {"topic": "l"}}}}, {})
    model = parsed.models["fraud"].model_copy(update={"baseline_file": baseline})
    plans = model_plans(parsed.model_copy(update={"models": {"fraud": model}}))
    assert plans["fraud"].reference_errors == expected
