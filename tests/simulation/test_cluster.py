"""Whatever happens to the workers, the final records are those of a recount."""

from collections import Counter, defaultdict
from typing import Any, cast

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tables.records import Record
from tests.simulation.cluster import Cluster
from tests.simulation.counts import Counted, Counts, count, watched, worth
from tests.simulation.story import RATES, RULES, tell
from tests.support.compare import compare_all
from tests.support.recount import recount

pytestmark = pytest.mark.timeout(400)
SEEDS = st.integers(0, 2**32 - 1)


def said(record: Record) -> Counts:
    return Counts(record.parts["total"], record.parts["labelled"], record.parts["confusion"])  # type: ignore[arg-type]


def final_windows(records: list[Record]) -> dict[tuple[int, str, str, str], Record]:
    return {(r.start_ms, *r.name): r for r in records if r.final}


@pytest.fixture(autouse=True)
def every_record_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """For features that nobody knows: a story is too short for one of 64."""
    monkeypatch.setattr("models.codec.sampled", lambda offsets: np.arange(len(offsets)))


def check_counts(cluster: Cluster, counted: Counted) -> None:
    final = final_windows(cluster.records)
    assert {key: said(record) for key, record in final.items()} == counted.windows


def check_fates(cluster: Cluster, counted: Counted) -> None:
    total = sum(state.fates.counts for state in cluster.states())
    assert isinstance(total, np.ndarray)
    fates = cluster.states()[0].fates.__class__(total).as_dict()
    for kind in ("predictions", "labels"):
        assert sum(fates[kind].values()) == counted.records.get(kind, 0), kind
        assert fates[kind]["dead_lettered"] == counted.bad.get(kind, 0), kind
        assert fates[kind]["pending"] == 0, kind
        assert min(fates[kind].values()) >= 0, (kind, fates[kind])
    assert fates["predictions"]["joined"] == counted.joined
    assert fates["predictions"]["expired"] + counted.joined == sum(
        c.total for key, c in counted.windows.items() if not key[3]
    )


def check_revisions(records: list[Record]) -> None:
    """One content a revision, and whoever keeps the highest is never behind: what comes later and is new is higher."""
    contents: dict[tuple[bytes, int], dict[str, object]] = {}
    highest: dict[bytes, int] = defaultdict(lambda: -1)
    for record in records:
        key = record.key()
        content = {**record.parts, "final": record.final, "start": record.start_ms, "end": record.end_ms}
        known = contents.setdefault((key, record.revision), content)
        assert known == content, f"{key!r} says two things in revision {record.revision}"
        assert record.revision >= highest[key] or (key, record.revision) in contents
        highest[key] = max(highest[key], record.revision)


def check_watched(cluster: Cluster) -> None:
    """What is known without labels, of every prediction that counts."""
    final = final_windows(cluster.records)
    for key, bodies in watched(cluster.story.records(), RULES).items():
        parts: dict[str, Any] = final[key].parts
        latencies = [one for body in bodies if (one := _latency_seconds(body)) is not None]
        mean = parts.get("prediction_latency_seconds", {}).get("mean")
        assert mean == (pytest.approx(sum(latencies) / len(latencies), abs=1e-6) if latencies else None)
        errors = Counter(body.get("error_type", "unknown") for body in bodies if body.get("status") == "error")
        assert parts.get("errors", {}) == dict(errors)
        for name, mismatched in (("amount", (str, list, bool)), ("channel", (dict,))):
            values = [cast("dict[str, object]", body.get("features", body)).get(name) for body in bodies]
            quality = parts["quality"]["features"][name]
            assert quality["missing_ratio"] == pytest.approx(sum(v is None for v in values) / len(values))
            wrong = sum(isinstance(v, mismatched) for v in values)
            assert quality["type_mismatch_ratio"] == pytest.approx(wrong / len(values))

        told = [cast("dict[str, object]", body.get("resources", {})).get("cpu_ratio") for body in bodies]
        used = [n for n in told if isinstance(n, int | float) and n >= 0]
        cpu = parts.get("resources", {}).get("cpu_ratio", {}).get("mean")
        assert cpu == (pytest.approx(sum(used) / len(used)) if used else None)
        names = {name for body in bodies for name in cast("dict[str, object]", body.get("features", {}))}
        assert parts["quality"]["columns_extra"] == sorted(names - {"amount", "channel"})


def _latency_seconds(body: dict[str, Any]) -> float | None:
    if "latency_ms" in body:
        return float(body["latency_ms"] / 1000)
    seconds = body.get("latency_seconds")
    return None if seconds is None else float(seconds)


def check_business(cluster: Cluster) -> None:
    """What outcomes are worth, of whole models and of segments; sums are exact, so nothing is left of corrections."""
    final = final_windows(cluster.records)
    for key, expected in worth(cluster.story.records(), RULES, RATES.per_record, RATES.per_value).items():
        assert final[key].parts["business"] == {
            name: value if value is None else pytest.approx(value, rel=1e-12, abs=1e-9)
            for name, value in expected.items()
        }, key


def check_parts(records: list[Record]) -> None:
    """What the values of a segment field say adds up to what the whole says."""
    whole = {k: said(r) for k, r in final_windows(records).items() if not k[3]}
    for field in ("country", "device"):
        sums: dict[tuple[int, str, str], list[Counts]] = defaultdict(list)
        for key, record in final_windows(records).items():
            if key[3].startswith(field + "="):
                sums[key[:3]].append(said(record))
        for (start, model, version, _), counts in whole.items():
            parts = sums[start, model, version]
            assert sum(p.total for p in parts) == counts.total
            assert sum(p.labelled for p in parts) == counts.labelled
            for cell, n in counts.confusion.items():
                assert sum(p.confusion[cell] for p in parts) == n


def run(seed: int, *, ids: int = 12, steps: int = 150, faults: float = 0.15) -> tuple[Cluster, Counted]:
    story = tell(seed, ids=ids)
    cluster = Cluster(story, seed + 1, workers=1 + seed % 3)
    cluster.run(steps, faults=faults)
    return cluster, count(story.records(), RULES)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=SEEDS)
def test_without_faults_the_records_are_exact(seed: int) -> None:
    cluster, counted = run(seed, faults=0)
    check_counts(cluster, counted)
    check_fates(cluster, counted)
    check_revisions(cluster.records)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(seed=SEEDS)
def test_f02_f05_f14_f15_records_are_exact_whatever_happens_to_the_workers(seed: int) -> None:
    cluster, counted = run(seed)
    check_counts(cluster, counted)
    check_fates(cluster, counted)
    check_revisions(cluster.records)
    check_parts(cluster.records)
    check_watched(cluster)
    check_business(cluster)


@settings(max_examples=4, deadline=None, derandomize=True)
@given(seed=SEEDS)
def test_all_metrics_of_the_final_records_equal_the_recount(seed: int) -> None:
    story = tell(seed, ids=60)
    cluster = Cluster(story, seed + 1, workers=3)
    cluster.run(150, faults=0.15)
    finals = [orjson.loads(r.encode(0)) for r in cluster.records if r.final]
    assert compare_all(finals, recount(story.records(), RULES), span="30s") == []
