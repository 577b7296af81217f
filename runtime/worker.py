"""`hindcast worker`: preflight, then the agents until somebody says stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

import faust
import mode

from models.errors import WorldError
from runtime import clock
from runtime.app import Ingest, create_app, group_id
from runtime.settings import Settings
from runtime.state_directory import claim
from runtime.watch import Watch
from runtime.world import ensure
from telemetry.registry import Telemetry
from web.health import HealthServer, serve

log = logging.getLogger(__name__)

DRAIN_SECONDS_MAX = 18
"""With what the process itself takes to end, at most 20 s after SIGTERM."""
EMBEDDED_VARIABLE = "HINDCAST_EMBEDDED"
"""Set by `hindcast demo` alone: its embedded broker is refused otherwise."""


def fatal(reason: str) -> NoReturn:
    """End the process at once, nothing acknowledged: the state on the broker is safe by construction."""
    log.critical("stopping at once: %s", reason)
    logging.shutdown()
    os._exit(1)


class Beside(mode.Service):
    """What runs beside the Faust app: the health server and the watch over progress."""

    def __init__(self, ingest: Ingest, settings: Settings, telemetry: Telemetry, **kwargs: Any) -> None:  # noqa: ANN401  # mode's own
        super().__init__(**kwargs)
        self._ingest, self._settings, self._telemetry = ingest, settings, telemetry
        self.watch = Watch(ingest.context, telemetry, clock.monotonic_seconds)
        self._server: HealthServer | None = None

    async def on_start(self) -> None:
        """Serve before recovery: readiness says what is missing."""
        web = self._settings.web
        self._server = await serve(
            web.host, web.port, self._telemetry.registry, self.watch.why_not_ready, self.watch.why_not_live
        )
        log.info("listening on port %d", self._server.port)

    async def on_stop(self) -> None:
        """Close the socket and the readers of our own."""
        await self._ingest.dimensions.stop()
        if self._server is not None:
            await self._server.stop()

    @mode.Service.task
    async def look(self) -> None:
        """Look at progress now and then."""
        while not self.should_stop:
            await self.watch.look()
            await self.sleep(1.0)


class _Worker(faust.Worker):
    """Faust's worker without its own logging (ours is set up already) and with an end to its patience."""

    def _setup_logging(self) -> None:
        """Leave it as it is."""

    def _schedule_shutdown(self, received: signal.Signals) -> None:
        """Faust drains without a bound: it may take as long as a batch that hangs."""
        signal.alarm(DRAIN_SECONDS_MAX)
        super()._schedule_shutdown(received)


def run(settings: Settings, roles: tuple[str, ...], create_topics: bool) -> int:  # noqa: FBT001  # as the CLI calls it
    """Run until SIGTERM or SIGINT; 0 after a clean stop. Raises WorldError before the first record."""
    log.info("starting", extra={"roles": ",".join(roles)})
    partitions = _topic_partitions(settings, create_topics=create_topics)
    with claim(Path(settings.state.directory)):
        telemetry = Telemetry(settings.limits.series_max)
        ingest = create_app(settings, partitions, telemetry, fatal)
        _tune()
        return _run(ingest, settings, telemetry)


def _tune() -> None:
    """Settings of the interpreter for two busy threads and many short-lived records.

    Records make no cycles, so looking for some every 700 allocations, Python's default, is work for nothing; and two
    threads that both have something to do need not change places every 5 ms.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    sys.setswitchinterval(0.02)


def _topic_partitions(settings: Settings, *, create_topics: bool) -> dict[str, int]:
    """Partitions of the topics that are there. Raises WorldError if a worker could not work with them."""
    sources = {t for m in settings.models.values() for t in (m.predictions.topic, m.labels.topic)}
    if os.environ.get(EMBEDDED_VARIABLE) == "1":
        from runtime.demo_world import SOURCE_PARTITIONS  # the demo's own broker alone

        return dict.fromkeys(sources, SOURCE_PARTITIONS)
    found = ensure(settings, group_id(settings), create_topics=create_topics)
    return {name: topic.partitions for name, topic in found.seen.topics.items()}


def _run(ingest: Ingest, settings: Settings, telemetry: Telemetry) -> int:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    worker = _Worker(
        ingest.app,
        Beside(ingest, settings, telemetry, loop=loop),
        loop=loop,
        redirect_stdouts=False,
        quiet=True,
    )
    signal.signal(signal.SIGALRM, _too_slow)
    try:
        worker.execute_from_commandline()
    except SystemExit as stopped:
        return int(stopped.code or 0)
    except WorldError:
        raise
    finally:
        signal.alarm(0)


def _too_slow(number: int, frame: object) -> NoReturn:
    del number, frame
    sys.stderr.write(f"not drained within {DRAIN_SECONDS_MAX} s: stopping without acknowledging\n")
    os._exit(1)
