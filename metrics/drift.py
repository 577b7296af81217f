"""Whether the inputs of a window are still those of the baseline, feature by feature.

Values are compared bin by bin with the reference's counts. PSI, Jensen-Shannon and chi-square also see nulls, as a
bin of their own; Kolmogorov-Smirnov, Wasserstein and the mean are of finite numbers only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import Final

import numpy as np
from numpy.typing import NDArray

from metrics.distances import jensen_shannon, psi, psi_noise, wasserstein
from metrics.drift_tests import benjamini_hochberg, chi2_pvalue, ks, ks_pvalue, nulls_doubled
from metrics.equal_mass import equal_mass_groups
from metrics.reference import FIRST, NULL, Categorical, Feature, Numeric
from metrics.side_by_side import Bins, of_feature

Ints = NDArray[np.int64]

GROUPS: Final = 10
PSI_POLICY: Final = 0.1
PSI_ALPHA: Final = 0.01
FALSE_DISCOVERIES: Final = 0.01
EFFECT_MIN: Final = 0.1
"""With enough records every difference is significant; a smaller one, of KS or Jensen-Shannon, is not drift."""
MEAN_SHIFT_MAX: Final = 2.0


@dataclass(frozen=True, slots=True)
class Window:
    """What was counted of one feature. z: sum and sum of squares of its finite values' z-scores."""

    counts: Ints  # [codes]
    z_sum: float = 0.0
    z_squares: float = 0.0


@dataclass(frozen=True)
class FeatureDrift:
    """One feature's part of the metric record; None is what cannot be known, ``reason`` says why.

    wasserstein and mean_shift are in standard deviations of the reference; new_categories is the share of values
    that the reference never had; drifted_by names what decided. binning_error: how far ``ks`` may be too small, and
    ``wasserstein`` off, because bins are known and not values. bins: both distributions (`metrics.side_by_side`).
    """

    ks: float | None = None
    ks_pvalue: float | None = None
    psi: float | None = None
    psi_threshold: float | None = None
    js: float | None = None
    wasserstein: float | None = None
    chi2_pvalue: float | None = None
    mean_shift: float | None = None
    null_ratio: float | None = None
    new_categories: float | None = None
    drifted: bool | None = None
    drifted_by: list[str] = field(default_factory=list)
    binning_error: dict[str, float] = field(default_factory=dict)
    reason: str | None = None
    bins: Bins | None = None

    def fields(self, names: Iterable[str]) -> dict[str, object]:
        """These fields of the metric record, with a reason or errors where there are some."""
        found = vars(self)
        return {name: found[name] for name in names} | {
            name: found[name] for name in ("binning_error", "bins", "reason") if found[name]
        }

    @property
    def p_value(self) -> float | None:
        """Of the one test that suits the feature's type."""
        return self.chi2_pvalue if self.ks_pvalue is None else self.ks_pvalue


def drift(
    features: Sequence[tuple[str, Feature]], windows: Sequence[Window], min_records: int
) -> Mapping[str, FeatureDrift]:
    """Compare every feature's window with its reference and decide which ones drifted.

    A feature drifted if its PSI is above its threshold, or its distribution differs significantly (Benjamini and
    Hochberg, all features at once) and by `EFFECT_MIN`, or its mean moved by more than `MEAN_SHIFT_MAX`, or its null
    rate doubled.
    """
    pairs = zip(features, windows, strict=True)
    found = {name: compare(feature, window, min_records) for (name, feature), window in pairs}
    p_values = {name: one.p_value for name, one in found.items() if one.p_value is not None}
    rejected = set(compress(p_values, benjamini_hochberg(list(p_values.values()), FALSE_DISCOVERIES)))
    return {name: _decided(one, significant=name in rejected) for name, one in found.items()}


def drift_alone(feature: Feature, window: Window, min_records: int) -> FeatureDrift:
    """As `drift` of one thing that is judged by itself."""
    return drift([("", feature)], [window], min_records)[""]


