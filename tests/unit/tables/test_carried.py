"""What predictions carry until their label comes: exact through corrections, shadow versions and changed settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from metrics.business import Rates
from models.batch import Batch, Source
from models.carried import ValueCarrier
from models.packed_batch import pack, unpack
from tables.block import decode_block, encode_block
from tables.join_state import JoinState
from tables.memory import MemoryCheckpoint
from tables.plan import MIN_MS, ModelPlan, Plan
from tables.tasks import layout_of
from tables.windows import slot_key
from tests.unit.tables.support import MODEL, T0, WINDOW_MS, join_state

RATES = Rates({"fp": -5.0}, {"fn": -1.0, "tp": 1.0})
CARRIER = ValueCarrier((("value",),))
LATER = T0 + 1_000
Said = tuple[str, str, int, float | None]
"""(id, version, predicted, value)."""


def valued(model: ModelPlan = MODEL) -> ModelPlan:
    whole, of_segment = (layout_of("binary", 0, RATES, whole=whole) for whole in (True, False))
    return replace(model, whole=whole, of_segment=of_segment, carried_bytes=CARRIER.itemsize)


def plan(*models: ModelPlan) -> Plan:
    return Plan({model.name: model for model in models}, {"p": 1, "l": 1})


class Feed:
    """Feeds one state, each source's offsets counted on; blocks travel as bytes."""

    def __init__(self, state: JoinState) -> None:
        self.state = state
        self.last = {"p": -1, "l": -1}
        self.blocks: list[bytes] = []

    def predict(self, *said: Said, model: str = "fraud", carries: bool = True) -> Batch:
        n, base = len(said), self.last["p"]
        self.last["p"] += n
        versions = [version for _, version, _, _ in said]
        return self.apply(
            Batch(
                "predictions", Source("p", 0), base, base + n, MIN_MS, False, [name.encode() for name, *_ in said],
                np.arange(base + 1, base + n + 1), np.full(n, T0), np.full(n, 0.75),
                np.array([predicted for _, _, predicted, _ in said], np.int8),
                [(model, version) for version in versions], np.arange(n, dtype=np.int32),
                carried=CARRIER.pack([value for *_, value in said]) if carries else None,
            )
        )  # fmt: skip

    def label(self, *said: tuple[str, int, int]) -> None:
        n, base = len(said), self.last["l"]
        self.last["l"] += n
        self.apply(
            Batch(
                "labels", Source("l", 0), base, base + n, MIN_MS, False, [name.encode() for name, _, _ in said],
                np.arange(base + 1, base + n + 1), np.array([at_ms for _, at_ms, _ in said]), np.empty(0),
                np.array([actual for *_, actual in said], np.int8), [], np.empty(0, np.int32),
            )
        )  # fmt: skip

    def apply(self, batch: Batch) -> Batch:
        block = self.state.decide(batch.kind, [unpack(pack(batch))])
        assert block is not None
        self.blocks.append(encode_block(block))
        self.state.apply(decode_block(self.blocks[-1]))
        return batch

    def said(self, version: str = "v1", model: str = "fraud") -> dict[str, Any]:
        code = self.state.combos.slice_code((model, version, ""))
        assert code is not None
        found = self.state.windows.snapshot(slot_key(T0 - T0 % WINDOW_MS, code))
        assert found is not None
        layout = self.state.plan.of(model).whole
        return cast("dict[str, Any]", layout.summarise(found.head, found.cells, 60))


def test_a_corrected_label_moves_the_value_to_another_cell() -> None:
    feed = Feed(join_state(plan(valued())))
    feed.predict(("a", "v1", 1, 120.25), ("b", "v1", 0, 40.0), ("c", "v1", 1, None))
    feed.label(("a", LATER, 0), ("b", LATER, 1), ("c", LATER, 1))
    assert feed.said()["business"] | {"cost": 0} == {
        "value": None, "cost": 0, "conversions": 1, "click_through_rate": 0.5, "revenue": None,
        "outcomes_without_value": 1,
    }  # fmt: skip
    feed.label(("a", LATER + 1, 1), ("b", LATER + 1, 0), ("c", LATER + 1, 0))
    found = feed.said()["business"]
    assert (found["value"], found["cost"], found["revenue"]) == (120.25 - 5, 5, 120.25)


