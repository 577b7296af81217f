"""Embeddings as a part of a window: packing, sums, distance by scipy, a threshold that chance does not pass."""

import json
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from msgspec import Raw
from numpy.typing import NDArray
from scipy.spatial.distance import cosine
from scipy.stats import chi2

from metrics.embeddings import Embeddings, rounding, threshold
from metrics.observer import Observation
from metrics.packed_embedding import SCALE, State, pack, packed_type, scaled
from metrics.reference import Scatter
from metrics.reference_embeddings import SAMPLE, EmbeddingSurvey
from metrics.window_layout import WindowLayout

HOUR = 3600.0
DIMENSION = 12
Vectors = NDArray[np.float64]


def drawn(rng: np.random.Generator, n: int, dimension: int = DIMENSION, *, turned: float = 0.0) -> Vectors:
    """Around a direction, and farther in some dimensions than in others."""
    middle = np.zeros(dimension)
    middle[:2] = np.cos(turned), np.sin(turned)
    return middle + rng.normal(0, 1, (n, dimension)) * 2 / (1 + np.arange(dimension))


def surveyed(vectors: Vectors, seed: int = 1) -> EmbeddingSurvey:
    survey = EmbeddingSurvey(np.random.default_rng(seed))
    for vector in vectors:
        survey.add(vector)
    return survey


def part(vectors: Vectors, least: int = 30) -> Embeddings:
    survey = surveyed(vectors)
    return Embeddings(survey.centroid(), survey.scatter(), HOUR, least)


def observation(values: list[Any], dimension: int = DIMENSION) -> Observation:
    packed = np.zeros(len(values), packed_type(dimension))
    packed["embedding_state"], packed["embedding"] = pack(values, dimension)
    n = len(values)
    return Observation(np.full(n, np.nan), np.zeros(n, np.int8), packed, np.ones(n, np.bool_))


def raws(vectors: Vectors) -> list[Any]:
    return [Raw(msgspec.json.encode(one)) for one in vectors.tolist()]


def summary(part: Embeddings, values: list[Any], seconds: float = HOUR) -> dict[str, Any]:
    head, cells = part.observe(observation(values, len(part.centroid)), np.zeros(len(values), np.int64), 1)
    return WindowLayout((part,)).summarise(head[0], cells[0], seconds)


PART = part(drawn(np.random.default_rng(1), 2000))


@given(hnp.arrays(np.float64, (5, 3), elements=st.floats(allow_nan=False, allow_infinity=False, width=64)))
def test_a_vector_is_packed_as_its_direction(vectors: Vectors) -> None:
    states, packed = pack(raws(vectors), 3)
    for vector, state, found in zip(vectors, states, packed, strict=True):
        largest = np.abs(vector).max()
        if largest == 0:
            assert (state, found.tolist()) == (State.MISMATCH, [0, 0, 0])
            continue
        assert state == State.VECTOR
        shorter = vector / largest
        assert found / SCALE == pytest.approx(shorter / np.linalg.norm(shorter), abs=0.51 / SCALE)


@pytest.mark.parametrize("text", ["[1,2]", "[]", "[1,2,3,4]", '"x"', "{}", "[1,2,null]", "[1,2,1e999]", "7", "true",
                                  "[0,0,0]", "[[1,2,3]]", '["1",2,3]'])  # fmt: skip
def test_what_is_no_vector_of_the_dimension_is_a_mismatch(text: str) -> None:
    states, packed = pack([Raw(text.encode())], 3)
    assert states.tolist() == [State.MISMATCH]
    assert not packed.any()


