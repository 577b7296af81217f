"""The queries that people already have, asked of a real Prometheus that scrapes a real worker on a real broker."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from runtime.clock import now_ms
from tests.support.boards import BOARDS, VALUES, expressions, filled, load, panels, selectors
from tests.support.observed_scene import (
    ACCURACY,
    LATENCIES_MS,
    SPAN,
    VERSION,
    ObservedScene,
)
from tests.support.prometheus import RULES, Prometheus, promtool
from tests.support.receivers import Receivers
from tests.support.worker_process import WorkerProcess

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300), pytest.mark.usefixtures("prometheus_programs")]

WINDOWS: Final = 18
"""Of each third of the traffic: more than the span has, and fewer than the horizon, so that none is late."""
REST: Final = 60
FRAUD: Final = '{model="fraud"}'


@dataclass(frozen=True)
class Observed:
    """Two thirds of the traffic were counted when Prometheus came: ``made`` predictions in each third."""

    scene: ObservedScene
    worker: WorkerProcess
    prometheus: Prometheus
    made: int


@pytest.fixture(scope="module")
def observed(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    directory = tmp_path_factory.mktemp("observed")
    with Receivers() as receivers, ObservedScene(broker, directory, receivers) as scene:
        worker = scene.worker_with_all_roles()
        made = scene.send(WINDOWS)
        until(lambda: counted(worker) == (made, made), scene)
        scene.rest(REST)
        scene.send(WINDOWS)
        until(lambda: counted(worker) == (2 * made, 2 * made), scene)
        with Prometheus(directory / "prometheus", [worker.port], RULES) as prometheus:
            until(lambda: prometheus.value(f"ml_predictions_total{FRAUD}") == 2 * made, scene)
            scene.send(WINDOWS)
            until(lambda: counted(worker) == (3 * made, 3 * made), scene)
            until(lambda: prometheus.value(newest_end()) == scene.end_seconds, scene)
            until(lambda: bool(prometheus.query('hindcast_notifications_total{outcome="sent"}')), scene)
            yield Observed(scene, worker, prometheus, made)


def counted(worker: WorkerProcess) -> tuple[float, float]:
    """Predictions and labels of the model ``fraud``."""
    key = ("fraud", VERSION)
    return worker.series("ml_predictions_total").get(key, 0), worker.series("ml_labels_total").get(key, 0)


def newest_end() -> str:
    return f'ml_model_window_end_timestamp_seconds{{model="fraud", segment="", span="{SPAN}"}}'


def until(condition: Callable[[], bool], scene: ObservedScene, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not come to that\n{scene.describe()}"
        time.sleep(0.2)


def test_predictions_per_second(observed: Observed) -> None:
    at = now_ms() / 1000
    samples = observed.prometheus.samples(f"ml_predictions_total{FRAUD}[5m]", at)
    assert (samples[0][1], samples[-1][1]) == (2 * observed.made, 3 * observed.made)
    rate = observed.prometheus.value(f"rate(ml_predictions_total{FRAUD}[5m])", at)
    assert rate is not None
    # Prometheus takes the increase for a little more time than lies between the first and the last sample
    seconds = samples[-1][0] - samples[0][0]
    between = seconds / (len(samples) - 1)
    assert 1 <= rate * 300 / observed.made <= (seconds + 2.2 * between) / seconds


def test_mean_latency_by_sum_and_count(observed: Observed) -> None:
    name = "ml_prediction_latency_seconds"
    mean = observed.prometheus.value(f"rate({name}_sum{FRAUD}[5m]) / rate({name}_count{FRAUD}[5m])")
    assert mean == pytest.approx(sum(LATENCIES_MS) / len(LATENCIES_MS) / 1000, rel=1e-6)


def test_quantiles_of_the_histogram(observed: Observed) -> None:
    def quantile(share: float) -> float | None:
        rates = f"rate(ml_prediction_latency_seconds_bucket{FRAUD}[5m])"
        return observed.prometheus.value(f"histogram_quantile({share}, {rates})")

    # a fifth each in the buckets up to 0.01, 0.05, 0.1, 0.5 and 1 s, in which Prometheus takes them as evenly spread
    assert quantile(0.95) == pytest.approx(0.5 + 0.75 * 0.5, rel=1e-6)
    assert quantile(0.5) == pytest.approx(0.05 + 0.5 * 0.05, rel=1e-6)


def test_accuracy_as_it_stands(observed: Observed) -> None:
    def whole() -> dict[str, float]:
        found = observed.prometheus.query("ml_model_accuracy")
        return {at["span"]: value for at, value in found if at["model"] == "fraud" and "segment" not in at}

    # a window's revisions follow its labels within a second or so
    wanted = {"10s": pytest.approx(ACCURACY), SPAN: pytest.approx(ACCURACY)}
    until(lambda: whole() == wanted, observed.scene, seconds=20)


def test_features_that_have_drifted(observed: Observed) -> None:
    found = observed.prometheus.query("ml_data_drift_psi > 0.2")
    whole = {labels["feature"]: value for labels, value in found if "segment" not in labels}
    assert whole.keys() == {"amount"}
    assert {labels["feature"] for labels, _ in observed.prometheus.query("ml_data_drift_psi")} > {"amount", "visits"}


def test_every_panel_has_something_to_show(observed: Observed) -> None:
    empty = []
    for path in BOARDS:
        for where, expression in expressions(load(path)):
            if not shown(observed, path, expression):
                empty.append((where, expression))
    assert empty == []


def test_every_legend_names_labels_that_are_there(observed: Observed) -> None:
    unknown = []
    for path in BOARDS:
        for panel in panels(load(path)):
            for target in panel["targets"]:
                labels = {name for labels, _ in shown(observed, path, target["expr"]) for name in labels}
                # the whole model has no segment
                named = set(re.findall(r"{{(\w+)}}", target.get("legendFormat", ""))) - {"segment"}
                unknown += [(panel["title"], name) for name in named - labels]
    assert unknown == []


def shown(observed: Observed, path: Path, expression: str) -> list[tuple[dict[str, str], float]]:
    """What the classifier or, if it has nothing of the kind, the regression shows there."""
    segment = ".+" if path.stem == "segments" else "^$"
    values = {**VALUES, "span": SPAN, "segment": segment}
    ask = (filled(expression, values | {"model": model}) for model in ("fraud", "price"))
    return next((found for one in ask if (found := observed.prometheus.query(one))), [])


def test_every_series_of_the_boards_is_on_a_workers_page(observed: Observed) -> None:
    status, page = observed.worker.get("/metrics")
    shown = {line.partition("{")[0].partition(" ")[0] for line in page.splitlines() if not line.startswith("#")}
    asked = {name for path in BOARDS for _, e in expressions(load(path)) for name, _ in selectors(filled(e))}
    assert (status, asked - shown) == (200, set())


def test_the_page_is_what_prometheus_wants(observed: Observed) -> None:
    _, said = promtool("check", "metrics", said=observed.worker.get("/metrics")[1])
    # quantiles of one window are gauges: a summary's sum and count would have to be counters
    assert set(said.splitlines()) == {'ml_label_latency_seconds non-summary metrics should not have "quantile" label'}


def test_every_rule_is_judged_without_an_error(observed: Observed) -> None:
    until(lambda: all(rule["health"] == "ok" for rule in observed.prometheus.rules()), observed.scene, seconds=10)
    recorded: dict[str, Any] = {
        rule["name"]: observed.prometheus.query(rule["name"])
        for rule in observed.prometheus.rules()
        if rule["type"] == "recording"
    }
    assert [name for name, found in recorded.items() if not found] == []
