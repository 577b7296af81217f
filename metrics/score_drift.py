"""Whether a classifier's scores and decisions are still those of the baseline; no label is needed.

Decided as for features (`metrics.drift`), with the same thresholds: by PSI, by a significant difference that is no
trifle, by the mean.
"""

from __future__ import annotations

from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from metrics.distances import jensen_shannon, psi, psi_noise
from metrics.drift import EFFECT_MIN, FALSE_DISCOVERIES, GROUPS, MEAN_SHIFT_MAX, PSI_ALPHA, PSI_POLICY
from metrics.drift_tests import chi2_pvalue, ks, ks_pvalue
from metrics.equal_mass import equal_mass_groups
from metrics.isotonic import middles
from metrics.side_by_side import of_numbers

Histogram = NDArray[np.int64]

_EITHER: Final = ("psi", "psi_threshold", "js", "drifted")
SCORE: Final = ("ks", "ks_pvalue", "mean_shift", *_EITHER)
"""Numbers of ``drift.score``, None where they cannot be known."""
PREDICTION: Final = ("chi2_pvalue", "positive_rate", "reference_positive_rate", *_EITHER)
"""Numbers of ``drift.prediction``."""


def score_drift(reference: Histogram, counts: Histogram) -> dict[str, object]:
    """The fields of ``drift.score``. reference, counts i8[bins]: scores in equal bins of [0, 1], neither empty.

    PSI and Jensen-Shannon compare `GROUPS` groups of the reference, Kolmogorov-Smirnov all bins: its binning error
    is how far it may be too small. mean_shift is in standard deviations of the reference; None if that has none.
    """
    group = equal_mass_groups(reference, GROUPS)
    expected, found = (np.bincount(group, weights=side).astype(np.int64) for side in (reference, counts))
    statistic, error = ks(reference, counts)
    p_value = ks_pvalue(statistic, int(counts.sum()), int(reference.sum()))
    shift = mean_shift(reference, counts)
    causes = {
        "ks": p_value < FALSE_DISCOVERIES and statistic >= EFFECT_MIN,
        "mean_shift": shift is not None and abs(shift) > MEAN_SHIFT_MAX,
    }
    bins = of_numbers(np.arange(1, len(reference)) / len(reference), reference, counts, GROUPS)
    tested: dict[str, object] = {"ks": statistic, "ks_pvalue": p_value, "mean_shift": shift, "bins": bins}
    return tested | {"binning_error": {"ks": error}} | _judged(expected, found, causes)


def prediction_drift(reference: Histogram, counts: Histogram) -> dict[str, object]:
    """The fields of ``drift.prediction``. reference, counts i8[2]: predicted negatives and positives, not both 0."""
    p_value = chi2_pvalue(reference, counts)
    causes = {
        "chi2": p_value is not None and p_value < FALSE_DISCOVERIES and jensen_shannon(reference, counts) >= EFFECT_MIN
    }
    rates = {"positive_rate": _rate(counts), "reference_positive_rate": _rate(reference)}
    return {"chi2_pvalue": p_value, **rates} | _judged(reference, counts, causes)


def mean_shift(reference: Histogram, counts: Histogram) -> float | None:
    """Mean score less the reference's, in standard deviations of the reference; None if those are 0.

    >>> mean_shift(np.array([1, 0, 1, 0]), np.array([0, 0, 0, 5]))
    2.0
    """
    at = middles(len(reference))
    mean = float(reference @ at) / int(reference.sum())
    variance = float(reference @ (at - mean) ** 2) / int(reference.sum())
    return (float(counts @ at) / int(counts.sum()) - mean) / sqrt(variance) if variance > 0 else None


def _judged(reference: Histogram, counts: Histogram, causes: dict[str, bool]) -> dict[str, object]:
    found, threshold = psi(reference, counts), max(PSI_POLICY, psi_noise(reference, counts, PSI_ALPHA))
    drifted_by = [name for name, is_so in {"psi": found > threshold, **causes}.items() if is_so]
    return {
        "psi": found,
        "psi_threshold": threshold,
        "js": jensen_shannon(reference, counts),
        "drifted": bool(drifted_by),
        "drifted_by": drifted_by,
    }


def _rate(counts: Histogram) -> float:
    return int(counts[1]) / int(counts.sum())
