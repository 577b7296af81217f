"""The binning bound of average precision, attained from both sides."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from metrics.average_precision import average_precision, binning_error


@pytest.mark.parametrize(("above", "count"), [(1, 3), (30, 2), (100, 10), (7, 500)])
def test_positives_apart_below_the_negatives_attain_the_bound(above: int, count: int) -> None:
    histograms = np.array([0, above]), np.array([count, 0])
    actual = np.repeat([0, 1], [above, count])
    exact = average_precision_score(actual, np.arange(len(actual))[::-1])
    binned, bound = average_precision(*histograms), binning_error(*histograms)
    assert binned is not None
    assert bound is not None
    assert binned - exact <= bound <= (binned - exact) * 1.05


def test_positives_tied_above_the_negatives_of_their_bin_attain_the_bound() -> None:
    histograms = np.array([8, 3]), np.array([4, 0])
    actual, score = np.repeat([0, 1, 0], [3, 4, 8]), np.repeat([0.9, 0.4, 0.1], [3, 4, 8])
    exact = average_precision_score(actual, score)
    assert average_precision(*histograms) == pytest.approx(4 / 15, abs=1e-12)
    assert binning_error(*histograms) == pytest.approx(exact - 4 / 15, abs=1e-12)
