"""Heartbeats add to the resources of their windows, each once, and have fates of their own."""

from dataclasses import replace

import numpy as np
import pytest

from metrics.observer import ModelObserver
from metrics.resources import Resources
from metrics.service import Service
from metrics.window_layout import WindowLayout
from models.batch import MIN_MS, Batch, Source
from models.heartbeat import HeartbeatDecoder
from models.outcome import Task
from tables import heartbeats, offline
from tables.fates import FATES, HEARTBEAT, HEARTBEATS, KINDS, PENDING, Fates
from tables.heartbeats import OBSERVER
from tables.plan import ModelPlan, Plan, Watch
from tables.tasks import parts
from tests.unit.models.support import consumed
from tests.unit.tables.support import HOLD_MS, MODEL, T0, WINDOW_MS, Feed, join_state

TOPIC = "hindcast-heartbeats"


def watching(*names: str, task: Task = "binary") -> ModelPlan:
    paths = ((), (), (), *((("resources", name),) for name in names))
    watch = Watch(ModelObserver(paths, resources=names), (Service(), Resources(names)), always=False)
    whole = WindowLayout((*parts(task, 3, whole=True), *watch.parts))
    return replace(MODEL, watch=watch, whole=whole, task=task, classes_max=3)


def plan(model: ModelPlan) -> Plan:
    return Plan({"fraud": model}, {"p": 1, "l": 1, TOPIC: 1})


def beats(*told: dict[str, object], at_ms: int = T0, first: int = 0, version: str = "v1") -> Batch:
    values: list[bytes | dict[str, object] | None] = [
        {"model": "fraud", "model_version": version, "instance": "i", "event_time": at_ms, "resources": resources}
        for resources in told
    ]
    found = HeartbeatDecoder({"fraud"}, OBSERVER).decode(consumed(values), T0 + 10**10)
    assert not found.bad
    return Batch(
        "heartbeats", Source(TOPIC, 0), first - 1, first + len(told) - 1, MIN_MS, False, found.ids,
        np.arange(first, first + len(told)), found.time_ms, found.score, found.outcome, found.combos,
        found.combo_index, observed=found.observed,
    )  # fmt: skip


def resources(model: ModelPlan, batches: list[Batch]) -> object:
    records, _ = offline.evaluate(plan(model), batches)
    [record] = [one for one in records if one.end_ms - one.start_ms == WINDOW_MS]
    return record.parts.get("resources")


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_what_heartbeats_tell_stands_in_the_record_of_their_window_whatever_the_task(task: Task) -> None:
    batches = [beats({"cpu_ratio": 0.25, "memory_bytes": 2**20}, {"cpu_ratio": 0.75}), beats({"cpu_ratio": 1}, first=2)]
    found = resources(watching("memory_bytes", "cpu_ratio", task=task), batches)
    assert isinstance(found, dict)
    assert found["cpu_ratio"]["mean"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["memory_bytes"]["mean"] == 2**20


def test_only_resources_that_the_model_watches_are_counted() -> None:
    found = resources(watching("queue_depth"), [beats({"cpu_ratio": 0.25, "queue_depth": 7})])
    assert isinstance(found, dict)
    assert found.keys() == {"queue_depth"}


def test_heartbeats_of_a_model_that_watches_nothing_have_their_fate_and_no_window() -> None:
    feed = Feed(join_state(plan(MODEL)))
    feed.apply([beats({"cpu_ratio": 0.25})])
    assert feed.fates("heartbeats") == {"heartbeat": 1}
    assert not feed.state.windows.keys


def test_heartbeats_count_once_and_leave_predictions_labels_and_time_alone() -> None:
    feed = Feed(join_state(plan(watching("cpu_ratio"))))
    feed.predict("a", T0)
    feed.apply([beats({"cpu_ratio": 0.25}, {"cpu_ratio": 0.5})])
    feed.apply([beats({"cpu_ratio": 0.25}, {"cpu_ratio": 0.5})])  # a replay
    assert feed.fates("heartbeats") == {"heartbeat": 2}
    assert feed.fates("predictions") == {"pending": 1}
    assert feed.state.records == 3
    assert feed.state.sources.frontier("fraud") == MIN_MS


def test_a_heartbeat_whose_window_is_final_is_late() -> None:
    feed = Feed(join_state(plan(watching("cpu_ratio"))))
    feed.predict("a", T0)
    feed.time(T0 + 3 * WINDOW_MS + HOLD_MS)
    feed.apply([beats({"cpu_ratio": 0.25})])
    feed.apply([beats({"cpu_ratio": 0.25}, at_ms=T0 + 4 * WINDOW_MS, first=1)])
    assert feed.fates("heartbeats") == {"late": 1, "heartbeat": 1}


def test_without_predictions_heartbeats_open_no_more_windows_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "WINDOWS_AHEAD_MAX", 3)
    feed = Feed(join_state(plan(watching("cpu_ratio"))))
    for number in range(5):
        feed.apply([beats({"cpu_ratio": 0.25}, at_ms=T0 + number * WINDOW_MS, first=number)])
    assert len(feed.state.windows.keys) == 3
    feed.apply([beats({"cpu_ratio": 0.5}, at_ms=T0, first=5)])  # a window that is there already
    assert feed.fates("heartbeats") == {"heartbeat": 4, "out_of_horizon": 2}
    feed.time(T0 + 5 * WINDOW_MS)
    feed.apply([beats({"cpu_ratio": 0.5}, at_ms=T0 + 6 * WINDOW_MS, first=6)])
    assert feed.fates("heartbeats") == {"heartbeat": 5, "out_of_horizon": 2}


def test_fates_from_before_there_were_heartbeats_are_read_on() -> None:
    former = np.arange(20)
    found = Fates.of(former.tolist())
    assert found.counts.shape == (len(KINDS), len(FATES))
    assert found.counts[:2, :10].tolist() == former.reshape(2, 10).tolist()
    assert found.counts.sum() == former.sum()
    found.add(HEARTBEATS, HEARTBEAT, 4)
    assert Fates.of(found.packed()).counts.tolist() == found.counts.tolist()
    assert found.counts[0, PENDING] == 1
    with pytest.raises(ValueError, match="reshape"):
        Fates.of([0] * 21)
