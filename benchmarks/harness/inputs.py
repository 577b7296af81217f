"""What predictions carry besides: 10 numbers and 5 categories as features, latency and status, from a seed."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import events
from benchmarks.harness.events import Message, Traffic

Draw = Callable[[np.random.Generator, int], NDArray[np.float64] | NDArray[np.int64]]

_NUMBERS: Final[dict[str, tuple[str, Draw]]] = {
    "amount": ("%.2f", lambda rng, n: rng.lognormal(4, 1, n)),
    "balance": ("%s", lambda rng, n: rng.normal(2_000, 900, n).round(2)),
    "amount_mean_30d": ("%.2f", lambda rng, n: rng.lognormal(4, 0.5, n)),
    "distance_km": ("%.1f", lambda rng, n: rng.exponential(40, n)),
    "merchant_risk": ("%.4f", lambda rng, n: rng.beta(2, 20, n)),
    "account_age_days": ("%d", lambda rng, n: rng.integers(1, 4_000, n)),
    "hour": ("%d", lambda rng, n: rng.integers(0, 24, n)),
    "payments_1h": ("%d", lambda rng, n: rng.poisson(0.8, n)),
    "payments_24h": ("%d", lambda rng, n: rng.poisson(6, n)),
    "seconds_since_last": ("%.3f", lambda rng, n: rng.exponential(9_000, n)),
}
_CATEGORIES: Final[dict[str, list[str]]] = {
    "country": ["DE", "FR", "GB", "NL", "US", "ES", "IT", "PL", "AT", "BE"],
    "merchant_group": [f"group-{number:02d}" for number in range(40)],
    "channel": ["web", "app", "pos", "phone"],
    "card": ["debit", "credit", "prepaid"],
    "device": ["ios", "android", "windows", "macos", "linux", "other"],
}
NAMES: Final = (*_NUMBERS, *_CATEGORIES)
_WITH_NULLS: Final = {"balance", "device"}
_NULL_SHARE: Final = 0.01  # real columns have some, and they take another way than numbers

_FORMS: Final = {name: form for name, (form, _) in _NUMBERS.items()} | dict.fromkeys(_CATEGORIES, "%s")
_FEATURES: Final = ",".join(f'"{name}":{form}' for name, form in _FORMS.items())
_CARRIED: Final = f',"latency_ms":%.3f,"status":"success","features":{{{_FEATURES}}}}}'


def predictions(traffic: Traffic, seed: int, batch: int = 50_000) -> Iterator[Message]:
    """The prediction records of `events.predictions`, each with what it carries besides."""
    for message, more in zip(events.predictions(traffic), _carried(len(traffic), seed, batch), strict=True):
        yield Message(message.key, message.value[:-1] + more.encode(), message.time_ms)


def training_file(path: Path, records: int, seed: int) -> None:
    """Write so many predictions of the same distributions with their outcomes, as JSON lines."""
    traffic = events.draw(records, start_ms=0, span_ms=records * 100, seed=seed)
    outcomes = (f',"actual_fraud":{json.dumps(fraud)}}}\n'.encode() for fraud in traffic.fraud.tolist())
    with path.open("wb") as file:
        for message, outcome in zip(predictions(traffic, seed), outcomes, strict=True):
            file.write(message.value[:-1] + outcome)


def _carried(count: int, seed: int, batch: int) -> Iterator[str]:
    """The text behind a record's last field, and its closing bracket."""
    rng = np.random.default_rng(seed)
    for first in range(0, count, batch):
        n = min(batch, count - first)
        columns = [rng.gamma(2.0, 6.0, n).tolist()]
        columns += [_with_nulls(rng, name, draw(rng, n).tolist()) for name, (_, draw) in _NUMBERS.items()]
        for name, texts in _CATEGORIES.items():
            quoted = [json.dumps(text) for text in texts]
            drawn = (rng.beta(1, 3, n) * len(texts)).astype(np.int64).tolist()
            columns.append(_with_nulls(rng, name, [quoted[one] for one in drawn]))
        yield from map(_CARRIED.__mod__, zip(*columns, strict=True))


def _with_nulls(rng: np.random.Generator, name: str, values: list[object]) -> list[object]:
    if name in _WITH_NULLS:
        for at in np.flatnonzero(rng.random(len(values)) < _NULL_SHARE).tolist():
            values[at] = "null"
    return values
