from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.letter_store import LetterStore
from dashboard.message import DAY_MS, Kind, Message
from dashboard.metric_record import ROLLING, SeriesName
from dashboard.metric_store import BYTES_MAX, MetricStore
from dashboard.store import Store
from tests.unit.dashboard.samples import (
    MINUTE_MS,
    NOON_MS,
    alert,
    decision,
    junk,
    letter,
    metric,
    tombstone,
)

FRAUD = SeriesName("fraud", "v1", "", "60s")


def held(messages: list[Message], now_ms: int = NOON_MS, bytes_max: int = BYTES_MAX) -> MetricStore:
    store = MetricStore(bytes_max)
    for message in messages:
        store.add(message)
    store.expire(now_ms)
    return store


def contents(store: MetricStore) -> dict[tuple[Any, ...], tuple[int, bytes]]:
    return {
        (*name, start): (one.revision, one.value)
        for name, windows in store.series.items()
        for start, one in windows.items()
    }


@st.composite
def histories(draw: st.DrawFn) -> list[Message]:
    """Revisions of a few windows of a few series, over more than a day."""
    places = st.tuples(
        st.sampled_from([-1_500, -1_440, -1_439, -10, 0, 1]),
        st.sampled_from(["fraud", "churn"]),
        st.sampled_from(["", "country=DE"]),
        st.booleans(),
    )
    chosen = draw(st.lists(st.tuples(places, st.integers(1, 4)), max_size=20, unique=True))
    return [
        metric(minute, revision=10 * minute + 20_000 + revision, model=model, segment=segment, rolling=True, span="1h")
        if rolling  # whose revision grows as time goes on
        else metric(minute, revision=revision, model=model, segment=segment)
        for (minute, model, segment, rolling), revision in chosen
    ]


@settings(max_examples=50)
@given(histories().flatmap(lambda one: st.tuples(st.just(one), st.permutations(one))))
def test_revisions_in_any_order_end_in_the_same_state(pair: tuple[list[Message], list[Message]]) -> None:
    told, shuffled = map(held, pair)
    assert contents(told) == contents(shuffled)
    assert told.bytes == shuffled.bytes


@settings(max_examples=50)
@given(histories())
def test_the_bytes_are_those_of_what_is_held(history: list[Message]) -> None:
    store = held(history)
    for message in history:
        store.add(tombstone(message))
    assert (store.bytes, len(store), store.series) == (0, 0, {})


def test_the_highest_revision_wins_and_an_older_one_is_no_news() -> None:
    store = MetricStore()
    assert store.add(metric(revision=2)) is not None
    assert store.add(metric(revision=1)) is None
    assert store.add(metric(revision=2)) is None
    added = store.add(metric(revision=3, total=7))
    assert added is not None
    assert added[0] == FRAUD
    [one] = store.windows(FRAUD)
    assert (one.revision, one.total, one.decoded()["total"], one.value) == (3, 7, 7, added[1])


def test_what_is_not_changed_any_more_is_packed_and_stays_what_it_was() -> None:
    messages = [metric(i, calibration=[{"count": j} for j in range(100)]) for i in range(60)]
    loose, tight = held(messages), held(messages, bytes_max=held(messages).bytes)
    assert contents(loose) == contents(tight)
    assert tight.bytes < 0.7 * loose.bytes


def test_a_rolling_span_has_one_current_record() -> None:
    store = held([metric(i, minutes=60, span="1h", rolling=True, revision=i + 1) for i in range(3)])
    [one] = store.windows(SeriesName("fraud", "v1", "", "1h"))
    assert one.start_ms == NOON_MS + 2 * MINUTE_MS
    assert set(store.series[SeriesName("fraud", "v1", "", "1h")]) == {ROLLING}


def test_what_ended_a_day_before_the_models_newest_window_leaves() -> None:
    store = held([metric(-1_440), metric(-1_439), metric(0)])
    assert [one.start_ms for one in store.windows(FRAUD)] == [NOON_MS - 1_439 * MINUTE_MS, NOON_MS]


def test_what_was_written_more_than_a_day_ago_leaves() -> None:
    store = held([metric(0), metric(1)], now_ms=NOON_MS + MINUTE_MS + DAY_MS + 1)
    assert [one.start_ms for one in store.windows(FRAUD)] == [NOON_MS + MINUTE_MS]
    store.expire(NOON_MS + 2 * DAY_MS)
    assert (len(store), store.newest_end_ms) == (0, {})


