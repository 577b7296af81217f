"""Batches survive the wire, splitting and joining."""

from __future__ import annotations

import zlib
from typing import Literal

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.batch import MIN_MS, Batch, Source, empty, id_partitions
from models.combo import Combo
from models.errors import DecodeError
from models.outcome import DTYPES, TASKS, WITHDRAWN_VALUE, Task
from models.packed_batch import FORMAT, pack, unpack

TEXTS = st.text(max_size=6)


CLASSES = ["cat", "dog", "cow", ""]
OUTCOMES: dict[Task, st.SearchStrategy[float]] = {
    "binary": st.sampled_from([-1, 0, 1]),
    "multiclass": st.integers(-1, len(CLASSES) - 1),
    "regression": st.floats(-1e15, 1e15) | st.just(WITHDRAWN_VALUE),
}


@st.composite
def carried(draw: st.DrawFn, size: int) -> NDArray[np.void] | None:
    width = draw(st.sampled_from([0, 1, 2]))
    held = draw(st.binary(min_size=size * width, max_size=size * width))
    return np.frombuffer(held, f"V{width}") if width else None


@st.composite
def batches(draw: st.DrawFn, kind: Literal["predictions", "labels"] = "predictions", only: Task | None = None) -> Batch:
    size = draw(st.integers(0, 30))
    task = draw(st.sampled_from(TASKS)) if only is None else only
    ids = draw(st.lists(st.binary(min_size=1, max_size=256), min_size=size, max_size=size))
    combos: list[Combo] = draw(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=5, unique=True))
    scored = size if kind == "predictions" else 0
    numbers = st.integers(-(2**63), 2**63 - 1)
    return Batch(
        kind, Source(draw(TEXTS), draw(st.integers(0, 2**31))), draw(st.integers(-1, 2**60)), draw(numbers),
        draw(st.sampled_from([MIN_MS, 0, 1_795_255_200_000])), draw(st.booleans()), ids,
        np.array(draw(st.lists(numbers, min_size=size, max_size=size)), dtype=np.int64),
        np.array(draw(st.lists(numbers, min_size=size, max_size=size)), dtype=np.int64),
        np.array(draw(st.lists(st.floats(0, 1) | st.just(float("nan")), min_size=scored, max_size=scored)), np.float64),
        np.array(draw(st.lists(OUTCOMES[task], min_size=size, max_size=size)), dtype=DTYPES[task]),
        combos if scored else [],
        np.array(draw(st.lists(st.integers(0, len(combos) - 1), min_size=scored, max_size=scored)), np.int32),
        np.array(draw(st.lists(numbers, max_size=3)), dtype=np.int64),
        None,
        draw(carried(size)) if scored else None,
    )  # fmt: skip


def records(batch: Batch) -> list[tuple[object, ...]]:
    scored = batch.kind == "predictions"
    return [
        (
            batch.ids[at], batch.offsets[at], batch.time_ms[at], repr(batch.score[at]) if scored else None,
            b"" if batch.carried is None else batch.carried[at].tobytes().rstrip(b"\0"),
            batch.outcome[at].item(), batch.combos[batch.combo_index[at]] if scored else None,
        )
        for at in range(len(batch))
    ]  # fmt: skip


@given(st.one_of(batches(), batches("labels")))
def test_a_packed_batch_unpacks_to_the_same_batch(batch: Batch) -> None:
    assert unpack(pack(batch)) == batch


@given(st.one_of(batches(), batches("labels")), st.integers(1, 9))
def test_split_parts_put_together_are_the_batch_in_the_order_of_each_id(batch: Batch, partitions: int) -> None:
    parts = batch.split(partitions)
    together = Batch.concat(parts)
    assert len(parts) == partitions
    assert sorted(records(together), key=repr) == sorted(records(batch), key=repr)
    for one in set(batch.ids):
        assert [r for r in records(together) if r[0] == one] == [r for r in records(batch) if r[0] == one]


@given(batches(), st.integers(2, 9))
def test_a_part_holds_the_ids_of_its_partition_and_only_the_combos_in_use(batch: Batch, partitions: int) -> None:
    for partition, part in enumerate(batch.split(partitions)):
        assert all(zlib.crc32(one) % partitions == partition for one in part.ids)
        assert sorted(set(part.combo_index.tolist())) == list(range(len(part.combos)))
        assert (part.source, part.base, part.last, part.watermark_ms) == (
            batch.source, batch.base, batch.last, batch.watermark_ms,
        )  # fmt: skip


