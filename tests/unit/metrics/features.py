"""Features of a baseline made of a sample, and what a window counts of values."""

from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from metrics.coding import categorical_codes, numeric_codes
from metrics.drift import Window
from metrics.reference import Categorical, Feature, Numeric
from metrics.reference_build import categorical
from metrics.reference_numbers import NumberSurvey


def numeric_feature(sample: NDArray[np.float64], nulls: int = 0) -> Numeric:
    survey = NumberSurvey(len(sample), np.random.default_rng(0))
    survey.add(sample)
    feature = survey.numeric()
    counts = window_of(feature, [*sample.tolist(), *[None] * nulls]).counts.tolist()
    return msgspec.structs.replace(feature, counts=counts)


def categorical_feature(sample: Sequence[str], nulls: int = 0) -> Categorical:
    return categorical(Counter(sample), [0, nulls, 0, 0])


def window_of(feature: Feature, values: Sequence[object]) -> Window:
    if isinstance(feature, Categorical):
        return Window(_counts(feature, categorical_codes(feature, values)))
    codes, z = numeric_codes(feature, values)
    terms = z.astype(np.float64)
    return Window(_counts(feature, codes), float(terms.sum()), float((terms**2).sum()))


def _counts(feature: Feature, codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.bincount(codes, minlength=feature.codes)
