"""What the confusion table says; definitions and names as in scikit-learn.

None stands for a share of nothing: no predicted positives, no actual positives, …
"""

from dataclasses import dataclass


def ratio(part: float, whole: float) -> float | None:
    """Share that part is of whole, or None of nothing.

    >>> ratio(3, 4), ratio(0, 0)
    (0.75, None)
    """
    return part / whole if whole > 0 else None


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of outcomes, the positive class's point of view.

    >>> table = Confusion(tp=9, fp=21, fn=3, tn=1167)
    >>> table.accuracy, table.precision, table.recall
    (0.98, 0.3, 0.75)
    """

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def labelled(self) -> int:
        """All outcomes."""
        return self.tp + self.fp + self.fn + self.tn

    @property
    def correct(self) -> int:
        """Outcomes predicted rightly."""
        return self.tp + self.tn

    @property
    def accuracy(self) -> float | None:
        """Share of outcomes predicted rightly."""
        return ratio(self.correct, self.labelled)

    @property
    def precision(self) -> float | None:
        """Share of predicted positives that are positive."""
        return ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float | None:
        """Share of positives that were predicted."""
        return ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float | None:
        """Share of negatives that were predicted: recall of the negative class."""
        return ratio(self.tn, self.tn + self.fp)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN).

        By this form it is 0, not undefined, when positives are there and none was
        predicted; scikit-learn agrees. Undefined only when there is nothing positive.

        >>> round(Confusion(tp=9, fp=21, fn=3, tn=1167).f1, 4), Confusion(0, 0, 3, 5).f1
        (0.4286, 0.0)
        """
        return ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def label_rate(self) -> float | None:
        """Share of outcomes that are actually positive."""
        return ratio(self.tp + self.fn, self.labelled)
