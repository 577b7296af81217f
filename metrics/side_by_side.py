"""What something looked like in the baseline and what it looks like now, in few bins: for people to see.

Shares of the values are to a millionth. The two sides are ``reference`` and ``now``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metrics.equal_mass import equal_mass_groups
from metrics.reference import FIRST, Categorical, Feature
from models.combo import OTHER

Ints = NDArray[np.int64]
Bins = dict[str, list[object]]


def of_feature(feature: Feature, counts: Ints, groups: int) -> Bins | None:
    """Counts i8[codes] of a window beside those of the baseline; None where one side has no value.

    Of a category one bin for each that `bin_names` names, without the names: values stay out of records. What was never
    seen in the baseline is in none of them, so that ``now`` sums to less than 1.
    """
    reference, now = np.array(feature.counts[FIRST:], np.int64), counts[FIRST:]
    if not reference.any() or not now.any():
        return None
    if not isinstance(feature, Categorical):
        return of_numbers(np.array(feature.edges), reference, now, groups)
    place = {name: number for number, name in enumerate(bin_names(feature, groups))}
    of_category = np.array([place.get(name, len(place) - 1) for name in feature.categories], np.int64)
    return {
        "reference": _shares(of_category, reference[1:], int(reference.sum())),
        "now": _shares(of_category, now[1:], int(now.sum())),
    }


def bin_names(feature: Categorical, groups: int) -> list[str]:
    """The commonest categories of the baseline, and ``__other__`` for the rest where there is one."""
    kept = [name for name in feature.categories if name != OTHER][:groups]
    return kept if len(kept) == len(feature.categories) else [*kept, OTHER]


def of_numbers(edges: NDArray[np.float64], reference: Ints, now: Ints, groups: int) -> Bins:
    """Counts i8[len(edges) + 1] of two sides, neither empty, in bins of about equal mass in the baseline.

    ``upper``: the bound of each bin, which holds what is not above it; None for the last one.
    """
    of_bin = np.unique(equal_mass_groups(reference, groups), return_inverse=True)[1]
    bounds = edges[np.flatnonzero(np.diff(of_bin))]
    return {
        "upper": [*bounds.tolist(), None],
        "reference": _shares(of_bin, reference, int(reference.sum())),
        "now": _shares(of_bin, now, int(now.sum())),
    }


def _shares(place: Ints, counts: Ints, total: int) -> list[object]:
    found: list[object] = (np.bincount(place, weights=counts) / total).round(6).tolist()
    return found
