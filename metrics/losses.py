"""What a probability costs when the truth is known, one term per record."""

import numpy as np
from numpy.typing import NDArray

_EPSILON = float(np.finfo(np.float64).eps)


def log_losses(score: NDArray[np.float64], actual: NDArray[np.int8]) -> NDArray[np.float64]:
    """Negative log likelihood of the truth, f8[n], in nats.

    The probability of the truth is clipped to [eps, 1 - eps] with float64's eps,
    as scikit-learn's `log_loss` does, so that a certain error costs 36.04, not infinity.

    >>> log_losses(np.array([0.5, 1.0]), np.array([1, 0], np.int8)).round(4).tolist()
    [0.6931, 36.0437]
    """
    of_truth = np.where(actual == 1, score, 1.0 - score)
    losses: NDArray[np.float64] = -np.log(np.clip(of_truth, _EPSILON, 1.0 - _EPSILON))
    return losses


def brier_losses(score: NDArray[np.float64], actual: NDArray[np.int8]) -> NDArray[np.float64]:
    """Squared distance of the probability from the truth, f8[n] (Brier 1950).

    >>> brier_losses(np.array([0.5, 0.9]), np.array([1, 1], np.int8)).round(4).tolist()
    [0.25, 0.01]
    """
    losses: NDArray[np.float64] = np.square(score - actual)
    return losses
