"""Models of several classes on a real broker: two workers that meet the classes in any order have one code for each."""

from pathlib import Path
from typing import Any

import pytest

from runtime.clock import now_ms
from tests.support.compare import record_key
from tests.support.load import make_load
from tests.support.recount import Expected
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