@given(hnp.arrays(np.int64, 20, elements=st.integers(0, 2)), st.integers(0, 2**32))
def test_windows_hold_the_sums_of_their_vectors(slot: NDArray[np.int64], seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = [[Raw(b"null"), Raw(b"[1]"), msgspec.UNSET, one][rng.integers(4)] for one in raws(drawn(rng, 20))]
    seen = observation(values)
    head, cells = PART.observe(seen, slot, 3)
    assert (head.shape, cells.shape, head.dtype.name) == ((3, PART.head_columns), (3, 0), "int64")
    for window in range(3):
        here = seen.seen[slot == window]
        states = here["embedding_state"].tolist()
        counted = [len(here), states.count(State.MISSING), states.count(State.MISMATCH)]
        assert head[window].tolist() == [*counted, *here["embedding"].astype(np.int64).sum(axis=0).tolist()]


def test_slots_that_are_not_there_are_refused() -> None:
    for slot in (-1, 2):
        with pytest.raises(IndexError):
            PART.observe(observation([msgspec.UNSET]), np.array([slot]), 2)


def test_the_distance_is_scipys() -> None:
    rng = np.random.default_rng(2)
    vectors = drawn(rng, 300, turned=0.4)
    found = summary(PART, raws(vectors))["drift"]
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = cosine(units.mean(axis=0), PART.centroid)
    assert found["embedding"]["cosine_distance"] == pytest.approx(expected, abs=1e-6)
    assert (found["over"], found["records"], found["embedding"]["records"]) == ("1h", 300, 300)


def test_the_scatter_is_that_of_the_eigenvalues() -> None:
    vectors = drawn(np.random.default_rng(3), SAMPLE)
    found = surveyed(vectors).scatter()
    assert found is not None
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    axis = units.mean(axis=0) / np.linalg.norm(units.mean(axis=0))
    across = units - np.outer(units @ axis, axis)
    eigenvalues = np.linalg.eigvalsh(across.T @ across / SAMPLE)
    assert found.records == SAMPLE
    assert found.variance == pytest.approx(eigenvalues.sum(), rel=1e-9)
    assert found.freedom == pytest.approx(eigenvalues.sum() ** 2 / (eigenvalues**2).sum(), rel=0.02)


@pytest.mark.parametrize(("n", "dimension"), [(50, 12), (500, 12), (200, 256)])
def test_chance_passes_the_threshold_once_in_a_hundred(n: int, dimension: int) -> None:
    rng, reference, tries, passed = np.random.default_rng(4), 1000, 20, 0
    ratios = []
    for _ in range(10):
        survey = surveyed(drawn(rng, reference, dimension))
        scatter, centroid = survey.scatter(), np.array(survey.centroid())
        assert scatter is not None
        for _ in range(tries):
            vectors = drawn(rng, n, dimension)
            units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
            distance = float(cosine(units.sum(axis=0), centroid))
            passed += distance > threshold(centroid, scatter, n)
            ratios.append(distance * 2 * (centroid @ centroid) / scatter.variance / (1 / n + 1 / reference))
    assert np.mean(ratios) == pytest.approx(1, abs=0.3)  # the first order
    assert passed <= 8


def test_the_threshold_is_the_quantile_of_a_chi_square() -> None:
    scatter = Scatter(records=1000, variance=0.4, freedom=7.5)
    inverse = 1 / 100 + 1 / 1000
    length = np.sqrt(0.5) - np.sqrt((1 - 0.4 - 0.5) * inverse)
    expected = 0.4 * inverse * chi2.ppf(0.99, 7.5) / 7.5 / (2 * length**2)
    assert threshold(np.array([0.5, 0.5]), scatter, 100) == pytest.approx(expected)


def test_calm_embeddings_are_no_drift_and_turned_ones_are() -> None:
    rng = np.random.default_rng(5)
    for turned, expected in (0.0, False), (0.8, True):
        found = summary(PART, raws(drawn(rng, 1000, turned=turned)))["drift"]["embedding"]
        assert found["drifted"] is expected
        assert set(found) == {"cosine_distance", "records", "threshold", "drifted"}


def test_with_many_records_a_trifle_is_no_drift() -> None:
    scatter = Scatter(records=10**9, variance=0.5, freedom=100)
    assert threshold(np.array([0.7, 0.0]), scatter, 10**9) == pytest.approx(0.01 * 0.5 / (2 * 0.49), rel=1e-4)
    same = Scatter(records=100, variance=0.0, freedom=1)
    assert threshold(np.array([1.0, 0.0]), same, 100) == rounding(2)


def test_drift_is_for_long_spans_only_and_quality_for_all() -> None:
    values = [*raws(drawn(np.random.default_rng(6), 2)), Raw(b"[1]"), msgspec.UNSET]
    assert summary(PART, values, HOUR - 1) == {"quality": {"embedding": {"missing_ratio": 0.25,
                                                                         "type_mismatch_ratio": 0.25}}}  # fmt: skip


def test_what_cannot_be_known_has_a_reason() -> None:
    rng = np.random.default_rng(7)
    some = raws(drawn(rng, 100))
    nowhere = part(rng.normal(0, 1, (2000, DIMENSION)))
    cases = [
        (PART, some[:29], "29 embeddings in the window"),
        (PART, [], "0 embeddings in the window"),
        (PART, [Raw(b"null")] * 50, "0 embeddings in the window"),
        (Embeddings(PART.centroid, None, HOUR, 30), some, "no centroid_scatter in the baseline"),
        (Embeddings([0.0] * DIMENSION, None, HOUR, 30), some, "the embeddings of the window, or of the baseline"),
        (Embeddings([1.0], None, HOUR, 2), raws(np.array([[1.0], [-1.0]])), "the embeddings of the window"),
        (nowhere, some[:30], "the baseline's embeddings have no direction"),
    ]
    for one, values, reason in cases:
        found = summary(one, values)
        json.dumps(found, allow_nan=False)
        embedding = found["drift"]["embedding"]
        assert embedding["reason"].startswith(reason)
        assert embedding["drifted"] is None


def test_a_reference_of_few_or_of_equal_or_of_opposite_vectors_fails_nothing() -> None:
    assert (surveyed(np.zeros((0, 2))).centroid(), surveyed(np.zeros((0, 2))).scatter()) == ([], None)
    zeros = surveyed(np.zeros((3, 2)))
    assert (zeros.centroid(), zeros.scatter(), zeros.left_out) == ([], None, 3)
    assert surveyed(np.array([[1.0, 0.0]])).scatter() is None
    assert surveyed(np.array([[1.0, 0.0], [-1.0, 0.0]])).scatter() is None
    assert surveyed(np.array([[2.0, 0.0]] * 5)).scatter() == Scatter(records=5, variance=0, freedom=1)
    with pytest.raises(ValueError, match="embeddings of 2 and of 3 numbers"):
        surveyed(np.zeros((1, 2))).add(np.zeros(3))


def test_the_sample_is_uniform() -> None:
    vectors = np.array([[1.0, i / 4000] for i in range(4000)])
    survey = surveyed(vectors, 8)
    kept = np.array([one[1] / one[0] for one in survey._sample]) * 4000
    assert len(kept) == SAMPLE
    assert kept.mean() == pytest.approx(2000, abs=4 * 4000 / np.sqrt(12 * SAMPLE))


def test_a_direction_is_found_however_long_the_vector() -> None:
    assert scaled(np.array([3e300, 4e300])) == pytest.approx([0.6, 0.8])
    assert scaled(np.array([3e-300, 4e-300])) == pytest.approx([0.6, 0.8])
    assert scaled(np.array([np.inf, 1.0])) is None
    assert scaled(np.array([np.nan, 1.0])) is None


def test_parts_of_the_same_centroid_are_the_same_and_others_are_not() -> None:
    assert Embeddings(list(PART.centroid), None, 60.0, 1).name == PART.name
    assert hash(Embeddings(list(PART.centroid), PART.scatter, HOUR, 30)) == hash(PART)
    assert Embeddings([1.0], None, HOUR, 30).name != PART.name
