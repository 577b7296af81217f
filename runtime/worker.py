"""`hindcast worker`: preflight, then the agents until somebody says stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import faust
import mode
from aiohttp.web import Application

from models.errors import WorldError
from runtime import clock
from runtime.allocator import keep_freed_memory
from runtime.app import Ingest, create_app
from runtime.expected_topics import ALL_ROLES
from runtime.faust_app import group_ids
from runtime.settings import Settings
from runtime.source_identity import LOOK_SECONDS, Settled, SourceWatch, settle_sources
from runtime.state_directory import claim
from runtime.try_out import embedded_allowed
from runtime.watch import IngestSeries, RoleWatch, Watch
from runtime.world import ensure, with_partitions
from telemetry.registry import Telemetry
from web.health import Server, add_health, serve

if TYPE_CHECKING:
    from dashboard.app import Site
    from runtime.alerts_app import Alerts

log = logging.getLogger(__name__)

DRAIN_SECONDS_MAX = 18
"""With what the process itself takes to end, at most 20 s after SIGTERM."""


def fatal(reason: str) -> NoReturn:
    """End the process at once, nothing acknowledged: the state on the broker is safe by construction."""
    log.critical("stopping at once: %s", reason)
    logging.shutdown()
    os._exit(1)


@dataclass(slots=True)
class Running:
    """The roles that this process plays, each a Faust app of its own."""

    ingest: Ingest | None = None
    sources: Settled | None = None
    alerts: Alerts | None = None

    @property
    def apps(self) -> list[faust.App]:
        """The one that the process is about comes first."""
        return [role.app for role in (self.ingest, self.alerts) if role is not None]

    def watch(self, telemetry: Telemetry) -> Watch:
        """The watch over all of them."""
        roles, seconds = [], clock.monotonic_seconds
        if self.ingest is not None:
            context = self.ingest.context
            roles.append(RoleWatch("ingest", context, (context.join, context.merge), seconds))
            IngestSeries(context, telemetry)
        if self.alerts is not None:
            alerting = self.alerts.context
            roles.append(RoleWatch("alerts", alerting, (alerting.rules, alerting.notify), seconds))
        return Watch(roles, telemetry)

    async def close(self) -> None:
        """Let go of what the apps do not close themselves."""
        if self.ingest is not None:
            await self.ingest.dimensions.stop()


class Beside(mode.Service):
    """What runs beside the first Faust app: the other apps, the health server, the watch over progress."""

    def __init__(self, running: Running, settings: Settings, telemetry: Telemetry, **kwargs: Any) -> None:  # noqa: ANN401  # mode's own
        super().__init__(**kwargs)
        self._running, self._settings, self._telemetry = running, settings, telemetry
        self.watch = running.watch(telemetry)
        self._server: Server | None = None
        self._site: Site | None = None

    async def on_start(self) -> None:
        """Serve before recovery: readiness says what is missing."""
        web = self._settings.web
        app = Application()
        if web.page:
            from runtime.dashboard import mount  # only where it is served

            self._site = mount(app, self._settings, self._telemetry)
        add_health(app, self._telemetry.registry, self.watch.why_not_ready, self.watch.why_not_live)
        self._server = await serve(web.host, web.port, app)
        log.info("listening on port %d", self._server.port)

    async def on_stop(self) -> None:
        """Close the socket and the connections of our own."""
        await self._running.close()
        if self._server is not None:
            await self._server.stop()

    @mode.Service.task
    async def start_others(self) -> None:
        """In a task of its own: starting an app waits for its recovery, and the first one must not wait for that."""
        for app in self._running.apps[1:]:
            await self.add_runtime_dependency(app)

    @mode.Service.task
    async def look(self) -> None:
        """Look at progress now and then."""
        while not self.should_stop:
            await self.watch.look()
            await self.sleep(1.0)

    @mode.Service.task
    async def read_for_page(self) -> None:
        """Fill the page. Whatever is wrong with it, the worker's own work goes on."""
        if self._site is None:
            return
        from runtime.dashboard import reader

        try:
            await reader(self._settings, self._site).run()
        except Exception:
            log.exception("the page is not read any further")

    @mode.Service.task
    async def look_at_sources(self) -> None:
        """See whether the source topics are still the ones of the start."""
        sources, ingest = self._running.sources, self._running.ingest
        if sources is None or ingest is None:
            return
        watch = SourceWatch(sources, ingest.context.progress.alarms, fatal)
        while not self.should_stop:
            await self.sleep(LOOK_SECONDS)
            await watch.look()


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
    settings = with_partitions(settings)
    partitions = _topic_partitions(settings, roles, create_topics=create_topics)
    with claim(Path(settings.state.directory)):
        telemetry = Telemetry(settings.limits.series_max)
        running = _create(settings, roles, partitions, telemetry)
        _tune()
        return _run(running, settings, telemetry)


def _create(settings: Settings, roles: tuple[str, ...], seen: Mapping[str, int], telemetry: Telemetry) -> Running:
    running = Running()
    if "ingest" in roles:
        running.sources = None if embedded_allowed() else settle_sources(settings)
        epochs = running.sources.epochs if running.sources is not None else {}
        running.ingest = create_app(settings, seen, telemetry, fatal, epochs)
    if "alerts" in roles:
        from runtime.alerts_app import create_alerts  # its templates and clients, only where they are used

        beside_ingest = running.ingest is not None
        running.alerts = create_alerts(settings, seen, telemetry, fatal, beside_ingest=beside_ingest)
    return running


def _tune() -> None:
    """Settings of the interpreter for two busy threads and many short-lived records.

    Records make no cycles, so looking for some every 700 allocations, Python's default, is work for nothing; and two
    threads that both have something to do need not change places every 5 ms.
    """
    keep_freed_memory()
    gc.freeze()
    gc.set_threshold(200_000, 20, 50)  # more than the objects of all chunks that are under way
    sys.setswitchinterval(0.02)


def _topic_partitions(settings: Settings, roles: tuple[str, ...], *, create_topics: bool) -> dict[str, int]:
    """Partitions of the topics that are there. Raises WorldError if a worker could not work with them."""
    sources = {t for m in settings.models.values() for t in (m.predictions.topic, m.labels.topic)}
    if embedded_allowed():
        from runtime.demo_world import SOURCE_PARTITIONS  # the demo's own broker alone

        return dict.fromkeys(sources, SOURCE_PARTITIONS)
    groups = group_ids(settings, tuple(role for role in roles if role in ALL_ROLES))
    found = ensure(settings, groups, create_topics=create_topics)
    return {name: topic.partitions for name, topic in found.seen.topics.items()}


def _run(running: Running, settings: Settings, telemetry: Telemetry) -> int:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    worker = _Worker(
        running.apps[0],
        Beside(running, settings, telemetry, loop=loop),
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
