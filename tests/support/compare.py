"""Differences between the service's final metric records and the recount: an empty list is the proof."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from tests.support.recount import Expected, Key, Recount

BINNED = frozenset({"auc", "average_precision"})
TOLERANCE = 1e-9
QUANTILE_ERROR = 0.095  # half a bin of a quarter octave, the coarse layout's: 2 ** (1/8)
Record = Mapping[str, Any]  # a metric record as parsed JSON


def compare(record: Record, expected: Expected) -> list[str]:
    """Name every difference: counts exactly, AUC and average precision within `binning_error`, the rest to 1e-9."""
    found = [
        f"{name}: {record[name]} instead of {getattr(expected, name)}"
        for name in ("total", "labelled", "correct", "confusion")
        if record[name] != getattr(expected, name)
    ]
    found += _close("label_coverage", record["label_coverage"], expected.label_coverage)
    found += _close("throughput_per_second", record["throughput_per_second"], expected.throughput_per_second)
    for name, value in expected.metrics.items():
        if name not in record["metrics"]:
            found.append(f"{name}: absent")
        else:
            found += _close(name, record["metrics"][name], value, _tolerance(record, name))
    return found + _calibration(record, expected) + _latency(record, expected)


def compare_all(records: Iterable[Record], counted: Recount, *, span: str = "60s") -> list[str]:
    """Compare final records of one window length with all windows; the highest revision of each key wins."""
    newest: dict[Key, Record] = {}
    for record in records:
        if record["span"] == span:
            held = newest.get(key := record_key(record))
            if held is None or record["revision"] >= held["revision"]:
                newest[key] = record
    found = [f"{key}: no record" for key in counted.windows.keys() - newest.keys()]
    found += [
        f"{key}: a record of a window without predictions"
        for key in newest.keys() - counted.windows.keys()
        if newest[key]["total"]  # one that says 0 is right
    ]
    for key in sorted(newest.keys() & counted.windows.keys()):
        if not newest[key]["final"]:
            found.append(f"{key}: not final")
        found += [f"{key}: {difference}" for difference in compare(newest[key], counted.windows[key])]
    return found


def record_key(record: Record) -> Key:
    """(window_start_ms, model, version, segment) of a metric record."""
    start = datetime.fromisoformat(record["window_start"])
    return round(start.timestamp() * 1000), record["model"], record["model_version"], record["segment"]


def _tolerance(record: Record, name: str) -> float:
    if name not in BINNED:
        return TOLERANCE
    error = record["binning_error"]
    bound = error.get(name) if isinstance(error, Mapping) else error
    return TOLERANCE + (bound or 0.0)


def _close(name: str, value: float | None, expected: float | None, tolerance: float = TOLERANCE) -> list[str]:
    if value is None or expected is None:
        same = value is expected
    else:
        same = math.isclose(value, expected, rel_tol=0, abs_tol=tolerance)
    return [] if same else [f"{name}: {value} instead of {expected} (within {tolerance:g})"]


def _calibration(record: Record, expected: Expected) -> list[str]:
    rows = [row for row in record["calibration"] if row["count"]]
    if [row["count"] for row in rows] != [row["count"] for row in expected.calibration]:
        return [f"calibration: {rows} instead of {expected.calibration}"]
    return [
        difference
        for row, wanted in zip(rows, expected.calibration, strict=True)
        for name in wanted
        for difference in _close(f"calibration {name} from {wanted['lower']}", row[name], wanted[name])
    ]


def _latency(record: Record, expected: Expected) -> list[str]:
    said, sent = record["label_latency_seconds"], expected.latency_seconds
    if said is None or not sent:
        return [] if said is None and not sent else [f"label latency: {said} for {len(sent)} labels"]
    found = _close("label latency mean", said["mean"], math.fsum(sent) / len(sent))
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)):
        wanted = max(sent[max(1, math.ceil(share * len(sent))) - 1], 0.001)  # what is shorter counts as 1 ms
        if not math.isclose(said[name], wanted, rel_tol=QUANTILE_ERROR):
            found.append(f"label latency {name}: {said[name]} instead of {wanted}")
    return found
