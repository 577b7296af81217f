"""Records that no decoder can accept, one function a kind, each for the topic it spoils."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import orjson

Bad = tuple[str, Callable[[str, str], bytes]]


def _json(**values: object) -> bytes:
    return orjson.dumps(values)


# (topic, (id, time of now) -> bytes)
KINDS: tuple[Bad, ...] = (
    ("predictions", lambda i, t: _json(transaction_id=i, timestamp=t, predicted_fraud_score=0.4)[:-9]),  # cut off
    ("predictions", lambda _, t: _json(timestamp=t, predicted_fraud_score=0.4, predicted_fraud=False)),  # no id
    ("predictions", lambda i, t: _json(transaction_id=i, timestamp=t, predicted_fraud_score=1.7)),
    ("predictions", lambda i, t: _json(transaction_id=i, timestamp=t, predicted_fraud_score=-0.2)),
    ("predictions", lambda i, t: _json(transaction_id=i, timestamp=t, predicted_fraud_score="high")),
    ("predictions", lambda i, t: _json(transaction_id=i, timestamp=t, amount=12.5)),  # neither score nor prediction
    ("predictions", lambda i, _: _json(transaction_id=i, timestamp="9999-01-01T00:00:00Z", predicted_fraud_score=0.4)),
    ("predictions", lambda i, _: _json(transaction_id=i, timestamp="yesterday", predicted_fraud_score=0.4)),
    ("predictions", lambda i, _: _json(transaction_id=i, predicted_fraud_score=0.4)),  # no time
    ("predictions", lambda i, t: _json(transaction_id=i * 100, timestamp=t, predicted_fraud_score=0.4)),  # > 256 bytes
    ("predictions", lambda i, t: _json(transaction_id={"is": i}, timestamp=t, predicted_fraud_score=0.4)),
    (
        "predictions",
        lambda i, t: b'{"transaction_id":"%b","timestamp":"%b","predicted_fraud_score":NaN}' % (i.encode(), t.encode()),
    ),
    ("predictions", lambda i, _: b"\xff\xfe" + i.encode("utf-16-le")),
    ("predictions", lambda i, _: b'{"transaction_id":"\xc3\x28%b"}' % i.encode()),  # not UTF-8 inside a string
    ("predictions", lambda i, t: b"[" * 2000 + _json(i=i, t=t) + b"]" * 2000),  # nested far too deep
    ("labels", lambda _i, _t: b""),
    ("labels", lambda i, t: b"[%b]" % _json(transaction_id=i, actual_fraud=True, label_time=t)),
    ("labels", lambda _, t: _json(actual_fraud=True, label_time=t)),
    ("labels", lambda i, t: _json(transaction_id=i, label_time=t)),  # no truth (null would withdraw it)
    ("labels", lambda i, _: _json(transaction_id=i, actual_fraud=True, label_time="9999-01-01T00:00:00Z")),
    ("labels", lambda i, _: _json(transaction_id=i, actual_fraud=True, label_time="soon")),
    ("labels", lambda i, t: _json(transaction_id=i, actual_fraud=True, label_time=t)[1:]),
)


def draw_bad(rng: np.random.Generator, count: int, record_id: str, time: str) -> list[tuple[str, bytes]]:
    """Draw `count` bad records of all kinds as (topic, value), each with an id of its own."""
    kinds = rng.integers(0, len(KINDS), count).tolist()
    return [(KINDS[kind][0], KINDS[kind][1](f"{record_id}-{index}", time)) for index, kind in enumerate(kinds)]
