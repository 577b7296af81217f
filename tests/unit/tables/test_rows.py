"""Rows there and back, simple and full."""

from hypothesis import given
from hypothesis import strategies as st

from tables.rows import SIMPLE_BYTES, Label, Prediction, Row, decode_row, encode_row, stack

TIMES = st.integers(0, 2**45)
LABELS = st.builds(Label, TIMES, st.sampled_from([-1, 0, 1]), st.booleans())
PREDICTIONS = st.builds(Prediction, st.integers(0, 2**32 - 1), TIMES, st.floats(0, 1), st.sampled_from([0, 1]))
ROWS = st.builds(Row, st.lists(LABELS, max_size=3).map(tuple), st.lists(PREDICTIONS, max_size=3).map(tuple)).filter(any)


def settled(row: Row) -> Row:
    """A label waits as long as there is no prediction, and no longer."""
    return Row(tuple(x._replace(pending=not row.predictions) for x in row.labels), row.predictions)


@given(ROWS, st.booleans())
def test_a_row_comes_back_as_it_was(row: Row, joined: bool) -> None:
    assert decode_row(encode_row(settled(row), joined=joined)) == settled(row)


def test_what_is_unknown_is_an_empty_row() -> None:
    assert decode_row(None) == Row()


def test_only_a_joined_pair_is_simple() -> None:
    row = Row((Label(5, 1, pending=False),), (Prediction(3, 4, 0.5, 1),))
    assert len(encode_row(row, joined=True)) == SIMPLE_BYTES
    assert len(encode_row(row, joined=False)) != SIMPLE_BYTES
    _, full = stack([encode_row(row, joined=True), encode_row(row, joined=False), None])
    assert full.tolist() == [False, True, False]


def test_a_withdrawal_is_never_simple() -> None:
    _, full = stack([encode_row(Row((Label(5, -1, pending=True),)), joined=True)])
    assert full.tolist() == [True]
