"""What happens to one id, fault by fault (RELIABILITY F34 to F44)."""

from dataclasses import replace

from metrics.layout import Column
from tables.plan import Plan
from tables.rows import LABELS_MAX
from tables.snapshot import Snapshot
from tables.windows import slot_key
from tests.unit.tables.support import HOLD_MS, HORIZON_MS, MODEL, PLAN, T0, WINDOW_MS, Feed, join_state

LATER = T0 + 1_000


def window(feed: Feed, version: str = "v1", start_ms: int = T0, model: str = "fraud") -> Snapshot:
    start_ms -= start_ms % WINDOW_MS
    code = feed.state.combos.slice_code((model, version, ""))
    assert code is not None
    found = feed.state.windows.snapshot(slot_key(start_ms, code))
    assert found is not None
    return found


def counts(feed: Feed, version: str = "v1", model: str = "fraud") -> tuple[int, int, int]:
    """(total, true positives, false positives) of the first window; every prediction says positive."""
    head = window(feed, version, model=model).head
    return int(head[Column.TOTAL]), int(head[Column.TP]), int(head[Column.FP])


def test_f34_a_copied_prediction_counts_once() -> None:
    feed = Feed(join_state())
    for _ in range(3):
        feed.predict("a", T0)
    assert counts(feed) == (1, 0, 0)
    assert feed.fates("predictions") == {"pending": 1, "duplicate": 2}


def test_f35_of_conflicting_predictions_the_first_wins() -> None:
    feed = Feed(join_state())
    feed.apply([feed.prediction("a", T0), feed.prediction("a", T0 + WINDOW_MS)])
    feed.predict("a", T0 + WINDOW_MS)
    assert counts(feed) == (1, 0, 0)
    assert len(feed.state.windows.keys) == 1


def test_f36_a_copied_label_counts_once() -> None:
    feed = Feed(join_state())
    feed.predict("a", T0)
    for _ in range(3):
        feed.label("a", LATER)
    assert counts(feed) == (1, 1, 0)
    assert feed.fates("labels") == {"joined": 1, "duplicate": 2}


def test_f37_corrected_label_retracts_exactly() -> None:
    once, twice = Feed(join_state()), Feed(join_state())
    for feed in (once, twice):
        feed.predict("a", T0)
    once.label("a", LATER + 5, 0)
    twice.label("a", LATER, 1)
    twice.label("a", LATER + 5, 0)
    one, two = window(once), window(twice)
    assert one.head.tolist() == two.head.tolist()
    assert one.cells.tolist() == two.cells.tolist()
    assert two.version > one.version
    assert twice.fates("labels") == {"joined": 1, "corrected": 1}


def test_f37_an_older_label_that_comes_later_corrects_nothing() -> None:
    feed = Feed(join_state())
    feed.predict("a", T0)
    feed.label("a", LATER + 5, 1)
    feed.label("a", LATER, 0)
    assert counts(feed) == (1, 1, 0)


def test_a_withdrawal_takes_the_outcome_back_and_a_later_label_gives_another() -> None:
    feed = Feed(join_state())
    feed.predict("a", T0)
    feed.label("a", LATER, 1)
    feed.label("a", LATER + 1, -1)
    assert counts(feed) == (1, 0, 0)
    assert feed.fates("predictions") == {"pending": 1}
    feed.label("a", LATER + 2, 0)
    assert counts(feed) == (1, 0, 1)
    assert feed.fates("predictions") == {"joined": 1}


def test_f38_a_label_before_its_prediction_waits_for_it() -> None:
    feed = Feed(join_state())
    feed.label("a", LATER)
    assert feed.fates("labels") == {"pending": 1}
    feed.predict("a", T0)
    assert counts(feed) == (1, 1, 0)
    assert feed.fates("labels") == {"joined": 1}
    assert feed.state.holds.entries() == []


def test_f40_a_label_behind_the_horizon_is_counted_and_joins_nothing() -> None:
    feed = Feed(join_state())
    feed.predict("a", T0)
    feed.label("a", T0 + HORIZON_MS + 1)
    feed.label("b", T0 + HORIZON_MS)
    feed.predict("b", T0)
    assert counts(feed) == (2, 1, 0)
    assert feed.fates("labels") == {"joined": 1, "out_of_horizon": 1}


