"""Models of other tasks on a real broker.

Two workers that meet classes in any order have one code for each; values are joined and added up as a batch does it.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from runtime.clock import now_ms
from runtime.traffic import TimedRecord
from tests.support.compare import record_key
from tests.support.load import RULES, make_load
from tests.support.recount import Expected, Key
from tests.support.recount_records import BadRecordError, Raw, read_label, read_prediction
from tests.support.recount_tasks import regression_metrics, windows
from tests.support.scene import Scene

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]


def as_classes(window: Expected) -> dict[str, dict[str, int]]:
    """A binary confusion as one of the classes true and false, without zeros."""
    c = window.confusion
    rows = {"true": {"true": c["tp"], "false": c["fn"]}, "false": {"true": c["fp"], "false": c["tn"]}}
    return {actual: found for actual, row in rows.items() if (found := {p: n for p, n in row.items() if n})}


def test_classes_of_two_workers_are_the_classes_of_the_recount(broker: str, tmp_path: Path) -> None:
    load = make_load(6_000, seed=5, now_ms=now_ms())
    with Scene(broker, tmp_path, load, model={"task": "multiclass"}) as scene:
        scene.start(2)
        scene.feed(6).join()
        scene._await(scene._all_final, 120, "every window is final")
        final: dict[Any, dict[str, Any]] = {record_key(r): dict(r) for r in scene.records() if r["final"]}
        found = {key: final[key]["confusion"] for key in load.expected.windows}
        assert found == {key: as_classes(window) for key, window in load.expected.windows.items()}
        assert {key: final[key]["total"] for key in found} == {k: w.total for k, w in load.expected.windows.items()}


def as_value(record: TimedRecord) -> TimedRecord:
    """A record of the fraud example as one of a regression: its score is the value, the truth is 0 or 1."""
    raw = Raw(record.topic, 0, 0, record.value)
    said: dict[str, float | None]
    try:
        if record.topic == "predictions":
            said = {"prediction": read_prediction(raw, RULES).score or 0.0}
        else:
            positive = read_label(raw, RULES).positive
            said = {"actual": None if positive is None else float(positive)}
    except BadRecordError:
        return record
    return record._replace(value=orjson.dumps(orjson.loads(record.value) | said))


def test_values_of_two_workers_are_the_values_of_the_recount(broker: str, tmp_path: Path) -> None:
    load = make_load(6_000, seed=6, now_ms=now_ms())
    load = replace(load, records=[as_value(record) for record in load.records])
    raw = [Raw(r.topic, 0, at, r.value, r.timestamp_ms) for at, r in enumerate(load.records)]
    expected = windows(raw, RULES, "regression")
    with Scene(broker, tmp_path, load, model={"task": "regression"}) as scene:
        scene.start(2)
        scene.feed(6).join()
        scene._await(scene._all_final, 120, "every window is final")
        final: dict[Key, dict[str, Any]] = {record_key(r): dict(r) for r in scene.records() if r["final"]}
        for key, window in expected.items():
            assert (final[key]["total"], final[key]["labelled"]) == (len(window.predicted), len(window.pairs)), key
            for name, wanted in regression_metrics(window).items():
                found = final[key]["metrics"][name]
                assert found == (None if wanted is None else pytest.approx(wanted, rel=1e-6, abs=1e-9)), (key, name)
