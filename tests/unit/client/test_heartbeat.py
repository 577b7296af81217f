"""How the process is: values in their ranges, absent where they are not known, under the agreed names."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from hindcast_client import Heartbeat, PredictionLog, ServingMetrics, UsageError
from tests.unit.client.support import Kept, until


def test_beats_are_records_on_a_topic_of_their_own_with_all_values() -> None:
    kept = Kept()
    metrics = ServingMetrics("v1", registry=CollectorRegistry())
    log = PredictionLog("fraud", "v1", transport=kept, attach_resources=True)
    beat = Heartbeat(log, every_seconds=0.02, metrics=metrics, queue_depth=lambda: 3, model_load_seconds=1.5)
    with beat, metrics.request():
        until(lambda: log.counts.offered >= 3)
    log.prediction("t-1", score=0.5)
    log.prediction("t-2", score=0.5, resources={"queue_depth": 9})
    log.close()
    beats = [value for value in kept.values() if "schema" in value]
    assert {record.topic for record in kept.records} == {"hindcast-heartbeats", "fraud_predictions"}
    assert {(b["schema"], b["model"], b["model_version"]) for b in beats} == {("hindcast.heartbeat/1", "fraud", "v1")}
    assert beats[0]["event_time"].endswith("Z")
    resources = beats[-1]["resources"]
    assert list(resources) == [
        "active_requests", "queue_depth", "model_load_seconds", "cpu_ratio", "memory_bytes", "disk_ratio",
    ]  # fmt: skip
    assert (resources["queue_depth"], resources["model_load_seconds"]) == (3, 1.5)
    assert 0 <= resources["cpu_ratio"] <= 1.5
    assert 0 < resources["disk_ratio"] < 1
    assert 1e7 < resources["memory_bytes"] < 1e11
    first, second = [value for value in kept.values() if "schema" not in value]
    assert (first["resources"], second["resources"]) == (resources, {"queue_depth": 9})


def test_what_cannot_be_read_is_absent_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    beat = Heartbeat(PredictionLog("fraud", "v1", transport=Kept()), queue_depth=lambda: 1 // 0, disk_path="/no/such")
    assert [set(beat.sample()) for _ in range(2)] == [{"cpu_ratio", "memory_bytes"}] * 2
    assert [record.getMessage().split(":")[1] for record in caplog.records] == [
        " queue_depth cannot be read",
        " disk_ratio cannot be read",
    ]


@pytest.mark.parametrize(("percent", "ratio"), [([20, 75], 0.75), ([], None)])
def test_the_busiest_gpu_counts(monkeypatch: pytest.MonkeyPatch, percent: list[int], ratio: float | None) -> None:
    nvml: Any = SimpleNamespace(
        NVMLError=RuntimeError,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: len(percent),
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetUtilizationRates=lambda handle: SimpleNamespace(gpu=percent[handle]),
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    assert Heartbeat(PredictionLog("fraud", "v1", transport=Kept())).sample().get("gpu_ratio") == ratio


def test_a_gpu_library_without_a_driver_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def init() -> None:
        raise RuntimeError("driver not loaded")

    monkeypatch.setitem(sys.modules, "pynvml", SimpleNamespace(NVMLError=RuntimeError, nvmlInit=init))
    assert "gpu_ratio" not in Heartbeat(PredictionLog("fraud", "v1", transport=Kept())).sample()


def test_wrong_use_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    log = PredictionLog("fraud", "v1", transport=Kept())
    with pytest.raises(UsageError, match=r"^Heartbeat: every_seconds: 0 is not above 0$"):
        Heartbeat(log, every_seconds=0)
    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(UsageError, match=r"^Heartbeat needs psutil: pip install 'hindcast-client\[heartbeat\]'$"):
        Heartbeat(log)