def test_f40_a_label_of_a_final_window_is_late() -> None:
    feed = Feed(join_state())
    feed.predict("a", T0)
    feed.time(T0 - T0 % WINDOW_MS + WINDOW_MS + HOLD_MS)
    feed.label("a", T0 + HORIZON_MS)
    assert counts(feed) == (1, 0, 0)
    assert feed.fates("labels") == {"late": 1}
    assert feed.fates("predictions") == {"expired": 1}


def test_f41_a_label_without_prediction_expires() -> None:
    feed = Feed(join_state())
    feed.label("a", T0)
    final_ms = T0 - T0 % WINDOW_MS + WINDOW_MS + HOLD_MS
    feed.time(final_ms - 1)
    assert feed.fates("labels") == {"pending": 1}
    feed.time(final_ms)
    assert feed.fates("labels") == {"expired": 1}


def test_f42_a_prediction_without_label_expires_and_stays_counted() -> None:
    feed = Feed(join_state())
    feed.predict("a", T0)
    final_ms = T0 - T0 % WINDOW_MS + WINDOW_MS + HOLD_MS
    feed.time(final_ms - 1)
    assert feed.fates("predictions") == {"pending": 1}
    feed.time(final_ms)
    assert feed.fates("predictions") == {"expired": 1}
    assert counts(feed) == (1, 0, 0)


def test_f44_a_prediction_of_a_final_window_is_late_and_not_stored() -> None:
    feed = Feed(join_state())
    feed.time(T0 - T0 % WINDOW_MS + WINDOW_MS + HOLD_MS)
    feed.predict("a", T0)
    assert feed.fates("predictions") == {"late": 1}
    assert feed.state.rows.unwritten() == {}
    assert feed.state.windows.keys == {}


def test_shadow_versions_share_one_label() -> None:
    feed = Feed(join_state())
    feed.predict("a", T0, "v1")
    feed.label("a", LATER)
    feed.predict("a", T0, "v2")
    assert (counts(feed, "v1"), counts(feed, "v2")) == ((1, 1, 0), (1, 1, 0))


def test_models_on_several_topics_that_share_a_labels_topic_keep_both_predictions_of_one_chunk() -> None:
    rival = replace(MODEL, name="rival", predictions_topic="q")
    feed = Feed(join_state(Plan({"fraud": MODEL, "rival": rival})))
    feed.apply([feed.prediction("a", T0), feed.prediction("a", T0, model="rival", topic="q")])
    feed.label("a", LATER)
    assert counts(feed) == (1, 1, 0)
    assert counts(feed, model="rival") == (1, 1, 0)


def test_a_row_keeps_its_newest_labels_up_to_the_limit() -> None:
    feed = Feed(join_state())
    for number in range(LABELS_MAX + 3):
        feed.label("a", LATER + number, number % 2)
    feed.predict("a", T0)
    assert counts(feed) == (1, 0, 1)  # the last one, 18, says negative
    assert sum(feed.fates("labels").values()) == LABELS_MAX + 3
    assert feed.fates("labels")["joined"] == 1


def test_a_replayed_batch_changes_nothing_and_a_part_of_it_only_what_is_new() -> None:
    feed = Feed(join_state())
    one, two = feed.prediction("a", T0), feed.prediction("b", T0)
    feed.apply([one])
    assert feed.state.decide("predictions", [one]) is None
    feed.apply([replace(type(one).concat([one, two]), base=-1, last=1)])
    assert counts(feed) == (2, 0, 0)
    assert feed.state.records == 2


def test_a_batch_behind_one_that_never_arrived_is_left_to_its_repetition() -> None:
    feed = Feed(join_state())
    feed.predict("a", T0)
    lost, after = feed.prediction("b", T0), feed.prediction("c", T0)
    assert feed.state.decide("predictions", [after]) is None
    assert feed.state.gaps == 1
    feed.apply([replace(lost, base=-1), after])
    assert counts(feed) == (3, 0, 0)


def test_every_configured_model_has_its_plan() -> None:
    assert PLAN.of("fraud") is MODEL
