"""What is learned of label delays is the same whatever happens to the workers, and a revision says one thing only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest

from metrics import delay_curves, maturity
from models.outcome import Task
from tables.combos import Slice
from tables.records import Record
from tests.simulation.cluster import Cluster
from tests.simulation.story import Story, tell
from tests.simulation.test_cluster import check_revisions

pytestmark = pytest.mark.timeout(400)


@contextmanager
def quick_to_learn() -> Iterator[None]:
    """One record is enough: the stories are small."""
    with patch.object(maturity, "RECORDS_MIN", 1), patch.object(delay_curves, "RECORDS_MIN", 1):
        yield


def evidence(cluster: Cluster) -> dict[Slice, tuple[list[list[int]], list[int]]]:
    found = {}
    for owner, _ in cluster.mergers:
        for name, one in owner.state.slices.items():
            if one.delays is not None:
                known = one.delays.stored()
                found[name] = known.delays, known.predictions
    return found


def undisturbed(story: Story) -> Cluster:
    cluster = Cluster(story, 0, states=1, workers=1, merges=1)
    cluster.run(0, faults=0)
    return cluster


def is_told(record: Record) -> bool:
    return record.parts.get("expected_share") is not None


@pytest.mark.parametrize(
    ("seed", "task"),
    [(0, "binary"), (14, "binary"), (8887, "binary"), (352497, "binary"), (5419, "multiclass"), (14, "regression")],
)
def test_f02_kills_and_moves_change_nothing_of_what_is_learned(seed: int, task: Task) -> None:
    story = tell(seed, ids=30, seconds=300, task=task)
    cluster = Cluster(story, seed + 1, workers=1 + seed % 3)
    with quick_to_learn():
        cluster.run(900, faults=0.1)
        assert evidence(cluster) == evidence(undisturbed(story))
    check_revisions(cluster.records)
    told = [record for record in cluster.records if is_told(record)]
    assert {record.rolling for record in told} == {False, True}, "something was learned while records still came"
    assert all(not record.name[2] for record in told)
