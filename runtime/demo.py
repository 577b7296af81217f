"""`hindcast demo`: embedded broker, simulated traffic, one worker and a live view, all on this machine."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.live import Live

from models.alert_event import decode_alert
from models.errors import WorldError
from models.topics import catalogue
from runtime import clock, demo_world
from runtime.child_process import ChildProcess
from runtime.demo_source import Counts, Scraper, TopicReader, metric_records
from runtime.demo_state import DemoState
from runtime.demo_view import alert_line, plain_line, render, summary
from runtime.embedded_broker import EmbeddedBroker
from runtime.interrupts import stop_event
from runtime.settings import Settings
from runtime.try_out import EMBEDDED

LINE_SECONDS = 5.0
LOOK_SECONDS = 0.2
ROWS_BESIDE_WINDOWS = 15


def run(settings: Settings | None, for_seconds: float | None, seed: int) -> int:
    """Run until `for_seconds` are over or Ctrl-C, then print a summary; 0, or 1 if no metrics came.

    The demo has a configuration of its own; `settings` is only told about. Raises WorldError when a part of it
    fails, with the worker's last words if it was the worker.
    """
    console = Console()
    if settings is not None:
        console.print("the demo has a configuration of its own and does not use yours")
    state = DemoState(for_seconds=for_seconds)
    with tempfile.TemporaryDirectory(prefix="hindcast-demo-") as directory, stop_event() as stop, ExitStack() as stack:
        stack.callback(stop.set)  # also when a part of it fails: the threads end before the broker does
        watch(console, state, _parts(stack, Path(directory), state, seed, stop), stop)
    console.print(summary(state))
    return 0 if state.windows else 1


Look = Callable[[], None]
"""Brings the state up to date, waiting a little for news; raises WorldError when a part has failed."""


def _parts(stack: ExitStack, directory: Path, state: DemoState, seed: int, stop: threading.Event) -> Look:
    broker = stack.enter_context(EmbeddedBroker())
    port = _free_port()
    path = directory / "hindcast.yaml"
    content = demo_world.configuration(broker.bootstrap, port, directory)
    settings = demo_world.write_configuration(path, content)
    demo_world.create_topics(broker, settings)
    worker = stack.enter_context(
        ChildProcess(worker_command(path), directory / "worker.log", {**os.environ, EMBEDDED: "1"})
    )
    simulator = demo_world.Simulator(settings, demo_world.demo_traffic(seed, state.for_seconds), stop)
    (model,) = settings.models.values()
    topics = catalogue(settings.kafka.topic_prefix, settings.kafka.partitions, model.horizon_ms)
    readers = [TopicReader(broker.bootstrap, topics[name].name) for name in ("metrics", "alerts")]
    for reader in readers:
        stack.callback(reader.close)
    scraper = Scraper("127.0.0.1", port, stop)
    state.window_name = model.window.name
    state.page = f"http://127.0.0.1:{port}/"
    for thread in (simulator, scraper):
        thread.start()
        stack.callback(thread.join, 1.0)
    stack.callback(stop.set)
    return _look(state, worker, simulator, readers, scraper)


def worker_command(configuration: Path) -> list[str]:
    """How the demo starts its worker."""
    return [sys.executable, "-m", "runtime.child", "worker", "--config", str(configuration)]


def _look(
    state: DemoState,
    worker: ChildProcess,
    simulator: demo_world.Simulator,
    readers: Sequence[TopicReader],
    scraper: Scraper,
) -> Look:
    seen: Counts | None = None
    counted_at = clock.monotonic_seconds()
    metrics, alerts = readers

    def look() -> None:
        nonlocal seen, counted_at
        worker.check()
        if simulator.failure is not None:
            raise WorldError(f"the simulator stopped: {simulator.failure}")
        state.add(metric_records(metrics.read(LOOK_SECONDS)))
        state.alert(map(decode_alert, alerts.read(0)))
        if scraper.latest is not None and scraper.latest is not seen:
            seen, before = scraper.latest, counted_at
            counted_at = clock.monotonic_seconds()
            state.count(seen.consumed, seen.fates, counted_at - before)
        state.note = "the worker reads, its first windows are not over yet" if state.consumed else "the worker starts"

    return look


def watch(console: Console, state: DemoState, look: Look, stop: threading.Event) -> None:
    """Look and show until the time is over or `stop` is set; the time counts from here."""
    began = clock.monotonic_seconds()
    worse_after, better_after = demo_world.degraded_between(state.for_seconds)
    with _shown(console, state) as show:
        while not stop.is_set():
            look()
            state.elapsed_seconds = clock.monotonic_seconds() - began
            state.degraded = worse_after < state.elapsed_seconds < better_after
            show()
            if state.for_seconds is not None and state.elapsed_seconds >= state.for_seconds:
                return


@contextmanager
def _shown(console: Console, state: DemoState) -> Iterator[Callable[[], None]]:
    """A live picture on a terminal; elsewhere a line for the first metrics and one now and then."""
    if not console.is_terminal:
        yield _lines(console, state)
        return
    with Live(console=console, auto_refresh=False, screen=False, transient=True) as live:

        def show() -> None:
            versions = max(1, len({version for _, version in state.windows}))
            room = max(2, (console.height - ROWS_BESIDE_WINDOWS) // versions)
            live.update(render(state, min(12, room)), refresh=True)

        yield show


def _lines(console: Console, state: DemoState) -> Callable[[], None]:
    told, began, alerted = -LINE_SECONDS, False, 0
    console.print(f"live page: {state.page}", highlight=False, soft_wrap=True)

    def show() -> None:
        nonlocal told, began, alerted
        for alert in state.changes[alerted:]:
            console.print(f"{state.elapsed_seconds:4.0f} s | {alert_line(alert)}", highlight=False, soft_wrap=True)
        alerted = len(state.changes)
        first = bool(state.windows) and not began
        if first or state.elapsed_seconds - told >= LINE_SECONDS:
            told, began = state.elapsed_seconds, bool(state.windows)
            console.print(plain_line(state), highlight=False, soft_wrap=True)

    return show


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
