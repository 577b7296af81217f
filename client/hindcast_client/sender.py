"""The thread that takes records from the queue, makes bytes of them and hands them to the transport."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Final

from hindcast_client.bounded_queue import BoundedQueue, Tally
from hindcast_client.errors import UnusableRecordError
from hindcast_client.metrics import ServingMetrics
from hindcast_client.records import Fields, Kind, Record, RecordEncoder
from hindcast_client.transports.base import Transport

logger = logging.getLogger(__name__)

TICK_SECONDS: Final = 0.05
"""How long records lie in the queue at most. Waking the thread for each would cost the request more than the record."""
SLICE: Final = 50
"""Records worked off before the interpreter is offered to the requests' threads, which else wait for 5 ms."""
COMPLAIN_SECONDS: Final = 60.0


Offered = tuple[Kind, Fields]
"""What a request leaves behind."""


class Sender(threading.Thread):
    """Runs until `stop`, then has so many seconds for what is left; counts what it could not get rid of."""

    def __init__(
        self,
        queue: BoundedQueue[Offered],
        encoder: RecordEncoder,
        transport: Transport,
        *,
        fallback: Transport | None,
        metrics: ServingMetrics | None,
    ) -> None:
        super().__init__(name="hindcast-sender", daemon=True)
        self._queue, self._encoder, self._transport, self._fallback = queue, encoder, transport, fallback
        self._metrics = metrics
        self._outcomes = _Outcomes(queue.tally, fallback)
        self._stopping = threading.Event()
        self._flush_seconds = 0.0

    def stop(self, flush_seconds: float) -> None:
        """Send what is left, for so long at most, and end. Returns when that is done."""
        self._flush_seconds = flush_seconds
        self._stopping.set()
        self.join(flush_seconds + 2)  # closing the transport takes its time, too

    def run(self) -> None:
        """See the class. Ends early only if the transport cannot even be opened."""
        try:
            self._transport.open(self._outcomes)
            if self._fallback is not None:
                self._fallback.open(_Fallback(self._queue.tally))
        except Exception:
            logger.exception("records cannot be sent, and are dropped when the queue is full")
            return
        while not self._stopping.wait(TICK_SECONDS):
            self._drain(deadline=float("inf"))
            self._transport.settle(0)
            if self._metrics is not None:
                self._metrics.settle()
            self._outcomes.complain()
        self._finish(time.monotonic() + self._flush_seconds)

    def _drain(self, *, deadline: float) -> None:
        """Hand over what the transport has room for."""
        while len(self._queue) and time.monotonic() < deadline and (room := self._transport.room()) > 0:
            self._hand_over(self._queue.take(min(room, SLICE)))
            self._transport.settle(0)
            time.sleep(0)

    def _hand_over(self, offered: Sequence[Offered]) -> None:
        records = [record for kind, fields in offered if (record := self._encoded(kind, fields)) is not None]
        try:
            self._transport.send(records)
        except Exception as error:  # noqa: BLE001  # somebody's own transport; the thread has to go on
            for record in records:
                self._outcomes.lost(record, "transport_failed", repr(error))

    def _encoded(self, kind: Kind, fields: Fields) -> Record | None:
        try:
            record = self._encoder.encode(kind, fields)
            if self._metrics is not None and kind == "predictions":
                self._metrics.observe_confidence(fields)
            return record
        except UnusableRecordError as error:
            why = str(error)
        except Exception as error:  # noqa: BLE001  # a value whose __str__ raises, or worse
            why = repr(error)
        self._outcomes.drop("unusable", why)
        return None

    def _finish(self, deadline: float) -> None:
        self._queue.close()
        while True:
            self._drain(deadline=deadline)
            waiting = max(deadline - time.monotonic(), 0.0)
            unsettled = self._transport.settle(min(waiting, 1.0))
            if not waiting or not (unsettled or len(self._queue)):
                break
            if len(self._queue):  # there was no room for them
                time.sleep(min(waiting, TICK_SECONDS))
        self._transport.close()
        left = len(self._queue.take(self._queue.size_max))
        if left:
            self._outcomes.drop("unsent", "they still waited when the process ended", left)
        if self._fallback is not None:
            self._fallback.close()
        self._outcomes.complain(at_once=True)


class _Outcomes:
    """Counts what became of records, and says so in the log once a minute if some are lost."""

    def __init__(self, tally: Tally, fallback: Transport | None) -> None:
        self._tally, self._fallback = tally, fallback
        self._why: dict[str, str] = {}
        self._complained_at, self._complained_of = float("-inf"), 0

    def sent(self, count: int) -> None:
        self._tally.deliver(count)

    def lost(self, record: Record, reason: str, why: str) -> None:
        if self._fallback is not None:
            self._why["fallback"] = why
            self._fallback.send([record])
        else:
            self.drop(reason, why)

    def drop(self, reason: str, why: str, count: int = 1) -> None:
        self._why[reason] = why
        self._tally.drop(reason, count)

    def complain(self, *, at_once: bool = False) -> None:
        counts = self._tally.counts()
        lost, now = {**counts.dropped, "fallback": counts.fallback}, time.monotonic()
        total = sum(lost.values())
        if total == self._complained_of or (now < self._complained_at + COMPLAIN_SECONDS and not at_once):
            return
        self._complained_at, self._complained_of = now, total
        said = [f"{n} {what}{f' ({self._why[what]})' if what in self._why else ''}" for what, n in lost.items() if n]
        logger.warning("of %d records so far, not sent: %s", counts.offered, "; ".join(said))


class _Fallback:
    """Counts what became of records that the fallback was given."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def sent(self, count: int) -> None:
        for _ in range(count):
            self._tally.divert()

    def lost(self, record: Record, reason: str, why: str) -> None:  # noqa: ARG002  # what the first one said counts
        self._tally.drop(reason)
