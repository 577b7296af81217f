"""Inputs as a part of a window: counted exactly, added up in any order, told as plain values."""

from itertools import product
from typing import Any

import msgspec
import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from metrics.coding import categorical_codes, numeric_codes
from metrics.inputs import SQUARE_SCALE, Z_SCALE, Inputs
from metrics.observer import Observation
from metrics.reference import MISSING, NULL, Feature
from metrics.window_layout import WindowLayout
from tests.unit.metrics.features import categorical_feature, numeric_feature

RNG = np.random.default_rng(61)
AMOUNT = numeric_feature(RNG.lognormal(3, 1, 3000))
AGE = numeric_feature(RNG.integers(18, 90, 3000).astype(float))
COUNTRY = categorical_feature(RNG.choice(["DE", "FR", "IT"], 3000).tolist())
INPUTS = Inputs((("amount", AMOUNT), ("country", COUNTRY), ("age", AGE)), 3600.0, 30)
NOTHING: list[Any] = [msgspec.UNSET]
SLOTS = 4
Chunk = tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int64]]


@st.composite
def chunks(draw: st.DrawFn) -> Chunk:
    n, rng = draw(st.integers(0, 30)), np.random.default_rng(draw(st.integers(0, 2**32)))
    codes = np.stack([rng.integers(0, f.codes, n, np.uint8) for _, f in INPUTS.features], axis=1)
    z = rng.normal(0, 5, (n, 2)).astype(np.float32)
    z[rng.random((n, 2)) < 0.2] = draw(st.sampled_from([0.0, 1000.0, -1000.0, 2.0**-21]))
    return codes, z, rng.integers(0, draw(st.integers(1, SLOTS)), n)


def seen(codes: NDArray[np.uint8], z: NDArray[np.float32]) -> Observation:
    """Records of which only features are known."""
    shape = [("codes", "u1", codes.shape[1:]), ("z", "<f4", z.shape[1:])]
    packed = np.zeros(len(codes), shape)
    packed["codes"], packed["z"] = codes, z
    return Observation(
        np.full(len(codes), np.nan), np.zeros(len(codes), np.int8), packed, np.ones(len(codes), np.bool_)
    )


