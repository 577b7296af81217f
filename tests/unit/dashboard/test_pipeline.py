"""The pipeline as the API tells it."""

from dashboard.message import Message
from dashboard.pipeline import LOOK_SECONDS, Group, Groups, GroupsView, Lag
from tests.unit.dashboard.samples import NOON_MS, metric, pipeline, tombstone
from tests.unit.dashboard.scene import scene


async def test_fates_are_summed_over_partitions_of_which_the_last_record_counts() -> None:
    async with scene() as it:
        it.tell(pipeline(0, joined=1), pipeline(1, joined=2, pending=3), pipeline(0, joined=5, worker="worker-1"))
        _, told = await it.get("/pipeline")
        assert told["fates"] == {"predictions": {"joined": 7, "pending": 3}, "labels": {"joined": 7}}
        first, second = told["partitions"]
        assert (first["worker"], first["consumed"], second["consumed"]) == ("worker-1", 10, 7)
        assert second["watermarks"] == {"fraud": "2026-11-21T12:00:00.001Z"}
        it.tell(tombstone(pipeline(0)))
        _, told = await it.get("/pipeline")
        assert [one["partition"] for one in told["partitions"]] == [1]


async def test_how_far_models_are_is_told_by_their_windows() -> None:
    async with scene() as it:
        it.tell(metric(0), metric(1), metric(0, model="churn"))
        it.tell(metric(2, version="v2"))
        _, told = await it.get("/pipeline")
        assert told["models"] == [
            {"model": "churn", "closed_until": "2026-11-21T12:01:00Z", "final_until": None},
            {"model": "fraud", "closed_until": "2026-11-21T12:03:00Z", "final_until": None},
        ]


async def test_the_broker_is_asked_for_the_groups_only_now_and_then() -> None:
    asked: list[float] = []
    time = [0.0]

    def look() -> Groups:
        asked.append(time[0])
        return Groups(
            groups=[Group(group="hindcast", state="stable", members=["10.0.0.1"])],
            lag=[Lag(group="hindcast", topic="in", partition=0, records=4)],
        )

    async with scene(consumers=GroupsView(look, lambda: time[0])) as it:
        for at in (0.0, LOOK_SECONDS - 1, LOOK_SECONDS):
            time[0] = at
            _, told = await it.get("/pipeline")
            assert told["consumers"]["lag"] == [{"group": "hindcast", "topic": "in", "partition": 0, "records": 4}]
        assert asked == [0.0, LOOK_SECONDS]


async def test_where_nobody_asks_the_broker_it_is_said() -> None:
    async with scene() as it:
        _, told = await it.get("/pipeline")
        assert told["consumers"] == {"groups": [], "lag": [], "problem": "nobody asks the broker here"}
        assert (told["partitions"], told["fates"]) == ([], {})


async def test_what_is_no_pipeline_record_is_counted_and_left_out() -> None:
    async with scene() as it:
        it.tell(Message("pipeline", 0, 0, NOON_MS, b"0", b"{}"), Message("pipeline", 0, 0, NOON_MS, b"x", None))
        assert it.site.store.unreadable == 2
