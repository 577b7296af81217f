"""Rows there and back, simple and full, of every task."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.carried import VALUE, WIDTHS, fitted, scores_dtype
from models.errors import WorldError
from models.outcome import TASKS, Task, withdrawn
from tables.found_rows import FoundRows
from tables.row_form import RowForm
from tables.row_forms import BINARY, form_of
from tables.rows import Label, Prediction, Row

TIMES = st.integers(0, 2**45)
SAID: dict[Task, st.SearchStrategy[int | float]] = {
    "binary": st.sampled_from([0, 1]),
    "multiclass": st.integers(0, 200),
    "regression": st.floats(-1e15, 1e15),
}


@st.composite
def rows(draw: st.DrawFn, form: RowForm, most: int = 3, least: int = 0) -> Row:
    task, carried = form.task, st.binary(min_size=form.carried_bytes, max_size=form.carried_bytes)
    said, size = SAID[task], st.integers(least, most)
    labels = [Label(draw(TIMES), draw(said | st.just(withdrawn(task))), draw(st.booleans())) for _ in range(draw(size))]
    predictions = []
    for _ in range(draw(size)):
        predicted = draw(said)
        score = predicted if task == "regression" else draw(st.floats(0, 1))
        predictions.append(Prediction(draw(st.integers(0, 2**32 - 1)), draw(TIMES), score, predicted, draw(carried)))
    return Row(tuple(labels), tuple(predictions))


def settled(row: Row) -> Row:
    """A label waits as long as there is no prediction, and no longer."""
    return Row(tuple(x._replace(pending=not row.predictions) for x in row.labels), row.predictions)


def found(form: RowForm, *values: bytes | None) -> FoundRows:
    return FoundRows.of(values, form.dtype.itemsize)


FORMS = [form_of(task, width) for task in TASKS for width in sorted(WIDTHS[task])]
PLAIN = [form_of(task, 0) for task in TASKS]
SOME = [*PLAIN, *(form_of("multiclass", scores_dtype(n).itemsize) for n in (2, 200)), form_of("binary", VALUE.itemsize)]
BUSINESS = form_of("binary", VALUE.itemsize)
every_form = pytest.mark.parametrize("form", SOME, ids=[f"{form.task}-{form.carried_bytes}" for form in SOME])


@every_form
@given(data=st.data(), joined=st.booleans())
def test_a_row_comes_back_as_it_was(form: RowForm, data: st.DataObject, joined: bool) -> None:
    row = settled(data.draw(rows(form).filter(any)))
    found = form.decode(form.encode(row, joined=joined))
    assert found == row
    assert [type(x.actual) for x in found.labels] == [type(x.actual) for x in row.labels]


@every_form
@given(data=st.data())
def test_one_row_is_read_as_thousands_are(form: RowForm, data: st.DataObject) -> None:
    row = settled(data.draw(rows(form, 1, 1)))
    stacked, full = form.stack(found(form, form.encode(row, joined=True)))
    [label], [prediction] = row.labels, row.predictions
    assert full.tolist() == [label.withdrawn]
    if not label.withdrawn:
        assert form.predicted(stacked).tolist() == [prediction.predicted]
        assert form.actual(stacked).tolist() == [label.actual]


@every_form
@given(data=st.data())
def test_rows_that_are_put_by_thousands_are_those_that_are_written_one_by_one(
    form: RowForm, data: st.DataObject
) -> None:
    row = settled(data.draw(rows(form, 1, 1)))
    [label], [prediction] = row.labels, row.predictions
    if label.withdrawn:
        return
    put = np.zeros(1, form.dtype)
    put["combo"], put["event_ms"], put["label_ms"] = prediction.combo, prediction.event_ms, label.label_ms
    form.put_predictions(put, np.array([prediction.score]), np.array([prediction.predicted]))
    form.put_carried(put, np.frombuffer(prediction.carried, f"V{form.carried_bytes}") if form.carried_bytes else None)
    form.put_labels(put, np.array([label.actual]))
    assert put.tobytes() == form.encode(row, joined=True)


def test_what_is_unknown_is_an_empty_row() -> None:
    assert BINARY.decode(None) == Row()


def test_a_binary_row_has_29_bytes_and_the_others_little_more() -> None:
    assert [form.dtype.itemsize for form in PLAIN] == [29, 33, 37]


def test_only_a_joined_pair_is_simple() -> None:
    row = Row((Label(5, 1, pending=False),), (Prediction(3, 4, 0.5, 1),))
    assert len(BINARY.encode(row, joined=True)) == BINARY.dtype.itemsize
    assert len(BINARY.encode(row, joined=False)) != BINARY.dtype.itemsize
    _, full = BINARY.stack(found(BINARY, BINARY.encode(row, joined=True), BINARY.encode(row, joined=False), None))
    assert full.tolist() == [False, True, False]


@every_form
def test_a_withdrawal_is_never_simple(form: RowForm) -> None:
    _, full = form.stack(found(form, form.encode(Row((Label(5, withdrawn(form.task), pending=True),)), joined=True)))
    assert full.tolist() == [True]


def test_a_value_of_minus_one_is_no_withdrawal() -> None:
    assert not Label(5, -1.0, pending=True).withdrawn
    assert Label(5, -1, pending=True).withdrawn
    assert Label(5, math.inf, pending=True).withdrawn


def test_rows_of_another_task_are_refused() -> None:
    value = BINARY.encode(Row((Label(5, 1, pending=True),)), joined=False)
    with pytest.raises(WorldError, match="not of the task regression"):
        form_of("regression", 0).stack(found(form_of("regression", 0), *[value] * 37))


def test_the_length_of_a_row_says_of_which_task_it_is() -> None:
    lengths = [form.dtype.itemsize for form in FORMS]
    assert len(set(lengths)) == len(lengths)


@given(data=st.data())
def test_rows_are_read_on_when_another_configuration_carries_more_or_less(data: st.DataObject) -> None:
    then, now = data.draw(st.permutations([BINARY, BUSINESS]))
    row = settled(data.draw(rows(then)))
    value = then.encode(row, joined=data.draw(st.booleans())) if any(row) else None
    none = tuple(one._replace(carried=bytes(now.carried_bytes)) for one in row.predictions)
    assert now.decode(value) == row._replace(predictions=none)
    (stacked,), (full,) = now.stack(found(now, value))
    if value is not None and not full:
        assert now.decode(stacked.tobytes()) == row._replace(predictions=none)


def test_what_batches_carry_is_cut_or_filled_behind() -> None:
    two = np.array([b"ab", b"cd"], "V2")
    assert fitted(two, 2, 3).tolist() == [b"ab\0", b"cd\0"]
    assert fitted(two, 2, 1).tolist() == [b"a", b"c"]
    assert fitted(two, 2, 0).tolist() == [b"", b""]
    assert fitted(None, 2, 2).tolist() == [b"\0\0"] * 2
    assert fitted(None, 0, 2).tolist() == []
