from typing import Any

from dashboard.answers import LineItem
from models.metric_record import ms_of_iso
from tests.unit.dashboard.samples import MINUTE_MS, NOON_MS, metric
from tests.unit.dashboard.scene import scene


def row(lower: float, count: int, mean_score: float, positive_rate: float) -> dict[str, float]:
    return {
        "lower": lower,
        "upper": round(lower + 0.1, 1),
        "count": count,
        "mean_score": mean_score,
        "positive_rate": positive_rate,
    }


FIRST: dict[str, Any] = {
    "confusion": {"tp": 1, "fp": 2, "fn": 0, "tn": 3},
    "calibration": [row(0.1, 2, 0.1, 0.5)],
    "score_histogram": {"lower": [0.12, 0.5], "negatives": [1, 0], "positives": [1, 4]},
}
SECOND: dict[str, Any] = {
    "confusion": {"tp": 10, "fp": 0, "fn": 1, "tn": 0},
    "calibration": [row(0.1, 6, 0.18, 1 / 6), row(0.9, 1, 0.95, 1.0)],
    "score_histogram": {"lower": [0.5, 0.91], "negatives": [2, 0], "positives": [0, 1]},
}


async def test_counts_of_windows_add_up_and_mean_scores_weigh_their_records() -> None:
    async with scene() as it:
        it.tell(metric(0, **FIRST), metric(1, **SECOND), metric(-58, minutes=60, span="1h", rolling=True, **FIRST))
        [item] = await it.items("/outcomes?model=fraud&version=v1")
    assert item["confusion"] == {"tp": 11, "fp": 2, "fn": 1, "tn": 3}
    assert item["calibration"] == [row(0.1, 8, 0.16, 0.25), row(0.9, 1, 0.95, 1.0)]
    assert item["score_histogram"] == {"lower": [0.12, 0.5, 0.91], "negatives": [1, 2, 0], "positives": [1, 4, 1]}
    assert (item["windows"], item["total"], item["labelled"], item["span"]) == (2, 200, 80, "60s")
    assert ms_of_iso(item["until"]) - ms_of_iso(item["since"]) == 2 * MINUTE_MS


async def test_windows_segments_and_versions_are_chosen() -> None:
    async with scene(now_ms=NOON_MS + 2 * MINUTE_MS) as it:
        it.tell(metric(0, **FIRST), metric(1, **SECOND), metric(1, version="v2"), metric(1, segment="a=b", **FIRST))
        [item] = await it.items("/outcomes?version=v1&since=1m")
        assert item["confusion"] == SECOND["confusion"]
        [item] = await it.items("/outcomes?segment=a%3Db")
        assert item["confusion"] == FIRST["confusion"]
        [_, item] = await it.items("/outcomes?model=fraud")
        assert (item["confusion"], item["calibration"]) == (None, [])
        assert (await it.get("/outcomes?model=nobody"))[0] == 404


async def test_confusions_of_several_classes_add_up_by_name() -> None:
    async with scene() as it:
        it.tell(metric(0, confusion={"a": {"a": 1, "b": 2}}), metric(1, confusion={"a": {"b": 3}, "c": {"c": 1}}))
        [item] = await it.items("/outcomes")
    assert item["confusion"] == {"a": {"a": 1, "b": 5}, "c": {"c": 1}}


async def test_lines_are_those_of_a_model_and_of_every_model() -> None:
    def line(model: str, value: float) -> LineItem:
        return LineItem(
            model=model, metric="f1", kind="threshold", value=value, rule="r", severity="info", span="", bad="below"
        )

    async with scene() as it:
        it.site.store.lines = (line("", 0.5), line("fraud", 0.6), line("churn", 0.7))
        assert [one["value"] for one in await it.items("/lines?model=fraud")] == [0.5, 0.6]
        it.site.store.clear()  # the topics were made anew, the configuration was not
        assert len(await it.items("/lines")) == 3


async def test_the_stream_leaves_segments_out_where_that_is_asked_for() -> None:
    async with scene() as it, await it.open("/stream?whole=true") as answer:
        assert (await answer.content.readline()) == b"event: hello\n"
        it.tell(metric(0, segment="a=b"), metric(1))
        told = b""
        while b'"window_start":"2026-11-21T12:01' not in told:
            told += await answer.content.readline()
    assert b"a=b" not in told