def compare(feature: Feature, window: Window, min_records: int) -> FeatureDrift:
    """Everything about one feature alone: not yet whether it drifted, which takes the p-values of all."""
    reference, counts = np.array(feature.counts, np.int64), window.counts
    if reason := _too_few("records", counts, reference, min_records):
        return FeatureDrift(reason=reason)
    group = groups(feature)
    expected, found_there = (np.bincount(group, weights=side).astype(np.int64) for side in (reference, counts))
    null, records = int(counts[: NULL + 1].sum()), int(counts.sum())
    found = FeatureDrift(
        bins=of_feature(feature, counts, GROUPS),
        psi=psi(expected, found_there),
        psi_threshold=max(PSI_POLICY, psi_noise(expected, found_there, PSI_ALPHA)),
        js=jensen_shannon(expected, found_there),
        null_ratio=null / records,
        drifted_by=["null_ratio"]
        * nulls_doubled(null, records, int(reference[: NULL + 1].sum()), int(reference.sum())),
    )
    if isinstance(feature, Categorical):
        found = replace(found, chi2_pvalue=chi2_pvalue(_one_null(reference), _one_null(counts)))
    if reason := _too_few("values", counts[FIRST:], reference[FIRST:], min_records):
        return replace(found, reason=reason)
    if isinstance(feature, Categorical):
        return replace(found, new_categories=float(counts[FIRST] / counts[FIRST:].sum()))
    return _of_numbers(found, feature, reference[FIRST:], window)


def groups(feature: Feature) -> Ints:
    """Which group each code belongs to, i8[codes]: 0 no value, 1 never seen, then `GROUPS` of about equal mass."""
    first = FIRST + isinstance(feature, Categorical)
    of_bins = equal_mass_groups(np.array(feature.counts[first:], np.int64), GROUPS)
    return np.concatenate([np.zeros(FIRST, np.int64), np.ones(first - FIRST, np.int64), 2 + of_bins])


def _of_numbers(found: FeatureDrift, feature: Numeric, reference: Ints, window: Window) -> FeatureDrift:
    counts = window.counts[FIRST:]
    n, m = int(counts.sum()), int(reference.sum())
    statistic, ks_error = ks(reference, counts)
    found = replace(found, ks=statistic, ks_pvalue=ks_pvalue(statistic, n, m), binning_error={"ks": ks_error})
    if not feature.std > 0:
        return replace(found, reason="constant in the baseline: it has no standard deviation")
    shift = window.z_sum / n
    edges = (np.array(feature.edges) - feature.mean) / feature.std
    distance, distance_error = wasserstein(edges, reference, counts, shift, window.z_squares / n)
    errors = {"ks": ks_error, "wasserstein": distance_error}
    return replace(found, mean_shift=shift, wasserstein=distance, binning_error=errors)


def _one_null(counts: Ints) -> Ints:
    return np.concatenate([counts[:FIRST].sum(keepdims=True), counts[FIRST:]])


def _too_few(what: str, counts: Ints, reference: Ints, least: int) -> str | None:
    for whose, side in (("window", counts), ("baseline", reference)):
        if (held := int(side.sum())) < max(1, least):
            return f"{held} {what} in the {whose}, at least {max(1, least)} are needed"
    return None


def _decided(found: FeatureDrift, *, significant: bool) -> FeatureDrift:
    if found.psi is None or found.psi_threshold is None:
        return found
    effects = {"ks": found.ks} if found.ks is not None else {"chi2": found.js}
    causes = [
        *(["psi"] if found.psi > found.psi_threshold else []),
        *(name for name, effect in effects.items() if significant and (effect or 0) >= EFFECT_MIN),
        *(["mean_shift"] if abs(found.mean_shift or 0.0) > MEAN_SHIFT_MAX else []),
        *found.drifted_by,
    ]
    return replace(found, drifted=bool(causes), drifted_by=causes)
