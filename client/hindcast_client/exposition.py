"""What `/metrics` answers, for both kinds of servers."""

from __future__ import annotations

import os
from collections.abc import Collection

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from hindcast_client.errors import UsageError
from hindcast_client.metrics import ServingMetrics


def expose(metrics: ServingMetrics, accept: str) -> tuple[bytes, str]:
    """Body and content type, in the format that the Accept header asks for.

    Where PROMETHEUS_MULTIPROC_DIR is set (several worker processes behind one port), the sum over all of them.
    """
    registry = metrics.registry
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        metrics.settle()  # else done when the registry asks its collectors
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # prometheus-client leaves it untyped
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class Paths:
    """Which paths are predictions: those named, and all below those that end in ``/``."""

    def __init__(self, paths: Collection[str]) -> None:
        if isinstance(paths, str):
            raise UsageError(f"paths: several, as a list, not one text ({paths!r})")
        self._exact = frozenset(paths)
        self._below = tuple(path for path in paths if path.endswith("/"))

    def __contains__(self, path: str) -> bool:
        return path in self._exact or path.startswith(self._below)
