from types import SimpleNamespace
from typing import cast

from agents.context import Context, Progress
from agents.placement import FIRST_RECORDS, Placement
from models.partitioner import partitions_of
from tables.plan import Plan
from telemetry.registry import Telemetry
from tests.unit.agents.test_in_order import Record
from transport.chunk import Chunk

IDS = [b"id-%d" % number for number in range(20_000)]
MINE = [one for one, partition in zip(IDS, partitions_of(IDS, 4).tolist(), strict=True) if partition == 0]
FOREIGN = [one for one in IDS if one not in set(MINE)]
CHUNK = Chunk("scores", 0, [Record(0)])


def placement() -> tuple[Placement, Progress]:
    progress = Progress()
    context = SimpleNamespace(plan=Plan({}, {"scores": 4}), progress=progress, telemetry=Telemetry(100))
    return Placement(cast("Context", context)), progress


def test_ids_on_their_own_partition_raise_no_alarm() -> None:
    check, progress = placement()
    for start in range(0, len(MINE), 500):
        check.check(CHUNK, MINE[start : start + 500])
    assert progress.alarms == {}


def test_one_misplaced_id_in_a_thousand_is_let_pass_and_two_are_not() -> None:
    check, progress = placement()
    check.check(CHUNK, [*MINE[: FIRST_RECORDS - 1], FOREIGN[0]])
    assert progress.alarms == {}
    check, progress = placement()
    check.check(CHUNK, [*MINE[: FIRST_RECORDS - 2], *FOREIGN[:2]])
    assert "scores is not partitioned by id: 2 of 1000 ids" in progress.alarms["scores"]


def test_a_producer_that_goes_wrong_much_later_is_noticed_as_soon() -> None:
    check, progress = placement()
    for _ in range(100):
        check.check(CHUNK, MINE[:1000])
    check.check(CHUNK, FOREIGN[:1000])
    assert "scores" in progress.alarms
