"""The traffic: predictions of a fraud model and one label for each, as JSON of about 190 bytes, from a seed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MINUTE_MS = 60_000
LABEL_DELAY_MEAN_MS = 4 * MINUTE_MS
LABEL_DELAY_MAX_MS = 60 * MINUTE_MS
DISORDER_MS = 2_000
FRAUD_RATE = 0.02
VERSIONS = ("rf_v2_2025_11", "rf_v3_2025_12")
COUNTRIES = ("DE", "FR", "GB", "NL", "US")

_PREDICTION = (
    '{"transaction_id":"%016x","event_time":"%sZ","model_version":"%s","predicted_fraud_score":%.4f,'
    '"predicted_fraud":%s,"amount":%.2f,"country":"%s"}'
)
_LABEL = (
    '{"transaction_id":"%016x","label_time":"%sZ","actual_fraud":%s,"source":"chargeback-desk",'
    '"case_id":"case-%08d","reviewer":"analyst-%03d","channel":"web"}'
)
_JSON_BOOL = ("false", "true")


@dataclass(frozen=True, slots=True)
class Traffic:
    """Columns of the predictions, in the order of their event times, and of the label of each."""

    ids: NDArray[np.uint64]
    event_ms: NDArray[np.int64]
    label_ms: NDArray[np.int64]
    score: NDArray[np.float64]
    fraud: NDArray[np.bool_]
    version: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Message:
    """One record to send: its key, value and Kafka timestamp."""

    key: bytes
    value: bytes
    time_ms: int


def draw(count: int, start_ms: int, span_ms: int, seed: int) -> Traffic:
    """Draw `count` predictions spread evenly over [start_ms, start_ms + span_ms), slightly out of order.

    Ids are random: an increasing id would spare every key-value store its compaction. A label follows its
    prediction after an exponential delay of 4 minutes in the mean, an hour at most.
    """
    rng = np.random.default_rng(seed)
    fraud = rng.random(count) < FRAUD_RATE
    delay_ms = np.minimum(rng.exponential(LABEL_DELAY_MEAN_MS, count), LABEL_DELAY_MAX_MS)
    event_ms = start_ms + np.linspace(0, span_ms - DISORDER_MS - 1, count).astype(np.int64)
    event_ms += rng.integers(0, DISORDER_MS, count)
    return Traffic(
        ids=rng.integers(0, 2**64, count, dtype=np.uint64),
        event_ms=event_ms,
        label_ms=event_ms + delay_ms.astype(np.int64),
        score=np.where(fraud, rng.beta(4, 2, count), rng.beta(1, 8, count)),
        fraud=fraud,
        version=rng.integers(0, len(VERSIONS), count),
    )


def iso(times_ms: NDArray[np.int64]) -> list[str]:
    """ISO 8601 in milliseconds, without the zone."""
    return [str(text) for text in np.datetime_as_string(times_ms.astype("datetime64[ms]"))]


def predictions(traffic: Traffic, batch: int = 50_000) -> Iterator[Message]:
    """The prediction records in the order of their columns."""
    return _in_batches(np.arange(len(traffic)), batch, lambda rows: prediction_messages(traffic, rows))


def labels(traffic: Traffic, batch: int = 50_000) -> Iterator[Message]:
    """The label records in the order of their label times."""
    return _in_batches(np.argsort(traffic.label_ms, kind="stable"), batch, lambda rows: label_messages(traffic, rows))


def _in_batches(
    order: NDArray[np.int64], batch: int, render: Callable[[NDArray[np.int64]], Iterator[Message]]
) -> Iterator[Message]:
    for first in range(0, len(order), batch):
        yield from render(order[first : first + batch])


def prediction_messages(traffic: Traffic, rows: NDArray[np.int64]) -> Iterator[Message]:
    """The prediction records of these rows."""
    times_ms = traffic.event_ms[rows]
    columns = (rows, traffic.ids[rows], times_ms, traffic.score[rows], traffic.version[rows])
    for time, row, number, time_ms, score, version in zip(iso(times_ms), *(c.tolist() for c in columns), strict=True):
        value = _PREDICTION % (
            number, time, VERSIONS[version], score, _JSON_BOOL[score >= 0.5],
            12.5 + row % 9973, COUNTRIES[row % len(COUNTRIES)],
        )  # fmt: skip
        yield Message(b"%016x" % number, value.encode(), time_ms)


def label_messages(traffic: Traffic, rows: NDArray[np.int64]) -> Iterator[Message]:
    """The label records of these rows."""
    times_ms = traffic.label_ms[rows]
    columns = (rows, traffic.ids[rows], times_ms, traffic.fraud[rows])
    for time, row, number, time_ms, fraud in zip(iso(times_ms), *(c.tolist() for c in columns), strict=True):
        value = _LABEL % (number, time, _JSON_BOOL[fraud], row, row % 500)
        yield Message(b"%016x" % number, value.encode(), time_ms)
