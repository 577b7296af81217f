"""A Faust app as every role needs it: our transport, our tables, acknowledgement by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NoReturn

import faust
from yarl import URL

from models.topics import INTERNAL_BYTES_MAX
from runtime.security import faust_credentials, kafka_security
from runtime.settings import Settings
from transport import chunked

Fatal = Callable[[str], NoReturn]
"""Ends the process at once."""

HEARTBEAT_SECONDS_MAX: Final = 3.0
REQUEST_SECONDS_MIN: Final = 90.0
"""Faust refuses a session time-out that is longer than a request's."""


def group_id(settings: Settings, role: str) -> str:
    """The consumer group of a role."""
    base = settings.kafka.topic_prefix.rstrip("-._") or "hindcast"
    return base if role == "ingest" else f"{base}-{role}"


def group_ids(settings: Settings, roles: tuple[str, ...]) -> Mapping[str, str]:
    """Role -> consumer group."""
    return {role: group_id(settings, role) for role in roles}


def faust_app(settings: Settings, role: str, fetch_bytes_max: int) -> faust.App:
    """The app of one role, with nothing registered on it yet."""
    kafka = settings.kafka
    session_seconds = kafka.session_timeout_ms / 1000
    scheme = chunked.register()
    own_directory = Path(settings.state.directory) / ("faust" if role == "ingest" else f"faust-{role}")
    own_directory.mkdir(parents=True, exist_ok=True)
    app: faust.App = faust.App(
        group_id(settings, role),
        broker=[URL(f"{scheme}://{server}") for server in kafka.bootstrap_servers],
        broker_credentials=faust_credentials(kafka_security(kafka.security)),
        datadir=str(own_directory),
        store="memory://",
        processing_guarantee="at_least_once",
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=kafka.partitions,
        table_standby_replicas=0,
        recovery_consistency_check=False,  # a changelog made anew is told by its log id
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=fetch_bytes_max,
        broker_commit_interval=1.0,
        broker_session_timeout=session_seconds,
        broker_heartbeat_interval=min(HEARTBEAT_SECONDS_MAX, session_seconds / 3),
        broker_request_timeout=max(REQUEST_SECONDS_MIN, 2 * session_seconds),
        producer_linger=0,
        producer_max_request_size=INTERNAL_BYTES_MAX,
        stream_recovery_delay=0.0,
        stream_wait_empty=False,  # a chunk that was passed over is never acknowledged: Faust would wait for ever
        web_enabled=False,
        worker_redirect_stdouts=False,
        loghandlers=[],
    )
    return app
