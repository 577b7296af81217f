"""One stretch of simulated life as numpy columns: what happened, when, and what the model thought of it.

Times are int64 microseconds since the epoch, as the example's producer writes them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runtime.simulate_options import SimulateOptions

SECOND_US = 1_000_000
DELAY_MAX_FACTOR = 20.0  # the log-normal tail is cut here, so that a finite run has a known end
FRAUD_DELAY_FACTOR = 0.6  # customers report frauds; that nothing was wrong shows by waiting
# Beta(a, b) of (legitimate, fraud): areas under the ROC curve of 0.87 and 0.92.
QUALITY = (((1.0, 6.0), (2.0, 3.0)), ((1.0, 7.0), (2.2, 2.6)))
DEGRADED_SHARE = 0.6  # so many scores after the degradation know nothing about the truth


@dataclass(slots=True)
class Columns:
    """n predictions and what becomes of their labels; every array has n elements.

    `second_*` is the record that corrects or withdraws the label: +1 fraud, 0 legitimate, -1 withdrawn, -2 none.
    """

    event_us: NDArray[np.int64]
    publish_us: NDArray[np.int64]
    version: NDArray[np.int64]
    score: NDArray[np.float64]
    amount: NDArray[np.float64]
    merchant: NDArray[np.int64]
    country: NDArray[np.int64]
    fraud: NDArray[np.bool_]
    labelled: NDArray[np.bool_]
    label_us: NDArray[np.int64]
    label_publish_us: NDArray[np.int64]
    second_value: NDArray[np.int64]
    second_us: NDArray[np.int64]
    shadowed: NDArray[np.bool_]
    shadow_version: NDArray[np.int64]
    shadow_score: NDArray[np.float64]


def draw(
    rng: np.random.Generator, options: SimulateOptions, start_us: int, from_us: int, span_us: int, count: int
) -> Columns:
    """Draw `count` predictions spread over [from_us, from_us + span_us); the run began at `start_us`."""
    event = from_us + np.sort(rng.integers(0, max(span_us, 1), count))
    fraud = rng.random(count) < options.fraud_rate
    version = rng.integers(0, len(options.versions), count)
    other = (version + 1) % len(options.versions)
    label, label_publish, publish = _label_times(rng, options, event, fraud)
    second, second_us = _second_labels(rng, options, fraud, label)
    return Columns(
        event_us=event,
        publish_us=publish,
        version=version,
        score=_scores(rng, options, start_us, event, version, fraud),
        amount=np.round(np.exp(rng.normal(3.3, 1.1, count)) * np.where(fraud, 3.0, 1.0), 2),
        merchant=np.minimum(rng.geometric(0.2, count) - 1, 15),
        country=np.minimum(rng.geometric(0.3, count) - 1, 9),
        fraud=fraud,
        labelled=rng.random(count) < options.labelled,
        label_us=label,
        label_publish_us=label_publish,
        second_value=second,
        second_us=second_us,
        shadowed=(rng.random(count) < options.shadow) & (other != version),
        shadow_version=other,
        shadow_score=_scores(rng, options, start_us, event, other, fraud),
    )


def disorder(rng: np.random.Generator, options: SimulateOptions, count: int) -> NDArray[np.int64]:
    """How much later than it should each of `count` records is published, in microseconds."""
    late = rng.random(count) * options.disorder_seconds * SECOND_US
    return np.where(rng.random(count) < options.disorder, late, 0.0).astype(np.int64)


def _label_times(
    rng: np.random.Generator, options: SimulateOptions, event: NDArray[np.int64], fraud: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    count = len(event)
    median = options.label_delay_seconds * np.where(fraud, FRAUD_DELAY_FACTOR, 1.0)
    delay = np.minimum(np.exp(rng.normal(0.0, 0.6, count)), DELAY_MAX_FACTOR) * median
    early = rng.random(count) < options.early
    delay = np.where(early, np.minimum(delay, 2.0 * rng.random(count)), delay)  # found at once, by a fast rule
    label = event + (delay * SECOND_US).astype(np.int64)
    label_publish = label + np.where(early, 0, disorder(rng, options, count))
    # An early label overtakes its prediction, which was held up on its way for as long.
    held_up = label_publish + rng.integers(SECOND_US // 10, 3 * SECOND_US, count)
    return label, label_publish, np.where(early, held_up, event + disorder(rng, options, count))


def _second_labels(
    rng: np.random.Generator, options: SimulateOptions, fraud: NDArray[np.bool_], label: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    chance = rng.random(len(label))
    value = np.where(chance < options.corrections, np.where(fraud, 0, 1), -2)
    withdrawn = (chance >= options.corrections) & (chance < options.corrections + options.withdrawals)
    later = SECOND_US + rng.random(len(label)) * options.label_delay_seconds * SECOND_US
    return np.where(withdrawn, -1, value), label + later.astype(np.int64)


def _scores(
    rng: np.random.Generator,
    options: SimulateOptions,
    start_us: int,
    event: NDArray[np.int64],
    version: NDArray[np.int64],
    fraud: NDArray[np.bool_],
) -> NDArray[np.float64]:
    looks_fraudulent = fraud
    if options.degrade_at_seconds is not None:
        seconds = (event - start_us) / SECOND_US
        worse = (seconds >= options.degrade_at_seconds) & (seconds < (options.recover_at_seconds or np.inf))
        blind = worse & (rng.random(len(event)) < DEGRADED_SHARE)
        looks_fraudulent = np.where(blind, rng.random(len(event)) < 0.1, fraud)
    shapes = np.array(QUALITY)[np.minimum(version, len(QUALITY) - 1), looks_fraudulent.astype(np.int64)]
    return np.round(rng.beta(shapes[:, 0], shapes[:, 1]), 6)
