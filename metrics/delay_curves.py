"""What final windows have taught about label delays, put to use: the fields of a record that speak of late labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metrics.label_groups import Heads, LabelGroups
from metrics.maturity import RECORDS_MIN, DelayCurve, Numbers, maturity, weighted_metrics
from metrics.scatter import Floats

OTHER_CELL_OF_CLASS = (2, 3, 0, 1)
"""Of tp, fp, fn, tn: fn, tn, tp and fp have the same actual class."""


@dataclass(frozen=True, slots=True)
class DelayCurves:
    """Two curves: by groups of labels among those that come, by groups of predictions among all of them."""

    groups: LabelGroups
    of_labels: DelayCurve
    of_predictions: DelayCurve

    @classmethod
    def learn(cls, groups: LabelGroups, delays: Numbers, predictions: Numbers) -> DelayCurves:
        """Of the histograms of delays [groups of labels, bins], and how many predictions [groups] they are of.

        Groups of fewer than `RECORDS_MIN` borrow: a confusion cell the delays of all labels of its actual class (a good
        model's errors may never become so many), a group of predictions those of all.
        """
        of_labels = delays
        if groups.has_cells:
            enough = delays.sum(axis=1, keepdims=True) >= RECORDS_MIN
            of_labels = np.where(enough, delays, delays + delays[list(OTHER_CELL_OF_CLASS)])
        of_predictions = delays.reshape(len(predictions), -1, groups.bins).sum(axis=1)  # tp and fp, fn and tn
        many = predictions >= RECORDS_MIN
        return cls(
            groups,
            DelayCurve.learn(of_labels, groups.bins_per_octave),
            DelayCurve.learn(
                np.where(many[:, np.newaxis], of_predictions, delays.sum(axis=0)),
                groups.bins_per_octave,
                np.where(many, predictions, predictions.sum()),
            ),
        )

    @classmethod
    def unlearned(cls, groups: LabelGroups) -> DelayCurves:
        """Before any final window."""
        delays = np.zeros((len(groups.labelled), groups.bins))
        return cls.learn(groups, delays, np.zeros(len(groups.predicted) + 1))

    def summary(self, age_ms: Floats, heads: Heads) -> dict[str, object]:
        """``maturity`` and ``expected_share``, with ``metrics_weighted`` of a binary model; None before it is learned.

        Of w windows together: age_ms f8[w] of their middles, infinite when all their labels have come; heads [w, H].
        """
        labels = self.groups.labels(heads)
        predictions = self.groups.predictions(heads)
        found: dict[str, object] = {**maturity(self.of_predictions, age_ms, predictions, int(labels.sum()))}
        if self.groups.has_cells:
            found["metrics_weighted"] = weighted_metrics(self.of_labels, age_ms, labels)
        return found
