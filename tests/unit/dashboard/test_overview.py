"""What the lists of models and of the last minutes are made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.answers import ModelItem, SummaryItem
from dashboard.message import Message
from dashboard.overview import QUIET_MS, overview
from dashboard.store import Store
from dashboard.summary import summary
from tests.unit.dashboard.samples import MINUTE_MS, NOON_MS, alert, metric


def filled(*messages: Message) -> Store:
    store = Store()
    for message in messages:
        store.add(message)
    return store


def only(*messages: Message, now_ms: int = NOON_MS + MINUTE_MS) -> ModelItem:
    [item] = overview(filled(*messages), now_ms)
    return item


def test_a_model_shows_its_newest_window_its_newest_labels_and_its_spans() -> None:
    spans = [metric(-60 * h + 2, minutes=60 * h, span=f"{h}h", rolling=True) for h in (24, 1)]
    old = [metric(0), metric(1, labelled=0, label_coverage=0.0, metrics={"accuracy": None})]
    item = only(*spans, *old, metric(0, segment="country=DE"), metric(0, segment="country=FR"))
    assert item.window is not None
    assert (item.window.window_start, item.window.metrics) == ("2026-11-21T12:01:00Z", {"accuracy": None})
    assert item.labelled_window is not None
    assert item.labelled_window.intervals == {"accuracy": [0.8, 0.95]}
    assert [one.span for one in item.spans] == ["1h", "24h"]
    assert (item.task, item.segments, item.state) == ("binary", 2, "healthy")


@pytest.mark.parametrize(
    ("messages", "state", "reason"),
    [
        ([metric()], "healthy", "no alert fires"),
        ([metric(), alert()], "degraded", "accuracy-low"),
        ([metric(), alert(model_version="")], "degraded", "accuracy-low"),
        ([metric(), alert(), alert("resolved", offset=1)], "healthy", "no alert fires"),
        ([metric(), alert(model_version="v2")], "healthy", "no alert fires"),
        ([metric(), alert(severity="info")], "healthy", "no alert fires"),
        ([metric(), alert(historic=True)], "healthy", "no alert fires"),
        ([metric(), alert(cause="labels", rule="labels-late")], "no_labels", "labels-late"),
        ([metric(), alert(), alert(cause="labels", fingerprint="f2")], "degraded", "accuracy-low"),
        ([metric(), alert(cause="traffic", rule="throughput-zero")], "no_traffic", "throughput-zero"),
        ([metric(labelled=0)], "no_labels", "no window of the last day has a label"),
        ([metric(-4), metric(0, total=0)], "healthy", "no alert fires"),
        ([metric(-5), metric(0, total=0)], "no_traffic", "no prediction in the model's last 5 windows"),
        ([metric(rolling=True, span="1h")], "no_traffic", "no window of the last day"),
        ([metric(written_ms=NOON_MS - QUIET_MS)], "no_traffic", "no record for 10 minutes"),
    ],
)
def test_the_state_is_what_is_most_the_matter(messages: list[Message], state: str, reason: str) -> None:
    item = only(*messages)
    assert (item.state, item.reason) == (state, reason)


def test_a_version_that_stopped_while_another_goes_on_has_no_traffic() -> None:
    store = filled(metric(0), metric(4, version="v2"), metric(4, model="churn"))
    assert [item.state for item in overview(store, NOON_MS)] == ["healthy"] * 3
    store.add(metric(5, version="v2"))
    assert [(i.model, i.state) for i in overview(store, NOON_MS)][1] == ("fraud", "no_traffic")


def test_firing_alerts_are_counted_by_severity() -> None:
    told = [alert(fingerprint=f"f{i}", severity=s) for i, s in enumerate(["critical", "warning", "warning"])]
    assert only(metric(), *told).firing.model_dump() == {"critical": 1, "warning": 2, "info": 0}


def test_odd_numbers_of_other_writers_are_left_out() -> None:
    item = only(metric(metrics={"a": "x", "b": True, "c": 1}, intervals={"a": "x", "c": [0, None]}))
    assert item.window is not None
    assert (item.window.metrics, item.window.intervals) == ({"c": 1.0}, {"c": [0.0, None]})


def latency(p95: float, *, mean: float = 0.1, greatest: float = 1.0) -> dict[str, float]:
    return {"mean": mean, "p50": mean, "p95": p95, "p99": p95 + 0.1, "max": greatest}


def last(minutes: int, *messages: Message) -> SummaryItem:
    [item] = summary(filled(*messages).metrics, minutes, None)
    return item


def test_counts_and_rates_of_windows_are_added_exactly() -> None:
    windows = [metric(i, total=100, failed=4, errors={"timeout": 3, f"e{i}": 2}) for i in range(4)]
    item = last(3, *windows)
    assert (item.since, item.until) == ("2026-11-21T12:01:00Z", "2026-11-21T12:04:00Z")
    assert (item.windows, item.total, item.failed) == (3, 300, 12)
    assert item.errors == {"timeout": 9, "e1": 2, "e2": 2, "e3": 2}
    assert item.success_rate == 1 - 15 / 312
    assert item.throughput_per_second == 300 / 180


def test_without_statuses_nobody_knows_the_success_rate() -> None:
    assert last(5, metric(0), metric(1)).success_rate is None
    assert last(5, metric(0), metric(1, total=10, failed=0, errors={"x": 1})).success_rate == 0.9


def test_without_latencies_there_are_none() -> None:
    told = last(5, metric(0), metric(1)).prediction_latency_seconds
    assert set(told.model_dump().values()) == {None}


def test_the_quantiles_of_several_windows_are_bounds_and_say_so() -> None:
    told = last(
        2,
        metric(0, total=300, failed=0, prediction_latency_seconds=latency(0.2, mean=0.1, greatest=5.0)),
        metric(1, total=100, failed=0, prediction_latency_seconds=latency(0.4, mean=0.3, greatest=2.0)),
    ).prediction_latency_seconds
    assert (told.p95, told.p99, told.max, told.quantile_method) == (0.4, 0.5, 5.0, "upper_bound")
    assert told.mean == pytest.approx((300 * 0.1 + 100 * 0.3) / 400)


def test_one_window_and_a_span_of_that_length_have_quantiles_of_their_own() -> None:
    windows = [metric(i, prediction_latency_seconds=latency(0.2)) for i in range(60)]
    assert last(1, *windows).prediction_latency_seconds.quantile_method == "window"
    hour = metric(0, minutes=60, span="1h", rolling=True, prediction_latency_seconds=latency(0.15))
    told = last(60, *windows, hour).prediction_latency_seconds
    assert (told.p95, told.quantile_method) == (0.15, "span")
    older = metric(-1, minutes=60, span="1h", rolling=True, prediction_latency_seconds=latency(0.15))
    assert last(60, *windows, older).prediction_latency_seconds.quantile_method == "upper_bound"


def test_windows_of_a_length_that_was_configured_before_are_not_added_twice() -> None:
    assert last(5, metric(0), metric(0, minutes=2, span="120s"), metric(2, minutes=2, span="120s")).total == 200


def test_a_version_without_windows_in_that_time_is_left_out() -> None:
    found = summary(filled(metric(0), metric(10, version="v2")).metrics, 5, "fraud")
    assert [item.model_version for item in found] == ["v2"]


@given(st.lists(st.lists(st.floats(0, 10), min_size=1, max_size=50), min_size=1, max_size=5), st.sampled_from([95, 99]))
def test_the_greatest_quantile_of_the_windows_bounds_that_of_their_union(
    windows: list[list[float]], percent: int
) -> None:
    def quantile(values: list[float]) -> float:
        return sorted(values)[-(-percent * len(values) // 100) - 1]

    assert quantile([value for values in windows for value in values]) <= max(map(quantile, windows))


def test_the_settled_window_is_the_newest_with_the_usual_number_of_labels() -> None:
    item = only(metric(0, labelled=90), metric(1, labelled=45), metric(2, labelled=44), metric(3, labelled=0))
    assert item.settled_window is not None
    assert item.settled_window.window_start == "2026-11-21T12:01:00Z"
    assert only(metric(0, labelled=0)).settled_window is None


def test_the_trend_is_the_main_metric_of_the_last_windows() -> None:
    made = [metric(i, metrics={"accuracy": i / 100}) for i in range(70)]
    item = only(*made, metric(70, metrics={"accuracy": None}))
    assert (item.headline, item.since) == ("accuracy", "2026-11-21T12:00:00Z")
    assert item.trend == [i / 100 for i in range(11, 70)] + [None]
