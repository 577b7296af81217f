"""Times are read as datetime and numpy read them, a column at a time and one by one alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import DecodeError
from models.timestamps import EARLIEST_MS, INVALID_MS, Time, in_range, parse_ms, parse_one, range_code

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OFFSETS = st.sampled_from(["", "Z", "+00:00", "+01:00", "-05:30", "+2359", "-03", "+14:00"])
FRACTIONS = st.from_regex(r"(\.[0-9]{1,9})?", fullmatch=True)
MOMENTS = st.integers(-62_135_510_400, 253_402_128_000).map(  # years 1 to 9999
    lambda seconds: (EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None)
)


@st.composite
def iso(draw: st.DrawFn) -> str:
    moment = draw(MOMENTS)
    return moment.isoformat(draw(st.sampled_from("T "))) + draw(FRACTIONS) + draw(OFFSETS)


@st.composite
def near_iso(draw: st.DrawFn) -> str:
    """One character of a time replaced: often no time any more."""
    text = draw(iso())
    at = draw(st.integers(0, len(text) - 1))
    return text[:at] + draw(st.sampled_from("0123456789-:.TZ+ ,x٣é")) + text[at + 1 :]


NUMBERS = st.one_of(
    st.integers(), st.floats(), st.integers(-(10**21), 10**21), st.sampled_from([10**11, 10**14, 10**17, 10**20]),
    st.floats(9e8, 4e9), st.integers(9 * 10**17, 4 * 10**18), st.sampled_from([-(2**63), 2**63 - 1, 2**63]),
)  # fmt: skip


def one_by_one(values: list[Time]) -> list[int]:
    parsed = []
    for value in values:
        try:
            parsed.append(parse_one(value))
        except DecodeError:
            parsed.append(INVALID_MS)
    return parsed


@given(iso())
def test_a_date_time_means_what_datetime_reads(text: str) -> None:
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    assert parse_one(text) == (moment - EPOCH) // timedelta(milliseconds=1)


@given(MOMENTS, FRACTIONS)
def test_a_fraction_to_nanoseconds_is_rounded_down_as_numpy_does(moment: datetime, fraction: str) -> None:
    text = moment.isoformat() + fraction
    whole_ms = int(np.datetime64(moment, "s").astype("datetime64[ms]").astype(np.int64))
    ns = int(np.timedelta64(int(f"{fraction[1:] or '0':0<9}"), "ns").astype(np.int64))
    assert parse_one(text) == whole_ms + ns // 1_000_000


@settings(max_examples=300)
@given(st.lists(st.one_of(iso(), near_iso()), max_size=30))
def test_a_column_of_strings_is_read_as_one_by_one(values: list[Time]) -> None:
    assert parse_ms(values).tolist() == one_by_one(values)


@settings(max_examples=300)
@given(iso(), st.lists(near_iso(), max_size=5), st.integers(1, 5))
def test_a_column_written_alike_with_a_few_odd_ones_is_read_as_one_by_one(
    text: str, odd: list[str], copies: int
) -> None:
    values: list[Time] = [*[text] * copies, *odd, *[text] * copies]
    assert parse_ms(values).tolist() == one_by_one(values)


@given(st.lists(st.one_of(NUMBERS, iso(), st.booleans()), max_size=20))
def test_a_column_of_anything_is_read_as_one_by_one(values: list[Time]) -> None:
    assert parse_ms(values).tolist() == one_by_one(values)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20))
def test_a_column_of_integers_is_read_as_one_by_one(values: list[Time]) -> None:
    assert parse_ms(values).tolist() == one_by_one(values)


@given(st.integers(EARLIEST_MS, 4_000_000_000_000))
def test_every_epoch_unit_means_the_same_moment(time_ms: int) -> None:
    assert parse_one(time_ms) == time_ms
    assert parse_one(time_ms // 1000) == time_ms // 1000 * 1000
    assert parse_one(time_ms * 1000 + 999) == time_ms
    assert parse_one(time_ms * 1_000_000 + 999_999) == time_ms
    assert parse_one(time_ms / 1000) == time_ms
    assert parse_one(float(time_ms)) == time_ms


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "2026-11-21", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-21T24:00:00Z",
        "2026-11-21T10:60:00Z", "2026-11-21T10:00:60Z", "2026-11-21T10:00:00.Z", "2026-11-21T10:00:00.1234567890Z",
        "2026-11-21T10:00:00+24:00", "2026-11-21T10:00:00+01:60", "2026-11-21T10:00:00Z\n", "0000-01-01T00:00:00Z",
        " 2026-11-21T10:00:00Z", "2026-11-21T10:00:00 Z", "٢٠٢٦-11-21T10:00:00Z", "2026-11-21x10:00:00Z",
    ],
)  # fmt: skip
def test_what_is_no_date_time_is_refused_in_both_ways(text: str) -> None:
    with pytest.raises(DecodeError) as refused:
        parse_one(text)
    assert refused.value.code == "timestamp_invalid"
    assert parse_ms([text, "2026-11-21T10:00:00Z"]).tolist() == [INVALID_MS, 1_795_255_200_000]


def test_leap_days_exist_in_leap_years_only() -> None:
    years = {2000: True, 1900: False, 2024: True, 2023: False, 2100: False}
    texts: list[Time] = [f"{year}-02-29T00:00:00Z" for year in years]
    assert (parse_ms(texts) != INVALID_MS).tolist() == list(years.values())


def test_a_boolean_is_a_type_error() -> None:
    with pytest.raises(DecodeError) as refused:
        parse_one(True)
    assert refused.value.code == "type"


def test_the_range_ends_in_the_year_2000_and_a_little_ahead_of_now() -> None:
    now_ms, future_ms = 1_795_255_200_000, 300_000
    times = [INVALID_MS, -1, EARLIEST_MS - 1, EARLIEST_MS, now_ms + future_ms, now_ms + future_ms + 1]
    expected = ["timestamp_invalid"] * 3 + [None, None, "timestamp_future"]
    assert [range_code(time, now_ms, future_ms) for time in times] == expected
    assert in_range(np.array(times), now_ms, future_ms).tolist() == [code is None for code in expected]
