"""Unknown features: found in a sample that depends on offsets alone, told by name, never with a value."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from metrics.observer import ModelObserver
from metrics.reference import Categorical
from models.batch import Batch, Source
from models.codec import Decoder
from models.extras import EXTRAS_MAX, extra_names, sampled
from models.mapping import ModelFields
from models.observed import Observed
from models.packed_batch import pack, unpack

T0_MS = 1_763_000_040_000
COUNTRY = Categorical(categories=["DE"], counts=[0] * 6)
OWN = ((("latency_ms",),), (("status",),), (("error_type",),))
CONTAINERS = (("features",), ("payload", "input"))
OBSERVER = ModelObserver((*OWN, (("features", "country"),)), (("country", COUNTRY),), containers=CONTAINERS)


@dataclass
class Consumed:
    offset: int
    value: bytes
    timestamp: int = T0_MS
    key: bytes | None = None


def records(count: int, first: int = 0, **more: object) -> list[Consumed]:
    return [
        Consumed(at, json.dumps({"id": f"i{at}", "event_time": T0_MS, "score": 0.5, **more}).encode())
        for at in range(first, first + count)
    ]


def extras(*chunks: list[Consumed], observer: ModelObserver = OBSERVER, specialising: bool = True) -> dict[int, Any]:
    """By offset."""
    found: dict[int, Any] = {}
    fields = [ModelFields("m", "predictions", observer=observer)]
    decoder = Decoder("t", "predictions", fields, specialising=specialising)
    for chunk in chunks:
        decoded = decoder.decode(chunk, T0_MS)
        if decoded.observed is not None:
            found |= {int(decoded.offsets[at]): names for at, names in decoded.observed.extras.items()}
    return found


@pytest.mark.parametrize("step", [1, 2, 64, 1000])
@pytest.mark.parametrize("first", [0, 1, 10**12 + 1])
def test_about_one_of_64_is_sampled_whatever_gaps_the_offsets_have(first: int, step: int) -> None:
    found = sampled(first + step * np.arange(64_000))
    assert 800 < len(found) < 1200
    assert np.diff(found).max() < 1000


def test_what_is_sampled_does_not_depend_on_the_chunks_nor_on_how_records_are_decoded() -> None:
    every = records(500, features={"country": "DE", "colour": "red", "age": 3})
    whole = extras(every)
    assert list(whole) == sampled(np.arange(500)).tolist()
    assert set(map(tuple, whole.values())) == {("age", "colour")}
    assert extras(every[:7], every[7:250], every[250:]) == whole
    assert extras(every, specialising=False) == whole


def test_bad_records_are_not_looked_at_and_move_nobody() -> None:
    good, bad = records(300, features={"colour": 1}), Consumed(0, b"{")
    found = extras([bad if one.offset % 3 == 0 else one for one in good])
    assert found == {at: names for at, names in extras(good).items() if at % 3}


def test_a_record_without_anything_else_that_is_watched_is_looked_at_too() -> None:
    assert extras(records(200, payload={"input": {"colour": 1}}))[0] == ["colour"]


def test_nobody_looks_twice_where_there_is_no_baseline() -> None:
    plain = ModelObserver(OWN)
    assert extras(records(200, features={"colour": 1}), observer=plain) == {}


@pytest.mark.parametrize(
    ("record", "names"),
    [
        ({"features": {"country": "DE"}, "colour": 1}, []),
        ({"features": None}, []),
        ({"features": [1]}, []),
        ({"features": "{}"}, []),
        ({"payload": {"input": {"b": 1, "a": {"secret": 2}}}}, ["a", "b"]),
        ({"features": {}, "payload": {"input": {"b": 1}}}, []),
        ({"features": {"x" * 300: 1}}, ["x" * 100]),
    ],
)
def test_only_names_of_the_object_of_features_are_told(record: dict[str, object], names: list[str]) -> None:
    assert extra_names(json.dumps(record).encode(), OBSERVER) == names


def test_a_dotted_feature_is_known_by_what_it_begins_with() -> None:
    observer = ModelObserver((*OWN, ()), (("device.os", COUNTRY),), containers=CONTAINERS)
    assert extra_names(b'{"features": {"device": {"os": 1, "new": 2}, "os": 3}}', observer) == ["os"]


def test_a_record_of_ever_new_names_tells_some_of_them() -> None:
    many = {f"n{number:03}": 1 for number in range(200)}
    assert extra_names(json.dumps({"features": many}).encode(), OBSERVER) == sorted(many)[:EXTRAS_MAX]


def test_names_travel_with_their_records() -> None:
    decoded = Decoder("t", "predictions", [ModelFields("m", "predictions", observer=OBSERVER)]).decode(
        records(400, features={"colour": 1, "country": "DE"}), T0_MS
    )
    batch = Batch(
        "predictions", Source("t", 0), -1, 399, 0, False, decoded.ids, decoded.offsets, decoded.time_ms,
        decoded.score, decoded.outcome, decoded.combos, decoded.combo_index, observed=decoded.observed,
    )  # fmt: skip
    told = {batch.ids[at] for at in (batch.observed or Observed(0)).extras}
    assert len(told) > 2
    parts = [unpack(pack(part)) for part in batch.split(3)]
    assert {part.ids[at] for part in parts for at in (part.observed or Observed(0)).extras} == told
    again = Batch.concat(parts)
    assert {again.ids[at] for at in (again.observed or Observed(0)).extras} == told
