"""Models of values and of several classes: final records are those of a recount, whatever happens to the workers."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from models.batch import Batch
from tables import offline
from tables.records import Record
from tests.simulation.cluster import Cluster
from tests.simulation.story import CLASSES, RULES, Reader, Story, tell
from tests.support.recount import Key
from tests.support.recount_tasks import bounds_of_scores, class_metrics, confusion, regression_metrics, windows

SEEDS = st.integers(0, 2**32 - 1)


def batches(story: Story) -> list[Batch]:
    readers = [Reader(story, source) for source in story.sources]
    return [reader.read(1_000) for reader in readers if not reader.done]


def is_close(found: float | None, expected: float | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)


def check_regression(finals: dict[Key, dict[str, Any]], story: Story) -> None:
    expected = windows(story.records(), RULES, "regression")
    assert finals.keys() == expected.keys()
    for key, window in expected.items():
        said = finals[key]
        assert (said["total"], said["labelled"]) == (len(window.predicted), len(window.pairs))
        for name, value in regression_metrics(window).items():
            assert is_close(said["metrics"][name], value), (key, name)
        assert "confusion" not in said
        assert ("estimated" in said) is (key[3] == "")
        if not key[3]:
            check_values(said, [float(value) for value in window.predicted])


def check_values(said: dict[str, Any], predicted: list[float]) -> None:
    """top_value_share, and the MAE that the story's losses promise in each bin."""
    assert said["metrics"]["top_value_share"] == max(Counter(predicted).values()) / len(predicted)
    usual = [1.0 if value <= -1 else 0.5 if value <= 5 else 9.0 for value in predicted]
    assert is_close(said["estimated"]["metrics"]["mae"], sum(usual) / len(usual))


def final_records(records: list[Record]) -> dict[Key, dict[str, Any]]:
    finals = [(r.start_ms, orjson.loads(r.encode(0))) for r in records if r.final and not r.rolling]
    return {(start_ms, r["model"], r["model_version"], r["segment"]): r for start_ms, r in finals}


def check_classes(finals: dict[Key, dict[str, Any]], story: Story) -> None:
    expected = windows(story.records(), RULES, "multiclass", CLASSES)
    assert finals.keys() == expected.keys()
    for key, window in expected.items():
        said = finals[key]
        assert (said["total"], said["labelled"]) == (len(window.predicted), len(window.pairs))
        assert said["confusion"] == confusion(window), key
        assert said["predicted_counts"] == Counter(window.predicted), key
        shares = {name: n / len(window.predicted) for name, n in Counter(window.predicted).items()}
        assert said.get("class_shares") == (None if key[3] else shares), key
        for name, value in class_metrics(window).items():
            assert is_close(said["metrics"][name], value), (key, name)
        for name, bounds in bounds_of_scores(window, 20 if key[3] else 100).items():
            found = said["metrics"][name]
            if bounds is None:
                of_score = name == "mean_confidence" and not key[3]  # whole models have it of `score`, too
                assert of_score or found is None, (key, name)
            else:
                assert found is not None, (key, name)
                assert bounds[0] - 1e-9 <= found <= bounds[1] + 1e-9, (key, name, found, bounds)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=SEEDS)
def test_offline_the_records_of_a_regression_equal_scikit_learn(seed: int) -> None:
    story = tell(seed, ids=40, task="regression")
    check_regression(final_records(offline.evaluate(story.plan, batches(story))[0]), story)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=SEEDS)
def test_the_records_of_a_regression_are_exact_whatever_happens_to_the_workers(seed: int) -> None:
    story = tell(seed, ids=12, task="regression")
    cluster = Cluster(story, seed + 1, workers=1 + seed % 3)
    cluster.run(150, faults=0.15)
    check_regression(final_records(cluster.records), story)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=SEEDS)
def test_offline_the_records_of_several_classes_equal_scikit_learn(seed: int) -> None:
    story = tell(seed, ids=40, task="multiclass")
    records, _ = offline.evaluate(story.plan, batches(story), story.admissions.class_names)
    check_classes(final_records(records), story)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=SEEDS)
def test_the_records_of_several_classes_are_exact_whatever_happens_to_the_workers(seed: int) -> None:
    story = tell(seed, ids=12, task="multiclass")
    cluster = Cluster(story, seed + 1, workers=1 + seed % 3)
    cluster.run(150, faults=0.15)
    check_classes(final_records(cluster.records), story)


def test_corrections_and_withdrawals_do_occur_in_these_stories() -> None:
    fates = [offline.evaluate(s.plan, batches(s))[1]["labels"] for s in (tell(n, task="regression") for n in range(5))]
    assert all(sum(one[fate] for one in fates) > 0 for fate in ("corrected", "withdrawn", "duplicate"))
