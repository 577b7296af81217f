"""`hindcast broker`: the embedded broker by itself, so that worker, traffic and alerts can be tried one by one."""

from __future__ import annotations

import os
from typing import Final

import typer

from runtime.embedded_broker import EmbeddedBroker
from runtime.interrupts import stop_event
from runtime.settings import Settings

EMBEDDED: Final = "HINDCAST_EMBEDDED"
"""The environment variable that lets a worker use an embedded broker, which is refused otherwise."""


def embedded_allowed() -> bool:
    """Whether somebody who knows what it forgets has allowed it."""
    return os.environ.get(EMBEDDED) == "1"


def run(settings: Settings) -> int:
    """Serve the configured topics, input and ours, until SIGTERM or SIGINT; all records are gone then.

    The address, which is another one each time, is told as a line for a shell. Raises WorldError.
    """
    from runtime.demo_world import create_topics

    with EmbeddedBroker() as broker, stop_event() as stop:
        create_topics(broker, settings)
        typer.echo(f"export BROKER={broker.bootstrap} {EMBEDDED}=1")
        stop.wait()
    return 0
