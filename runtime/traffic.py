"""Seeded fraud traffic in the order in which it is published: the example's producer grown up.

Pure: the same options and start give the same bytes. A stretch of predictions is drawn at a time; everything it
brings about later (labels, corrections, copies) waits in a bucket by publish time until no earlier record can come.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain
from operator import itemgetter
from typing import Literal, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from runtime.simulate_options import SimulateOptions
from runtime.traffic_bad import draw_bad
from runtime.traffic_columns import DELAY_MAX_FACTOR, SECOND_US, Columns, disorder, draw

STRETCH = 4096  # predictions drawn at once: enough for numpy, little to wait for
COPY_WITHIN_US = 10 * SECOND_US
CONFLICTING_SHARE = 0.1  # of the copies of predictions
COUNTRIES = ("US", "DE", "GB", "FR", "BR", "IN", "JP", "NL", "NG", "MX")
MERCHANTS = (
    *("grocer", "fuel", "books", "travel", "games", "pharmacy", "fashion", "electronics"),
    *("streaming", "taxi", "jewellery", "giftcards", "hotel", "crypto", "telecom", "charity"),
)

Topic = Literal["predictions", "labels"]


class TimedRecord(NamedTuple):
    """One record and the time at which it is published; both times are ms since the epoch of event time."""

    publish_ms: int
    topic: Topic
    key: bytes | None
    value: bytes
    timestamp_ms: int


class _Ids(NamedTuple):
    names: list[str]
    keys: list[bytes | None]


def traffic(options: SimulateOptions, start_ms: int) -> Iterator[TimedRecord]:
    """Yield the records of a run that begins at `start_ms`, in publish order; endless without `options.seconds`.

    Nothing is published before its event time, so a run that is played no faster than its event time allows never
    shows a future time. The bad records' future time stands in the year 9999.
    """
    # Bad records are drawn from a stream of their own: asking for some does not change the good ones.
    rng, bad_rng = np.random.default_rng(options.seed), np.random.default_rng((options.seed, 1))
    # Whole milliseconds: else rounding a publish time down would put it into a bucket that is gone.
    start_us, span_us = start_ms * 1000, max(1, round(STRETCH / options.rate * 1000)) * 1000
    total = None if options.seconds is None else max(1, round(options.rate * options.seconds))
    end_ms = start_ms + round(options.seconds * 1000) if options.seconds and not options.wait_for_labels else None
    buckets: defaultdict[int, list[TimedRecord]] = defaultdict(list)
    made = stretch = 0
    while total is None or made < total:
        count = STRETCH if total is None else min(STRETCH, total - made)
        from_us = start_us + stretch * span_us
        columns = draw(rng, options, start_us, from_us, span_us * count // STRETCH, count)
        ids = _ids(options, start_ms, made, count)
        good = _records(rng, options, columns, ids)
        for record in chain(good, _bad(bad_rng, options, ids, (from_us, span_us), count)):
            buckets[(record.publish_ms * 1000 - start_us) // span_us].append(record)
        yield from _released(buckets.pop(stretch, []), end_ms)
        made, stretch = made + count, stretch + 1
    for bucket in sorted(buckets):
        yield from _released(buckets[bucket], end_ms)


def last_label_seconds(options: SimulateOptions) -> float:
    """The longest time by which a record can follow its prediction, seconds."""
    return options.label_delay_seconds * (DELAY_MAX_FACTOR + 1) + 2 * options.disorder_seconds + 30


def _released(bucket: list[TimedRecord], end_ms: int | None) -> Iterator[TimedRecord]:
    bucket.sort(key=itemgetter(0))  # stable: an exact tie keeps prediction, label, copy in this order
    return iter(bucket) if end_ms is None else (record for record in bucket if record.publish_ms < end_ms)


def _ids(options: SimulateOptions, start_ms: int, first: int, count: int) -> _Ids:
    # The start is part of the id: a second run with the same seed is new traffic, not a heap of duplicates.
    prefix = f"tx-{start_ms // 1000:x}-{options.seed:x}-"
    names = [f"{prefix}{index:08x}" for index in range(first, first + count)]
    return _Ids(names, [name.encode() for name in names] if options.keyed else [None] * count)


def _records(rng: np.random.Generator, options: SimulateOptions, columns: Columns, ids: _Ids) -> Iterator[TimedRecord]:
    predictions = _predictions(columns, ids, options.versions)
    yield from _timed("predictions", columns.publish_us, ids.keys, map(orjson.dumps, predictions))
    labels = _label_rows(columns, ids)
    yield from labels
    yield from _second_labels(rng, options, columns, ids)
    yield from _shadows(rng, options, columns, ids, predictions)
    yield from _copies(rng, options, columns, ids, predictions)
    yield from _label_copies(rng, options, labels)


def _predictions(columns: Columns, ids: _Ids, versions: tuple[str, ...]) -> list[dict[str, object]]:
    rows = zip(
        ids.names,
        _iso(columns.event_us, "us"),
        columns.amount.tolist(),
        columns.merchant.tolist(),
        columns.country.tolist(),
        columns.score.tolist(),
        columns.version.tolist(),
        strict=True,
    )
    return [
        {
            "transaction_id": name,
            "timestamp": time,
            "amount": amount,
            "merchant": MERCHANTS[merchant],
            "country": COUNTRIES[country],
            "predicted_fraud_score": score,
            "predicted_fraud": score >= 0.5,
            "model_version": versions[version],
        }
        for name, time, amount, merchant, country, score, version in rows
    ]


def _label_rows(columns: Columns, ids: _Ids) -> list[TimedRecord]:
    some = np.flatnonzero(columns.labelled)
    publish = columns.label_publish_us[some]
    return _labels(ids, some, columns.fraud[some].tolist(), columns.label_us[some], publish)


def _second_labels(
    rng: np.random.Generator, options: SimulateOptions, columns: Columns, ids: _Ids
) -> list[TimedRecord]:
    some = np.flatnonzero(columns.labelled & (columns.second_value > -2))
    truth = [None if value < 0 else bool(value) for value in columns.second_value[some].tolist()]
    time = columns.second_us[some]
    return _labels(ids, some, truth, time, time + disorder(rng, options, len(some)))


def _labels(
    ids: _Ids, some: NDArray[np.intp], truth: list[bool | None], time: NDArray[np.int64], publish: NDArray[np.int64]
) -> list[TimedRecord]:
    rows = zip(some.tolist(), truth, _iso(time, "ms"), strict=True)
    values = (
        orjson.dumps({"transaction_id": ids.names[index], "actual_fraud": value, "label_time": at})
        for index, value, at in rows
    )
    return list(_timed("labels", publish, [ids.keys[index] for index in some.tolist()], values))


def _shadows(
    rng: np.random.Generator,
    options: SimulateOptions,
    columns: Columns,
    ids: _Ids,
    predictions: list[dict[str, object]],
) -> Iterator[TimedRecord]:
    some = np.flatnonzero(columns.shadowed)
    values = (
        predictions[index]
        | {
            "predicted_fraud_score": score,
            "predicted_fraud": score >= 0.5,
            "model_version": options.versions[version],
        }
        for index, score, version in zip(
            some.tolist(), columns.shadow_score[some].tolist(), columns.shadow_version[some].tolist(), strict=True
        )
    )
    publish = columns.publish_us[some] + rng.integers(1_000, 200_000, len(some))
    return _timed("predictions", publish, [ids.keys[index] for index in some.tolist()], map(orjson.dumps, values))


def _copies(
    rng: np.random.Generator,
    options: SimulateOptions,
    columns: Columns,
    ids: _Ids,
    predictions: list[dict[str, object]],
) -> Iterator[TimedRecord]:
    """Copies of predictions: mostly exact, a few conflicting.

    A conflicting copy differs in its amount only, never in what is counted (id, version, time, score, prediction,
    segments): un-keyed copies may land in another partition than their original, where nobody can say which one is
    first, and the recount of the tests must have one right answer.
    """
    some = np.flatnonzero(rng.random(len(predictions)) < options.duplicates)
    conflicting = rng.random(len(some)) < CONFLICTING_SHARE
    values = (
        predictions[index] | {"amount": round(float(columns.amount[index]) + 1, 2)} if other else predictions[index]
        for index, other in zip(some.tolist(), conflicting.tolist(), strict=True)
    )
    publish = columns.publish_us[some] + rng.integers(SECOND_US, COPY_WITHIN_US, len(some))
    return _timed("predictions", publish, [ids.keys[index] for index in some.tolist()], map(orjson.dumps, values))


def _label_copies(
    rng: np.random.Generator, options: SimulateOptions, labels: list[TimedRecord]
) -> Iterator[TimedRecord]:
    some = np.flatnonzero(rng.random(len(labels)) < options.duplicates).tolist()
    publish = np.array([labels[index].publish_ms * 1000 for index in some], np.int64)
    publish += rng.integers(SECOND_US, COPY_WITHIN_US, len(some))
    return _timed("labels", publish, [labels[i].key for i in some], (labels[i].value for i in some))


def _bad(
    rng: np.random.Generator, options: SimulateOptions, ids: _Ids, stretch: tuple[int, int], count: int
) -> Iterator[TimedRecord]:
    number = int(rng.binomial(count, options.bad))
    from_us, span_us = stretch
    publish = from_us + rng.integers(0, max(1, math.floor(span_us * count / STRETCH)), number)
    now = _iso(np.array([from_us]), "us")[0]
    for at, (topic, value) in zip(publish.tolist(), draw_bad(rng, number, f"bad-{ids.names[0]}", now), strict=True):
        yield TimedRecord(at // 1000, _TOPICS[topic], None, value, at // 1000)


_TOPICS: dict[str, Topic] = {"predictions": "predictions", "labels": "labels"}


def _timed(
    topic: Topic, publish_us: NDArray[np.int64], keys: list[bytes | None], values: Iterable[bytes]
) -> Iterator[TimedRecord]:
    rows = zip((publish_us // 1000).tolist(), keys, values, strict=True)
    return (TimedRecord(at, topic, key, value, at) for at, key, value in rows)


def _iso(time_us: NDArray[np.int64], unit: Literal["ms", "us"]) -> list[str]:
    texts: list[str] = np.datetime_as_string(time_us.astype("datetime64[us]"), unit=unit).tolist()
    return [text + "Z" for text in texts]
