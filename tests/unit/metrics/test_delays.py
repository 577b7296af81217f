"""Delays by confusion cell: exact in both directions, beside another part's cells."""

import numpy as np

from metrics.binary import prepare
from metrics.delays import Delays

PART, START = Delays(), 7
HEAD = np.zeros((2, 0), np.int64)


def test_each_label_counts_in_its_cell_by_its_delay_and_a_retraction_leaves_nothing() -> None:
    predicted, actual = np.array([1, 1, 0, 0], np.int8), np.array([1, 0, 1, 0], np.int8)
    waited_ms = np.array([1, 1024, 2048, 2**30])
    prepared = prepare(np.full(4, 0.5), predicted, actual, waited_ms)
    cells, slot = np.zeros((2, START + PART.cells), np.int32), np.array([1, 1, 1, 1])
    PART.add_outcomes(HEAD, cells, (0, START), slot, prepared, np.ones(4, np.int64))
    assert not cells[0].any()
    assert not cells[1, :START].any()
    at = [(cell, int(bin_)) for cell, bin_ in np.argwhere(PART.histograms(cells[1, START:]))]
    assert at == [(0, 0), (1, 40), (2, 44), (3, 120)]
    PART.add_outcomes(HEAD, cells, (0, START), slot, prepared, np.full(4, -1))
    assert not cells.any()


def test_labels_without_a_delay_count_nowhere() -> None:
    one = np.array([1], np.int8)
    cells = np.zeros((1, PART.cells), np.int32)
    prepared = prepare(np.array([0.5]), one, one)
    PART.add_outcomes(HEAD, cells, (0, 0), np.zeros(1, np.int64), prepared, np.ones(1, np.int64))
    assert not cells.any()