def test_a_withdrawn_label_leaves_nothing_of_the_value() -> None:
    feed = Feed(join_state(plan(valued())))
    feed.predict(("a", "v1", 1, 120.25))
    before = feed.said()
    feed.label(("a", LATER, 1))
    assert feed.said() != before
    feed.label(("a", LATER + 1, -1))
    assert feed.said() == before


def test_shadow_versions_and_several_labels_carry_a_value_each() -> None:
    feed = Feed(join_state(plan(valued())))
    feed.label(("a", LATER, 0), ("a", LATER + 1, 1))
    feed.predict(("a", "v1", 1, 10.0), ("a", "v2", 1, 20.5))
    feed.predict(("a", "v1", 1, 99.0))  # a copy
    assert [feed.said(version)["business"]["revenue"] for version in ("v1", "v2")] == [10, 20.5]


def test_models_of_one_topic_need_not_all_carry_something() -> None:
    feed = Feed(join_state(plan(valued(), replace(MODEL, name="plain"))))
    feed.predict(("a", "v1", 1, 10.0))
    feed.predict(("b", "v1", 1, None), model="plain", carries=False)
    feed.label(("a", LATER, 1), ("b", LATER, 1))  # in one chunk, into windows that are laid out differently
    assert feed.said()["business"]["revenue"] == 10
    assert feed.said(model="plain")["confusion"]["tp"] == 1
    assert "business" not in feed.said(model="plain")


@pytest.mark.parametrize("full", [False, True])
def test_state_of_before_is_read_on_when_values_are_asked_for_and_when_no_more(full: bool) -> None:
    checkpoint = MemoryCheckpoint()
    feed = Feed(join_state(plan(MODEL), checkpoint))
    versions = ("v1", "v2") if full else ("v1",)
    feed.predict(*(("old", version, 1, 10.0) for version in versions), ("joined", "v1", 1, 7.0))
    feed.label(("joined", LATER, 1))
    for now, revenue in ((valued(), 20), (MODEL, None)):
        checkpoint.write(feed.state.cut((1, 0, 0)))
        known = feed.last
        feed = Feed(JoinState(plan(now), 0, checkpoint))
        feed.last = known
        name = "new" if now is not MODEL else "newer"
        feed.predict((name, "v1", 1, 20.0), carries=now is not MODEL)
        feed.label((name, LATER, 1), ("old", LATER + feed.last["l"], 1), ("joined", LATER + feed.last["l"], 1))
        feed.label(("old", LATER + feed.last["l"], 0), ("joined", LATER + feed.last["l"], 0))
        business = feed.said().get("business", {})
        assert business.get("revenue") == revenue
        assert business.get("conversions") == (None if revenue is None else 1)
    assert feed.said()["confusion"] == {"tp": 2, "fp": 2, "fn": 0, "tn": 0}


def test_blocks_of_another_configuration_are_replayed() -> None:
    for then, now in ((MODEL, valued()), (valued(), MODEL)):
        feed, other = Feed(join_state(plan(then))), Feed(join_state(plan(now)))
        feed.predict(("a", "v1", 1, 10.0), ("b", "v1", 1, 10.0), ("b", "v2", 1, 10.0))
        feed.label(("a", LATER, 1), ("b", LATER, 1))
        for block in feed.blocks:
            other.state.apply_body(block)
        assert other.said()["confusion"] == feed.said()["confusion"]
        other.last = feed.last
        other.label(("a", LATER + 1, 0), ("b", LATER + 1, 0))
        assert other.said()["confusion"] == {"tp": 0, "fp": 2, "fn": 0, "tn": 0}
