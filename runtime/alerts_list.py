"""The verb ``hindcast alerts list``: what fires, from the alerts topic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from models.alert_event import AlertEvent, decode_alert, encode_alert
from models.metric_record import iso_ms
from runtime.letter import plain
from runtime.settings import Settings
from runtime.topic_reader import TopicReader

_WIDTH_WITHOUT_TERMINAL = 160


def list_alerts(settings: Settings, *, every: bool, as_json: bool) -> int:
    """Print the alerts that fire, or the last word on every alert that the topic holds."""
    with closing(TopicReader(settings, f"{settings.kafka.topic_prefix}alerts")) as reader:
        known = newest(_decoded(message.value() for message in reader.messages()))
    firing = [alert for alert in known if alert.status == "firing"]
    chosen = known if every else firing
    if as_json:
        for alert in chosen:
            typer.echo(encode_alert(alert).decode())
        return 0
    if chosen:
        _print_table(chosen)
    typer.echo(f"{len(firing)} firing of {len(known)} alerts")
    return 0


def _decoded(values: Iterable[bytes | None]) -> Iterator[AlertEvent]:
    """The alert records among them; what somebody else wrote there is passed over."""
    for value in values:
        try:
            alert = decode_alert(value or b"null")
        except ValueError:
            continue
        yield alert


def newest(alerts: Iterable[AlertEvent]) -> list[AlertEvent]:
    """The last word on each alert: firing first, then the most urgent, then the newest."""
    last = {alert.fingerprint: alert for alert in alerts}
    return sorted(last.values(), key=lambda alert: (alert.status, alert.priority, -alert.starts_at_ms))


def _print_table(alerts: list[AlertEvent]) -> None:
    # Cells are Text: what stands in records may look like rich's markup, or steer a terminal.
    table = Table("status", "rule", "model", "version", "segment", "since", "until", "why", box=None)
    for alert in alerts:
        table.add_row(*(Text(plain(cell), overflow="fold") for cell in _cells(alert)))
    terminal = Console()
    (terminal if terminal.is_terminal else Console(width=_WIDTH_WITHOUT_TERMINAL)).print(table)


def _cells(alert: AlertEvent) -> tuple[str, ...]:
    return (
        f"{alert.priority} {alert.status}{' (historic)' if alert.historic else ''}",
        alert.rule,
        alert.model,
        alert.model_version,
        alert.segment,
        iso_ms(alert.starts_at_ms),
        "" if alert.ends_at_ms is None else iso_ms(alert.ends_at_ms),
        alert.summary,
    )
