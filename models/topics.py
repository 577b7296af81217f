"""The catalogue of our topics: name, key, record, how partitioned, how long kept.

Names that hold `-by-id`, `-partials` or `-changelog` are internal, not for consumers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Cleanup = Literal["delete", "compact", "compact,delete"]
Partitioned = Literal["model", "key", "id", "model and segment", "as by-id", "as partials", "as metrics", "one"]

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS

FOREVER_MS: Final = -1
INTERNAL_BYTES_MAX: Final = 8 << 20
"""A block or batch holds thousands of records, so it may be larger than a broker's default."""

STATE_RETENTION_MS: Final = 7 * DAY_MS
"""The least a changelog is kept; longer where horizon and lateness ask for it."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One of our topics; `partitions` and `retention_ms` are what it is created with."""

    name: str
    key: str
    record: str
    partitioned: Partitioned
    partitions: int
    cleanup: Cleanup
    retention_ms: int
    internal: bool

    def config(self) -> dict[str, str]:
        """Kafka's topic configuration."""
        config = {"cleanup.policy": self.cleanup, "retention.ms": str(self.retention_ms)}
        if self.internal:
            config["max.message.bytes"] = str(INTERNAL_BYTES_MAX)
        return config


def catalogue(prefix: str, partitions: int, longest_wait_ms: int) -> Mapping[str, Topic]:
    """Short name -> topic, for a prefix and a number of partitions.

    `longest_wait_ms` is the greatest horizon + allowed lateness of all models: state topics are
    kept at least twice as long, since accumulators are rebuilt from them.
    """
    state_ms = max(STATE_RETENTION_MS, 2 * longest_wait_ms)

    def public(name: str, key: str, record: str, partitioned: Partitioned, cleanup: Cleanup, days: int) -> Topic:
        return Topic(prefix + name, key, record, partitioned, partitions, cleanup, days * DAY_MS, internal=False)

    def internal(name: str, key: str, record: str, partitioned: Partitioned, retention_ms: int) -> Topic:
        return Topic(prefix + name, key, record, partitioned, partitions, "delete", retention_ms, internal=True)

    def single(name: str, key: str, record: str, cleanup: Cleanup, retention_ms: int) -> Topic:
        internal = name.endswith("-changelog")
        return Topic(prefix + name, key, record, "one", 1, cleanup, retention_ms, internal=internal)

    def smoke(kind: str) -> Topic:
        return Topic(f"{prefix}smoke-{kind}", "none", kind, "key", 1, "delete", DAY_MS, internal=False)

    metric_key = "model|model_version|segment|span|window_start or latest"
    topics = {
        "metrics": public("metrics", metric_key, "hindcast.metric/1", "model", "compact,delete", 30),
        "dead-letters": public("dead-letters", "the original", "the original bytes", "key", "delete", 14),
        "pipeline": public("pipeline", "state partition", "hindcast.pipeline/1", "key", "compact,delete", 30),
        "heartbeats": public("heartbeats", "instance", "hindcast.heartbeat/1", "key", "delete", 3),
        "by-id": internal("by-id", "none", "packed Batch", "id", 3 * DAY_MS),
        "partials": internal("partials", "none", "partials and marks", "model and segment", DAY_MS),
        "join-changelog": internal("join-changelog", "none", "block", "as by-id", state_ms),
        "merge-changelog": internal("merge-changelog", "none", "block", "as partials", state_ms),
        "dimensions-changelog": single("dimensions-changelog", "none", "name", "delete", FOREVER_MS),
        # One notifier groups, inhibits and keeps rates for all alerts, so it has to see all of them, in order.
        "alerts": single("alerts", "fingerprint", "hindcast.alert/1", "compact,delete", 30 * DAY_MS),
        "decisions": public("decisions", "model|kind|cause", "hindcast.decision/1", "model", "compact,delete", 30),
        "silences": single("silences", "silence_id", "silence", "compact", FOREVER_MS),
        "rules-changelog": internal("rules-changelog", "none", "block", "as metrics", state_ms),
        "notify-changelog": single("notify-changelog", "none", "block", "delete", state_ms),
        "smoke-predictions": smoke("predictions"),
        "smoke-labels": smoke("labels"),
    }
    return MappingProxyType(topics)