def observed(amounts: list[Any], countries: list[Any], ages: list[Any]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """One window of these values."""
    (amount, amount_z), (age, age_z) = numeric_codes(AMOUNT, amounts), numeric_codes(AGE, ages)
    codes = np.stack([amount, categorical_codes(COUNTRY, countries), age], axis=1)
    head, cells = INPUTS.observe(seen(codes, np.stack([amount_z, age_z], axis=1)), np.zeros(len(codes), np.int64), 1)
    return head[0], cells[0]


def drawn(n: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    rng = np.random.default_rng(62)
    amounts, ages = rng.lognormal(3, 1, n), rng.integers(18, 90, n).astype(float)
    return observed(amounts.tolist(), rng.choice(["DE", "FR", "IT"], n).tolist(), ages.tolist())


def summary(window: tuple[NDArray[np.int64], NDArray[np.int32]], seconds: float = 3600.0) -> dict[str, Any]:
    return {**INPUTS.summarise(*window, seconds)}


@given(chunks())
def test_every_record_is_counted_in_its_own_window(chunk: Chunk) -> None:
    codes, z, slot = chunk
    head, cells = INPUTS.observe(seen(codes, z), slot, SLOTS)
    assert (head.dtype.name, *head.shape) == ("int64", SLOTS, INPUTS.head_columns)
    assert (cells.dtype.name, *cells.shape) == ("int32", SLOTS, INPUTS.cells)
    starts = [0, AMOUNT.codes, AMOUNT.codes + COUNTRY.codes]
    expected_head, expected_cells = np.zeros_like(head), np.zeros_like(cells)
    for record, row in enumerate(slot.tolist()):
        expected_head[row, 0] += 1
        for number, value in enumerate(z[record]):
            expected_head[row, 1 + 2 * number] += round(float(value * np.float32(Z_SCALE)))
            expected_head[row, 2 + 2 * number] += round(float(value * value * np.float32(SQUARE_SCALE)))
        for start, code in zip(starts, codes[record].tolist(), strict=True):
            expected_cells[row, start + code] += 1
    assert np.array_equal(head, expected_head)
    assert np.array_equal(cells, expected_cells)


@given(chunks(), st.integers(0, 99))
def test_parts_in_any_order_add_up_to_the_whole(chunk: Chunk, seed: int) -> None:
    codes, z, slot = chunk
    index = np.array_split(np.random.default_rng(seed).permutation(len(slot)), 3)
    parts = [INPUTS.observe(seen(codes[part], z[part]), slot[part], SLOTS) for part in index]
    head, cells = INPUTS.observe(seen(codes, z), slot, SLOTS)
    assert np.array_equal(head, sum(part[0] for part in parts))
    assert np.array_equal(cells, sum(part[1] for part in parts))


@pytest.mark.parametrize("slot", [-1, SLOTS])
def test_a_slot_that_is_not_there_is_refused(slot: int) -> None:
    with pytest.raises(IndexError, match="slot"):
        INPUTS.observe(seen(np.zeros((1, 3), np.uint8), np.zeros((1, 2), np.float32)), np.array([slot]), SLOTS)


def test_columns_of_a_packed_record_are_read_where_they_lie() -> None:
    packed = np.zeros(5, [("codes", "u1", 3), ("z", "<f4", 2), ("more", "u1")])
    packed["codes"], packed["z"] = [7, 6, 5], [1.5, -2.0]
    head, _ = INPUTS.observe(seen(packed["codes"], packed["z"]), np.zeros(5, np.int64), 1)
    assert head[0].tolist() == [5, 7.5 * Z_SCALE, 11.25 * SQUARE_SCALE, -10 * Z_SCALE, 20 * SQUARE_SCALE]


def test_without_features_records_are_counted_and_nothing_else() -> None:
    empty = Inputs((), 3600.0, 30)
    codes, z = np.zeros((2, 0), np.uint8), np.zeros((2, 0), np.float32)
    head, cells = empty.observe(seen(codes, z), np.zeros(2, np.int64), 1)
    assert (head.tolist(), cells.shape) == ([[2]], (1, 0))
    found = empty.summarise(head[0], cells[0], 3600.0)
    assert found["drift"] == {"over": "1h", "records": 2, "features": {}, "features_drifted": None}


def test_equal_features_have_one_name_and_others_another() -> None:
    features = msgspec.json.decode(msgspec.json.encode(INPUTS.features), type=tuple[tuple[str, Feature], ...])
    again = Inputs(features, 3600.0, 30)
    assert (again, again.name, hash(again)) == (INPUTS, INPUTS.name, hash(INPUTS))
    moved = msgspec.structs.replace(AMOUNT, edges=[edge + 1 for edge in AMOUNT.edges])
    others = [(("amount", moved), *INPUTS.features[1:]), INPUTS.features[::-1], (("sum", AMOUNT), *INPUTS.features[1:])]
    assert len({INPUTS.name, *(Inputs(features, 3600.0, 30).name for features in others)}) == 4
    assert Inputs(INPUTS.features, 60.0, 99).name == INPUTS.name  # what is counted does not change


def test_short_windows_tell_quality_and_long_ones_drift_too() -> None:
    window = drawn(200)
    assert set(summary(window, 3599.9)) == {"quality"}
    assert set(summary(window, 3600.0)) == {"quality", "drift"}
    assert set(summary(window, 86_400.0)) == {"quality", "drift"}


def test_the_record_has_the_names_of_the_contract() -> None:
    found = summary(drawn(200))
    assert set(found["quality"]) == {"features", "columns_missing", "columns_extra"}
    assert list(found["quality"]["features"]) == ["amount", "country", "age"]
    drift = found["drift"]
    assert {name: drift[name] for name in ("over", "records", "features_drifted")} == {
        "over": "1h", "records": 200, "features_drifted": 0,
    }  # fmt: skip
    names = "ks ks_pvalue psi psi_threshold js wasserstein chi2_pvalue mean_shift null_ratio new_categories drifted"
    assert set(drift["features"]["amount"]) == {*names.split(), "drifted_by", "binning_error", "bins"}
    assert set(drift["features"]["country"]) == {*names.split(), "drifted_by", "bins"}


def test_spans_whose_cells_were_summed_say_the_same() -> None:
    head, cells = drawn(500)
    assert INPUTS.summarise(head, cells.astype(np.int64), 3600.0) == INPUTS.summarise(head, cells, 3600.0)


def test_sums_of_z_make_the_shift_of_the_mean() -> None:
    amounts = [AMOUNT.mean + 3 * AMOUNT.std] * 40
    found = summary(observed(amounts, ["DE"] * 40, [50.0] * 40))["drift"]
    assert found["features"]["amount"]["mean_shift"] == pytest.approx(3.0, abs=1e-6)
    assert found["features"]["amount"]["drifted_by"] == ["psi", "ks", "mean_shift"]
    assert found["features_drifted"] == 3


def test_a_column_is_missing_when_no_record_had_it() -> None:
    nulls = observed([None] * 3, NOTHING * 3, [20, *NOTHING * 2])
    assert summary(nulls)["quality"]["columns_missing"] == ["country"]
    assert summary(observed([], [], []))["quality"]["columns_missing"] == []


DEGENERATE: dict[str, tuple[list[Any], list[Any], list[Any]]] = {
    "empty": ([], [], []),
    "one record": ([1.0], ["DE"], [20]),
    "all null": ([None] * 50, [None] * 50, [None] * 50),
    "all missing": (NOTHING * 50, NOTHING * 50, NOTHING * 50),
    "of another type": ([{}] * 50, [[]] * 50, ["20"] * 50),
    "constant": ([5.0] * 50, ["DE"] * 50, [20] * 50),
    "unseen and out of range": ([-9e307] * 50, ["XX"] * 50, [1e308] * 50),
}


@pytest.mark.parametrize(("name", "seconds"), list(product(DEGENERATE, [0.0, 60.0, 3600.0])))
def test_degenerate_windows_are_plain_json_without_an_error(name: str, seconds: float) -> None:
    found = INPUTS.summarise(*observed(*DEGENERATE[name]), seconds)
    assert orjson.loads(orjson.dumps(found)) == found


@pytest.mark.parametrize("name", ["empty", "one record"])
def test_too_few_records_are_no_verdict(name: str) -> None:
    found = summary(observed(*DEGENERATE[name]))["drift"]
    assert found["features_drifted"] is None
    for feature in found["features"].values():
        reason = feature.pop("reason")
        assert "at least 30 are needed" in reason
        assert {each for each in feature.values() if each != []} == {None}


def test_it_is_a_part_of_a_layout() -> None:
    layout = WindowLayout((INPUTS,))
    head, cells = drawn(50)
    assert (layout.head_columns, layout.cells) == (len(head), len(cells)) == (5, len(cells))
    assert layout.summarise(head, cells, 3600.0) == INPUTS.summarise(head, cells, 3600.0)
    assert cells[[MISSING, NULL]].tolist() == [0, 0]


@pytest.mark.parametrize(("seconds", "text"), [(86_400, "1d"), (7200, "2h"), (900, "15m"), (90, "90s"), (0.5, "0.5s")])
def test_the_span_is_written_as_in_the_configuration(seconds: float, text: str) -> None:
    part = Inputs(INPUTS.features, seconds, 30)
    found: Any = part.summarise(*drawn(30), seconds)
    assert found["drift"]["over"] == text
