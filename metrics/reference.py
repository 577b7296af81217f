"""The reference that traffic is compared with: one model's baseline file, read and checked.

Whatever is later counted of a feature is counted in the bins that stand here, so every share that is
published (nulls, unseen categories, outliers, values out of range) is a sum of bins, and a window's
counts and the reference's can be compared bin by bin.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

SCHEMA: Final = "hindcast.baseline/1"

MISSING, NULL, MISMATCH, NON_FINITE = range(4)
"""The first codes of every feature: absent, null, of another type, NaN or infinite."""
FIRST: Final = 4
"""The code of a feature's first own bin. A categorical feature's first one is "never seen in the reference"."""
CODES_MAX: Final = 255
DIMENSION_MAX: Final = 4096
"""Of embeddings: a window holds eight bytes for each of their numbers."""


class Numeric(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="numeric", forbid_unknown_fields=True):
    """A number. edges: ascending upper bounds of the bins (``low < x <= edge``), the last bin has none.

    Among them are, besides quantiles, the bounds that are published: range, z-score 3, IQR fences. counts: of the
    reference, by code: `FIRST` special ones, then ``len(edges) + 1`` bins.
    """

    edges: list[float]
    counts: list[int]
    mean: float
    std: float
    min: float
    max: float
    quartiles: tuple[float, float, float]

    @property
    def codes(self) -> int:
        """How many codes a value may have."""
        return FIRST + len(self.edges) + 1


class Categorical(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="categorical", forbid_unknown_fields=True
):
    """A category: strings, booleans, whole numbers as text. categories: the most frequent first; the rare ones that
    the build left out are one of them, ``__other__``, with the list of their names in ``rare``.

    counts: of the reference, by code: `FIRST` special ones, one for unseen (0 there), then one a category.
    """

    categories: list[str]
    counts: list[int]
    rare: list[str] = []

    @property
    def codes(self) -> int:
        """How many codes a value may have."""
        return FIRST + 1 + len(self.categories)


Feature = Numeric | Categorical


class Scores(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Scores in [0, 1] in equal bins: of predicted negatives, of predicted positives; and where the file had labels
    those of actual negatives and positives, of which the calibration is fitted.
    """

    predicted_negatives: list[int]
    predicted_positives: list[int]
    negatives: list[int] | None = None
    positives: list[int] | None = None


class Losses(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of the labelled rows of a regression, in each bin of its predictions: how many, and sums of |e|, e^2 and e^4."""

    counts: list[int]
    absolute: list[float]
    squared: list[float]
    fourth: list[float]

    @property
    def sums(self) -> NDArray[np.float64]:
        """As `dle.loss_sums` makes them, f8[4, bins]."""
        return np.array([self.counts, self.absolute, self.squared, self.fourth], np.float64)


class Scatter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How embeddings of length 1 lie around their centroid. records: how many it is of; variance: mean square of what
    lies across its direction; freedom: in how many directions that is, as if it were alike in all of them.
    """

    records: int
    variance: float
    freedom: float


class Baseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A baseline file. performance: metric path -> the value that rules compare with. records: rows of the build.

    predictions: of a classifier, class -> count; prediction: of a regression, its distribution, and losses by its bins.
    centroid: mean of the embeddings, each scaled to length 1.
    """

    schema: str
    model: str = ""
    created_at: str = ""
    records: int = 0
    performance: dict[str, float] = {}
    features: dict[str, Feature] = {}
    scores: Scores | None = None
    predictions: dict[str, int] = {}
    prediction: Numeric | None = None
    losses: Losses | None = None
    centroid: list[float] = []
    centroid_scatter: Scatter | None = None


_decode = msgspec.json.Decoder(Baseline).decode


def decode_baseline(value: bytes) -> Baseline:
    """The baseline of a file's bytes. Raises ValueError that names the field; JSON has finite numbers only."""
    try:
        found = _decode(value)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from None
    if found.schema != SCHEMA:
        raise ValueError(f"schema is not {SCHEMA}")
    for name, feature in found.features.items():
        _check(f"features.{name}", feature)
    if found.prediction is not None:
        _check("prediction", found.prediction)
    if found.scores is not None:
        _check_scores(found.scores)
    for name, count in found.predictions.items():
        if count < 0:
            raise ValueError(f"predictions.{name}: a count below 0")
    if found.losses is not None:
        _check_losses(found.losses, found.prediction)
    _check_centroid(found.centroid, found.centroid_scatter)
    return found


def _check(name: str, feature: Feature) -> None:
    if feature.codes > CODES_MAX:
        raise ValueError(f"{name}: {feature.codes} codes; {CODES_MAX} are possible")
    if len(feature.counts) != feature.codes:
        raise ValueError(f"{name}.counts: {len(feature.counts)} counts for {feature.codes} codes")
    if min(feature.counts) < 0:
        raise ValueError(f"{name}.counts: a count below 0")
    if isinstance(feature, Numeric) and any(a >= b for a, b in pairwise(feature.edges)):
        raise ValueError(f"{name}.edges: not ascending")


def _check_scores(scores: Scores) -> None:
    bins = len(scores.predicted_negatives)
    for field, counts in msgspec.structs.asdict(scores).items():
        if counts is not None and not 0 < len(counts) == bins:
            raise ValueError(f"scores.{field}: {len(counts)} bins; all have as many, and at least one")
        if counts is not None and min(counts) < 0:
            raise ValueError(f"scores.{field}: a count below 0")
    if (scores.negatives is None) != (scores.positives is None):
        raise ValueError("scores.negatives, scores.positives: one stands alone")


def _check_losses(losses: Losses, prediction: Numeric | None) -> None:
    if prediction is None:
        raise ValueError("losses: they stand without prediction, in whose bins they are")
    bins = len(prediction.edges) + 1
    for field, sums in msgspec.structs.asdict(losses).items():
        if len(sums) != bins:
            raise ValueError(f"losses.{field}: {len(sums)} sums for {bins} bins of prediction")
        if min(sums) < 0:
            raise ValueError(f"losses.{field}: a sum below 0")


def _check_centroid(centroid: list[float], scatter: Scatter | None) -> None:
    if len(centroid) > DIMENSION_MAX:
        raise ValueError(f"centroid: {len(centroid)} numbers; {DIMENSION_MAX} are possible")
    if scatter is None:
        return
    if not centroid:
        raise ValueError("centroid_scatter: it stands without centroid")
    if scatter.records < 1 or scatter.variance < 0 or scatter.freedom < 1:
        raise ValueError("centroid_scatter: records and freedom are 1 at least, variance is not below 0")
