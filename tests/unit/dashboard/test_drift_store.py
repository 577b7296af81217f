"""Drift of a day, kept as rolling spans go on."""

from typing import Any

import orjson

from dashboard.drift_store import DriftStore
from dashboard.store import Store
from tests.unit.dashboard.samples import metric
from tests.unit.dashboard.scene import scene


def rolled(end_minute: int, psi: float, **parts: object) -> Any:  # noqa: ANN401  # a Message
    """The span of an hour that ends so many minutes after noon."""
    drift = {"features": {"amount": {"psi": psi}}}
    told: dict[str, Any] = {
        "minutes": 60,
        "span": "1h",
        "rolling": True,
        "revision": end_minute + 2_000,
        "drift": drift,
    }
    return metric(end_minute - 60, **told | parts)


def ends(store: Store) -> list[str]:
    return [
        orjson.loads(one.value)["window_end"][11:16]
        for name in sorted(store.drift.series)
        for one in store.drift.moments(name)
    ]


def test_of_each_quarter_of_an_hour_the_last_record_is_kept() -> None:
    store = Store()
    for minute in (1, 14, 15, 16, 31):
        store.add(rolled(minute, minute / 100))
    assert ends(store) == ["12:14", "12:16", "12:31"]
    [name] = store.drift.series
    first = orjson.loads(next(store.drift.moments(name)).value)
    assert first["drift"] == {"features": {"amount": {"psi": 0.14}}}
    assert "metrics" not in first


def test_only_spans_of_whole_models_that_tell_of_drift_are_kept() -> None:
    store = Store()
    store.add(rolled(0, 0.1, segment="country=DE"))
    store.add(rolled(0, 0.1, drift=None, version="v2"))
    store.add(metric(drift={"features": {}}))
    assert ends(store) == []


def test_a_day_is_kept_and_models_that_are_gone_are_not() -> None:
    store = Store()
    store.add(rolled(0, 0.1, written_ms=None))
    store.add(rolled(23 * 60, 0.1))
    store.drift.expire()
    assert len(ends(store)) == 2
    store.add(rolled(24 * 60 + 20, 0.1))
    store.drift.expire()
    assert ends(store) == ["11:00", "12:20"]
    store.drift.keep({"churn"})
    assert (ends(store), store.drift.bytes) == ([], 0)


def test_when_memory_is_short_the_oldest_go_first() -> None:
    store = Store(drift=DriftStore(bytes_max=1_000))
    for minute in range(0, 600, 15):
        store.add(rolled(minute, minute / 7))
    assert store.drift.bytes <= 1_000
    assert ends(store)[-1] == "21:45"
    assert 1 < len(ends(store)) < 40


async def test_the_history_is_a_list_of_its_own() -> None:
    async with scene() as it:
        it.tell(rolled(0, 0.1), rolled(20, 0.2), rolled(20, 0.3, version="v2"), rolled(20, 0.4, span="2h", minutes=120))
        found = await it.items("/drift?model=fraud&version=v1&span=1h")
        assert [one["drift"]["features"]["amount"]["psi"] for one in found] == [0.1, 0.2]
        assert len(await it.items("/drift")) == 4
        status, first = await it.get("/drift?limit=3")
        assert status == 200
        [last] = await it.items(f"/drift?cursor={first['next']}")
        assert last["model_version"] == "v2"
