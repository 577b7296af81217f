"""Heartbeats count once in the resources of their window, whatever happens to the workers, and move nothing else."""

from collections import Counter, defaultdict
from dataclasses import replace
from random import Random
from typing import Any, cast

import orjson
import pytest
from hypothesis import given, settings

from tests.simulation.cluster import Cluster
from tests.simulation.counts import count, watched
from tests.simulation.story import HEARTBEATS, RULES, SECOND_MS, START_MS, VERSIONS, WINDOW_MS, tell
from tests.simulation.test_cluster import SEEDS, check_fates, final_windows
from tests.support.recount_records import Raw

Beats = dict[tuple[int, str, str, str], list[float]]


def beats(seed: int) -> tuple[list[Raw], Beats, int]:
    """Heartbeats of three minutes, some of them bad; what they tell of each window, and how many are bad."""
    rng, raw, told, bad = Random(seed), [], Beats(), 0
    for offset in range(0, rng.randrange(40), rng.choice((1, 2))):
        at_ms = START_MS + rng.randrange(180 * SECOND_MS)
        version, cpu = rng.choice(VERSIONS), rng.choice((0.5, 0.25, None, "x"))
        beat = {"schema": "hindcast.heartbeat/1", "model": rng.choice(("fraud", "fraud", "fraud", "who")),
                "model_version": version, "instance": f"host:{rng.randrange(3)}", "event_time": at_ms,
                "resources": {"cpu_ratio": cpu, "memory_bytes": 5}}  # fmt: skip
        raw.append(Raw("heartbeats", 0, offset, orjson.dumps(beat), at_ms))
        bad += beat["model"] == "who"
        if beat["model"] == "fraud" and isinstance(cpu, float):
            told.setdefault((at_ms - at_ms % WINDOW_MS, "fraud", version, ""), []).append(cpu)
    return raw, told, bad


def cpu_means(cluster: Cluster) -> dict[tuple[int, str, str, str], float]:
    parts = {key: cast("dict[str, Any]", r.parts) for key, r in final_windows(cluster.records).items()}
    found = {key: one.get("resources", {}).get("cpu_ratio", {}).get("mean") for key, one in parts.items()}
    return {key: mean for key, mean in found.items() if mean is not None}


@settings(max_examples=100, deadline=None, derandomize=True)
@given(seed=SEEDS)
def test_heartbeats_count_once_whatever_happens_to_the_workers(seed: int) -> None:
    story = tell(seed, ids=8)
    raw, told, bad = beats(seed)
    cluster = Cluster(replace(story, sources={HEARTBEATS: raw} | dict(story.sources)), seed + 1, workers=1 + seed % 3)
    while not cluster.senders[HEARTBEATS].ended:
        cluster._send(HEARTBEATS)  # before any window can be final: then nothing is late
    cluster.run(100, faults=0.15)

    fates = sum((Counter(state.fates.as_dict()["heartbeats"]) for state in cluster.states()), Counter())
    assert fates == Counter(heartbeat=len(raw) - bad, dead_lettered=bad) + Counter()
    counted = count(story.records(), RULES)
    check_fates(cluster, counted)
    whole = {key: c for key, c in counted.windows.items() if not key[3]}
    final = {key: r for key, r in final_windows(cluster.records).items() if not key[3]}
    assert {key: r.parts["total"] for key, r in final.items() if r.parts["total"]} == {
        key: c.total for key, c in whole.items()
    }
    expected = defaultdict(list, {key: list(values) for key, values in told.items()})
    for key, bodies in watched(story.records(), RULES).items():
        values = [cast("dict[str, object]", body.get("resources", {})).get("cpu_ratio") for body in bodies]
        expected[key] += [float(n) for n in values if isinstance(n, int | float) and n >= 0]
    assert cpu_means(cluster) == {key: pytest.approx(sum(v) / len(v)) for key, v in expected.items() if v}
