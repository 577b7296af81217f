"""What a running worker says of itself: readiness, liveness, and the series read at scrape time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import cast

from agents.context import Context
from tables.fates import FATES
from tables.join_state import JoinState
from tables.partition import BlockPartition
from tables.plan import MIN_MS
from telemetry.health import Liveness, Pulse, Readiness
from telemetry.registry import Telemetry


class Watch:
    """Looks at the worker once a second and answers probes from what it saw."""

    def __init__(self, context: Context, telemetry: Telemetry, seconds: Callable[[], float]) -> None:
        self._context = context
        self._seconds = seconds
        self._liveness = Liveness(seconds())
        telemetry.watch("hindcast_records_total", self._fates)
        telemetry.watch("hindcast_consumer_lag", self._lag)
        telemetry.watch("hindcast_watermark_delay_seconds", self._watermark_delay)
        telemetry.watch(
            "hindcast_open_windows", lambda: {(): float(len({w for s in self._states() for w in s.windows.keys}))}
        )
        telemetry.watch("hindcast_join_rows", self._rows)
        telemetry.watch("hindcast_recovery_seconds", self._recovery)

    # -- probes

    async def look(self) -> None:
        """Take in the state of the worker."""
        now = self._seconds()
        lag = int(sum(self._lag().values()))
        pulse = Pulse(self._context.progress.chunks, lag, self._reachable())
        self._liveness = self._liveness.step(pulse, now)

    def why_not_live(self) -> str | None:
        """For `/livez`."""
        return self._liveness.reason(self._seconds())

    def why_not_ready(self) -> str | None:
        """For `/readyz`."""
        return Readiness(
            assigned=self._assigned(),
            recovering=self._recovering(),
            broker_reachable=self._reachable(),
            paused="; ".join(self._context.progress.paused.values()),
            alarm="; ".join(self._context.progress.alarms.values()),
            stopping=bool(self._context.app.should_stop),
        ).reason()

    def _assigned(self) -> bool:
        return bool(self._context.app.rebalancing_count) and not self._context.app.rebalancing

    def _recovering(self) -> int:
        return sum(not p.ready for p in self._partitions())

    def _reachable(self) -> bool:
        return self._context.consumer.reachable()  # type: ignore[no-any-return]  # our transport's

    # -- series

    def _partitions(self) -> list[BlockPartition]:
        tables = (self._context.join, self._context.merge)
        return [p for t in tables for p in t.data.partitions.values()]

    def _states(self) -> list[JoinState]:
        return [cast("JoinState", p.state) for p in self._context.join.ready_partitions().values()]

    def _fates(self) -> dict[tuple[str, ...], float]:
        found: Counter[str] = Counter()
        for state in self._states():
            for counts in state.fates.as_dict().values():
                found.update(counts)
        return {(fate,): float(found[fate]) for fate in FATES}

    def _rows(self) -> dict[tuple[str, ...], float]:
        return {(): float(sum(state.index.rows for state in self._states()))}

    def _recovery(self) -> dict[tuple[str, ...], float]:
        return {(): max(self._context.join.data.recovery_seconds, self._context.merge.data.recovery_seconds)}

    def _lag(self) -> dict[tuple[str, ...], float]:
        lag = self._context.consumer.lag()
        return {(tp.topic, str(tp.partition)): float(records) for tp, records in lag.items()}

    def _watermark_delay(self) -> dict[tuple[str, ...], float]:
        frontiers = [f for s in self._states() for f in s.sources.frontiers.values() if f != MIN_MS]
        now_ms = self._context.now_ms()
        return {(): (now_ms - min(frontiers)) / 1000} if frontiers else {}
