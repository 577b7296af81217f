"""What a running worker says of itself: readiness, liveness, and the series read at scrape time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import cast

from agents.context import AppContext, Context
from tables.block_table import BlockTable
from tables.fates import FATES
from tables.join_state import JoinState
from tables.partition import BlockPartition
from tables.plan import MIN_MS
from telemetry.health import STUCK_SECONDS_MAX, Liveness, Pulse, Readiness
from telemetry.registry import Telemetry

Labelled = dict[tuple[str, ...], float]


class RoleWatch:
    """One role: whether it gets on, and whether it can do its work."""

    def __init__(
        self, role: str, context: AppContext, tables: Sequence[BlockTable], seconds: Callable[[], float]
    ) -> None:
        self.role = role
        self._context, self._tables = context, tables
        self._seconds = seconds
        self._liveness = Liveness(seconds())
        self._heard_seconds = seconds()

    def look(self) -> None:
        """Take in the state of the role."""
        lag = int(sum(records for (topic, _), records in self.lag().items() if not topic.endswith("-changelog")))
        replayed = sum(partition.replayed for partition in self._partitions())
        held = not self._reachable() or bool(self._context.progress.paused)
        pulse = Pulse(self._context.progress.chunks + replayed, lag, held)
        self._liveness = self._liveness.step(pulse, self._seconds())
        if self.why_not_ready() is not None or self._is_asking():
            self._heard_seconds = self._seconds()

    def _is_asking(self) -> bool:
        """Whether the broker has answered for any partition that is read, empty or not, or there is none to read.

        Lag tells nothing of a consumer that has never begun to ask.
        """
        read = [tp for tp in self._context.app.assignor.assigned_actives() if not tp.topic.endswith("-changelog")]
        polled = [ms for tp in read if (ms := self._context.consumer.polled_ms(tp)) is not None]
        return not read or self._context.now_ms() - max(polled, default=0) < STUCK_SECONDS_MAX * 1000

    def why_not_live(self) -> str | None:
        """The reason, None while it gets on."""
        reason = self._liveness.reason(self._seconds())
        if reason is None and self._seconds() - self._heard_seconds > STUCK_SECONDS_MAX:
            return f"no topic was asked for records for {self._seconds() - self._heard_seconds:.0f} s"
        return reason

    def why_not_ready(self) -> str | None:
        """The reason, None when it is ready."""
        return Readiness(
            assigned=self._assigned(),
            recovering=sum(not p.ready for p in self._partitions()),
            broker_reachable=self._reachable(),
            paused="; ".join(self._context.progress.paused.values()),
            alarm="; ".join(self._context.progress.alarms.values()),
            stopping=bool(self._context.app.should_stop),
        ).reason()

    def _assigned(self) -> bool:
        return bool(self._context.app.rebalancing_count) and not self._context.app.rebalancing

    def _reachable(self) -> bool:
        return self._context.consumer.reachable()  # type: ignore[no-any-return]  # our transport's

    def _partitions(self) -> Iterator[BlockPartition]:
        return (partition for table in self._tables for partition in table.data.partitions.values())

    def recovery_seconds(self) -> float:
        """How long the last recovery took."""
        return max(float(table.data.recovery_seconds) for table in self._tables)

    def lag(self) -> Labelled:
        """(topic, partition) -> records that are not processed yet."""
        lag = self._context.consumer.lag()
        return {(tp.topic, str(tp.partition)): float(records) for tp, records in lag.items()}


class Watch:
    """Looks at the worker's roles once a second and answers probes from what it saw."""

    def __init__(self, roles: Sequence[RoleWatch], telemetry: Telemetry) -> None:
        self._roles = roles
        telemetry.watch("hindcast_consumer_lag", self._lag)
        telemetry.watch("hindcast_recovery_seconds", lambda: {(): max(role.recovery_seconds() for role in roles)})

    async def look(self) -> None:
        """Take in the state of the worker."""
        for role in self._roles:
            role.look()

    def why_not_live(self) -> str | None:
        """For `/livez`."""
        return self._said(lambda role: role.why_not_live())

    def why_not_ready(self) -> str | None:
        """For `/readyz`."""
        return self._said(lambda role: role.why_not_ready())

    def _said(self, ask: Callable[[RoleWatch], str | None]) -> str | None:
        """What the roles have to say, each thing once; which of several says it, where only some do."""
        said = [(role.role, reason) for role in self._roles if (reason := ask(role)) is not None]
        if not said:
            return None
        if len(said) == len(self._roles) and len({reason for _, reason in said}) == 1:
            return said[0][1]
        return "; ".join(f"{role}: {reason}" for role, reason in said)

    def _lag(self) -> Labelled:
        found: Counter[tuple[str, ...]] = Counter()
        for role in self._roles:
            found.update(role.lag())
        return dict(found)


class IngestSeries:
    """What only the ingest role has to show."""

    def __init__(self, context: Context, telemetry: Telemetry) -> None:
        self._context = context
        telemetry.watch("hindcast_records_total", self._fates)
        telemetry.watch("hindcast_watermark_delay_seconds", self._watermark_delay)
        telemetry.watch(
            "hindcast_open_windows", lambda: {(): float(len({w for s in self._states() for w in s.windows.keys}))}
        )
        telemetry.watch("hindcast_join_rows", self._rows)

    def _states(self) -> list[JoinState]:
        return [cast("JoinState", p.state) for p in self._context.join.ready_partitions().values()]

    def _fates(self) -> Labelled:
        found: Counter[str] = Counter()
        for state in self._states():
            for counts in state.fates.as_dict().values():
                found.update(counts)
        return {(fate,): float(found[fate]) for fate in FATES}

    def _rows(self) -> Labelled:
        return {(): float(sum(state.index.rows for state in self._states()))}

    def _watermark_delay(self) -> Labelled:
        frontiers = [f for s in self._states() for f in s.sources.frontiers.values() if f != MIN_MS]
        now_ms = self._context.now_ms()
        return {(): (now_ms - min(frontiers)) / 1000} if frontiers else {}