@given(batches(), st.integers(1, 9))
def test_bad_records_are_told_of_by_the_first_part_only(batch: Batch, partitions: int) -> None:
    first, *others = batch.split(partitions)
    assert first.bad.tolist() == batch.bad.tolist()
    assert not any(len(part.bad) for part in others)
    assert Batch.concat([first, *others]).bad.tolist() == batch.bad.tolist()


@given(batches(), st.data())
def test_a_mask_and_the_positions_it_names_select_the_same_records(batch: Batch, data: st.DataObject) -> None:
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(batch), max_size=len(batch))), dtype=np.bool_)
    wanted = [record for record, keep in zip(records(batch), mask, strict=True) if keep]
    assert records(batch.select(mask)) == wanted
    assert batch.select(np.flatnonzero(mask)) == batch.select(mask)


def small() -> Batch:
    return Batch(
        "predictions", Source("t", 1), 4, 9, 7, False, [b"a", b"b", b"c"], np.array([5, 6, 7]), np.array([1, 2, 3]),
        np.array([0.1, 0.2, np.nan]), np.array([0, 1, 0], dtype=np.int8),
        [("m", "v1", "DE"), ("m", "v1", "FR")], np.array([0, 1, 0], dtype=np.int32),
    )  # fmt: skip


def test_capped_combos_that_become_equal_unite() -> None:
    capped = small().cap(lambda combo: (*combo[:2], "__other__"))
    assert capped.combos == [("m", "v1", "__other__")]
    assert capped.combo_index.tolist() == [0, 0, 0]
    assert small().cap(lambda combo: combo) == small()


def test_batches_that_differ_in_one_score_are_not_equal() -> None:
    other = small()
    other.score = np.array([0.1, 0.3, np.nan])
    assert small() == small()
    assert small() != other


@pytest.mark.parametrize("damaged", [b"", b"\x93\x01", b"not msgpack", b"\xc1"])
def test_bytes_that_are_no_batch_are_refused(damaged: bytes) -> None:
    with pytest.raises(DecodeError, match="batch"):
        unpack(damaged)


def test_every_shortened_or_lengthened_batch_is_refused() -> None:
    packed = pack(small())
    for end in range(len(packed)):
        with pytest.raises(DecodeError):
            unpack(packed[:end])
    with pytest.raises(DecodeError):
        unpack(packed + b"\x00")


def test_a_later_format_version_is_refused() -> None:
    packed = bytearray(pack(small()))
    assert packed[packed.index(FORMAT)] == FORMAT
    packed[packed.index(FORMAT)] = FORMAT + 1
    with pytest.raises(DecodeError, match=f"format {FORMAT + 1}"):
        unpack(bytes(packed))


def test_the_format_before_is_still_read() -> None:
    *fields, _ = msgspec.msgpack.decode(pack(small()))
    assert unpack(msgspec.msgpack.encode([2, *fields[1:]])) == small()


def test_columns_of_different_lengths_are_refused() -> None:
    for name in ("outcome", "carried"):
        batch = small()
        batch.carried = np.zeros(len(batch), "V9")
        setattr(batch, name, getattr(batch, name)[:2])
        with pytest.raises(DecodeError):
            unpack(pack(batch))


def test_a_combo_index_without_a_combo_is_refused() -> None:
    batch = small()
    batch.combos = batch.combos[:1]
    with pytest.raises(DecodeError):
        unpack(pack(batch))


def test_batches_of_two_tasks_cannot_be_put_together() -> None:
    other = small()
    other.outcome = other.outcome.astype(np.float64)
    assert other != small()
    with pytest.raises(ValueError, match="several tasks"):
        Batch.concat([small(), other])


def test_batches_of_two_kinds_cannot_be_put_together() -> None:
    marker = empty("labels", Source("t", 0), base=-1, last=3, watermark_ms=MIN_MS, idle=True)
    with pytest.raises(ValueError, match="one kind"):
        Batch.concat([small(), marker])
    with pytest.raises(ValueError, match="at least one"):
        Batch.concat([])


def test_an_empty_batch_travels_as_a_marker() -> None:
    marker = empty("labels", Source("t", 0), base=-1, last=3, watermark_ms=MIN_MS, idle=True)
    assert unpack(pack(marker)) == marker
    assert [len(part) for part in marker.split(3)] == [0, 0, 0]


def test_more_partitions_than_sixteen_bits_can_name_are_refused() -> None:
    assert id_partitions([b"a"], 2**16).tolist() == [zlib.crc32(b"a") % 2**16]
    with pytest.raises(ValueError, match="partitions"):
        id_partitions([b"a"], 2**16 + 1)