def test_memory_is_bounded_and_segments_go_first_then_the_oldest_windows() -> None:
    segments = [metric(i, segment=f"country={code}") for i in range(50) for code in ("DE", "FR")]
    whole = [metric(i) for i in range(50)]
    one = held([whole[0]]).bytes
    some = held([*segments, *whole], bytes_max=one * 80)
    assert some.bytes <= one * 80
    assert [w.start_ms for w in some.windows(FRAUD)] == [NOON_MS + i * MINUTE_MS for i in range(50)]
    left = [w.start_ms for w in some.windows(SeriesName("fraud", "v1", "country=DE", "60s"))]
    assert left == [NOON_MS + i * MINUTE_MS for i in range(50 - len(left), 50)]
    assert [w.decoded()["window_start"][11:16] for w in some.windows(FRAUD)][:2] == ["12:00", "12:01"]
    few = held([*segments, *whole], bytes_max=one * 10)
    assert {name.segment for name in few.series} == {""}
    assert few.bytes <= one * 10
    assert max(w.start_ms for w in few.windows(FRAUD)) == NOON_MS + 49 * MINUTE_MS
    assert few.add(segments[-1]) is None


@settings(max_examples=30)
@given(st.permutations([metric(i, segment=s) for i in range(8) for s in ("", "a=1", "a=2")]))
def test_what_memory_keeps_has_no_holes(order: list[Message]) -> None:
    store = held(order, bytes_max=held(order).bytes // 2)
    for name in store.series:
        starts = [one.start_ms for one in store.windows(name)]
        assert starts == list(range(starts[0], NOON_MS + 8 * MINUTE_MS, MINUTE_MS))


@pytest.mark.parametrize("kind", ["metric", "alert", "decision"])
@pytest.mark.parametrize("value", [1, [], {}, {"schema": "hindcast.alert/1"}, {"window_start": 3, "total": "x"}])
def test_what_is_none_of_our_records_is_counted_and_left_out(kind: Kind, value: object) -> None:
    store = Store()
    assert store.add(junk(kind, value)) is None
    assert store.add(Message(kind, 0, 1, NOON_MS, b"\xff", b"\xff{NaN")) is None
    assert (store.unreadable, store.models()) == (2, set())


def test_a_record_on_several_lines_becomes_one_line() -> None:
    message = metric()
    assert message.value is not None
    store = Store()
    news = store.add(message._replace(value=message.value.replace(b",", b",\r\n ")))
    assert news is not None
    assert news.data == message.value


def test_the_last_word_on_an_incident_counts_by_its_offset() -> None:
    store = Store()
    assert store.add(alert("resolved", offset=2)) is not None
    assert store.add(alert("firing", offset=1)) is None
    assert store.alerts.firing() == []
    assert store.add(alert("firing", offset=3, minute=30)) is not None
    [firing] = store.alerts.firing()
    assert firing.starts_at_ms == NOON_MS + 30 * MINUTE_MS
    assert len(store.alerts.incidents) == 2


def test_only_an_alerts_last_incident_fires() -> None:
    store = Store()
    for offset, minute in enumerate((0, 60)):
        store.add(alert("firing", offset=offset, minute=minute))
    store.add(alert("resolved", offset=5, minute=60))
    assert store.alerts.firing() == []


def test_a_firing_alert_is_kept_for_ever_and_a_resolved_one_a_day() -> None:
    store = Store()
    store.add(alert("firing", fingerprint="old"))
    store.add(alert("resolved", fingerprint="over", offset=1))
    store.expire(NOON_MS + 30 * DAY_MS)
    assert [one.fingerprint for one in store.alerts.firing()] == ["old"]
    assert len(store.alerts.incidents) == 1


def test_a_deleted_alert_is_gone() -> None:
    store = Store()
    store.add(alert())
    store.add(tombstone(alert(offset=1)))
    assert (store.alerts.firing(), store.alerts.incidents) == ([], {})


def test_decisions_follow_their_state() -> None:
    store = Store()
    store.add(decision("approved", offset=4))
    assert store.add(decision("proposed", offset=1)) is None
    [said] = store.decisions.decisions.values()
    assert said.record.state == "approved"
    store.expire(NOON_MS + 2 * DAY_MS)
    assert len(store.decisions.decisions) == 1
    store.add(decision("done", offset=5))
    store.expire(NOON_MS + 2 * DAY_MS)
    assert len(store.decisions.decisions) == 0


def test_dead_letters_are_counted_by_code_and_show_their_content_only_where_that_is_asked_for() -> None:
    store = Store()
    news = [store.add(letter(i, code="json" if i % 3 else "depth")) for i in range(300)]
    assert all(one is not None and b"SECRET" not in one.data for one in news)
    assert store.letters.counts() == {("json", "in"): 200, ("depth", "in"): 100}
    assert [one.letter.offset for one in store.letters.sample] == list(range(100, 300))
    store.expire(NOON_MS + DAY_MS + 3_600_000)
    assert (store.letters.sample, store.letters.counts()) == ([], {})
    showing = Store(letters=LetterStore(with_content=True))
    showing.add(letter())
    showing.clear()
    shown = showing.add(letter())
    assert shown is not None
    assert orjson.loads(shown.data)["content"] == "{SECRET"
    redacted = letter()
    showing.add(redacted._replace(headers=[*redacted.headers, ("hindcast.redacted", b"true")], value=b""))
    assert [one.content for one in showing.letters.sample] == [b"{SECRET", None]
