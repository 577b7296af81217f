"""The read side: `hindcast dashboard`, a process of its own, and the same page inside a worker."""

from __future__ import annotations

import asyncio
import logging
import signal
from importlib.metadata import version

from aiohttp.web import Application

from dashboard.app import Site, add_api, protect
from dashboard.guard import Credentials
from dashboard.letter_store import LetterStore
from dashboard.message import Kind
from dashboard.pages import add_pages
from dashboard.pipeline import GroupsView
from dashboard.reader import Reader
from dashboard.reading import Reading
from dashboard.ring import Ring
from dashboard.silence_store import SilenceStore
from dashboard.silencing import Silencing
from dashboard.store import Store
from dashboard.stream import Stream
from models.errors import WorldError
from runtime import clock
from runtime.alert_plan import silences_of
from runtime.alerts_silences import write
from runtime.consumer_groups import ConsumerGroups
from runtime.interrupts import SIGNALS
from runtime.page_lines import page_lines
from runtime.security import aiokafka_kwargs, kafka_security
from runtime.settings import AuthSettings, Settings
from runtime.settings.secrets import read_secret
from telemetry.registry import Telemetry
from web.health import add_health, serve

log = logging.getLogger(__name__)

TOPICS: dict[Kind, str] = {
    "metric": "metrics",
    "alert": "alerts",
    "decision": "decisions",
    "dead_letter": "dead-letters",
    "pipeline": "pipeline",
    "silence": "silences",
}


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; 0. Raises WorldError if the port is taken; a broker may be missing."""
    return asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> int:
    app, telemetry = Application(), Telemetry(settings.limits.series_max)
    site = mount(app, settings, telemetry)
    add_health(app, telemetry.registry, site.reading.why_not_ready, lambda: None)
    told = asyncio.Event()
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, _tell, told)
    server = await serve(settings.web.host, settings.web.port, app)
    log.info("listening on port %d", server.port)
    reading = asyncio.create_task(reader(settings, site).run())
    stop = asyncio.create_task(told.wait())
    try:
        await asyncio.wait((reading, stop), return_when=asyncio.FIRST_COMPLETED)
        if reading.done():
            reading.result()  # it ends by a bug only, which is raised here
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await server.stop()
    return 0


def mount(app: Application, settings: Settings, telemetry: Telemetry) -> Site:
    """Add the page and the API to an application, behind `web.auth`; `reader(settings, site).run()` fills them."""
    allowed = credentials(settings.web.auth)
    store = Store(
        letters=LetterStore(with_content=allowed is not None),
        silences=SilenceStore(silences_of(settings.alerts)),
        lines=page_lines(settings),
    )
    site = Site(
        store=store,
        ring=Ring(f"{clock.now_ms():x}"),
        reading=Reading(),
        now_ms=clock.now_ms,
        version=version("hindcast-monitor"),
        base_path=settings.web.base_path,
        consumers=GroupsView(ConsumerGroups(settings).look, clock.monotonic_seconds),
        silencing=None if allowed is None else silencing(settings, allowed),
    )
    stream = Stream(site.ring)
    protect(app, allowed)
    add_api(app, site, stream)
    add_pages(app, site.base_path, site.version)
    telemetry.watch("hindcast_dashboard_records", lambda: {(): float(len(site.store.metrics))})
    telemetry.watch("hindcast_dashboard_lag", lambda: {(): float(site.reading.behind)})
    telemetry.watch("hindcast_dashboard_streams", lambda: {(): float(stream.clients)})
    return site


def _tell(told: asyncio.Event) -> None:
    """Stop; a second Ctrl-C does what it always does."""
    told.set()
    asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)


def reader(settings: Settings, site: Site) -> Reader:
    """A reader of our topics for the site."""
    prefix = settings.kafka.topic_prefix
    return Reader(
        {kind: prefix + name for kind, name in TOPICS.items()},
        site.store,
        site.ring,
        site.reading,
        now_ms=clock.now_ms,
        seconds=clock.monotonic_seconds,
        bootstrap_servers=",".join(settings.kafka.bootstrap_servers),
        **aiokafka_kwargs(kafka_security(settings.kafka.security)),
    )


def silencing(settings: Settings, allowed: Credentials) -> Silencing:
    """Silences as `hindcast alerts silence` writes them."""
    return Silencing(
        begin=lambda silence: write(settings, silence.silence_id, silence),
        end=lambda silence_id: write(settings, silence_id, None),
        username=allowed.username or "somebody with the token",
    )


def credentials(auth: AuthSettings | None) -> Credentials | None:
    """What requests have to bring; None for nothing. Raises WorldError if a file went away since loading."""
    if auth is None:
        return None
    try:
        if auth.basic is not None:
            return Credentials(read_secret(auth.basic.password_file), auth.basic.username)
        return Credentials(read_secret(auth.bearer_file or ""))
    except ValueError as error:
        raise WorldError(f"web.auth: {error}") from None
