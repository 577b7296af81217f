"""The demo's picture of the metrics: a pure function of what has been seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from models.alert_event import AlertEvent
from models.metric_record import iso_ms
from runtime.demo_state import DemoState, MetricRecord

BAR_CELLS = 8
ALERTS_SHOWN = 4
SHOWN = (("accuracy", "accuracy"), ("f1", "F1"), ("auc", "AUC"))
INTERVALS_COLUMNS_MIN = 119
"""A narrower terminal shows the metrics without their intervals: half a number helps nobody."""
FATES_COLUMNS = 78
FATE_STYLES = {"joined": "green", "late": "yellow", "expired": "yellow", "dead_lettered": "red"}


def render(state: DemoState, windows: int = 12) -> RenderableType:
    """The whole view: newest windows, spans, fates and throughput."""
    parts: list[RenderableType] = [_headline(state)]
    if state.windows:
        parts.append(_windows(state, windows))
        if state.spans:
            parts += ["", _spans(state)]
    else:
        parts.append(Panel(Text(f"{state.note} …"), border_style="dim"))
    if state.alerts:
        parts += ["", *_alerts(state)]
    return Group(*parts, "", _fates(state), _throughput(state))


def summary(state: DemoState) -> RenderableType:
    """What is left on the screen at the end."""
    parts: list[RenderableType] = [
        Text.assemble(
            ("Hindcast demo", "bold"),
            f": {state.elapsed_seconds:.0f} s, {state.consumed:,} records consumed, "
            f"{len(state.windows):,} windows of {len(_versions(state))} versions ({state.finals():,} final), "
            f"{len(state.segments)} segments, {state.records:,} metric records",
        )
    ]
    if state.spans:
        parts.append(_spans(state))
    return Group(*parts, *_alerts(state), _fates(state))


def plain_line(state: DemoState) -> str:
    """One line for where there is no terminal: the newest window of each version with labels."""
    parts = [f"{state.elapsed_seconds:4.0f} s", f"{state.events_per_second:,.0f} events/s"]
    for version in _versions(state):
        mine = [r for place, r in sorted(state.windows.items()) if place[1] == version and r["labelled"]]
        if mine:
            parts.append(f"{version} {_clock(mine[-1])} " + " ".join(_named(mine[-1], name) for name, _ in SHOWN))
    return " | ".join(parts) if state.windows else f"{parts[0]} | {state.note}"


def alert_line(alert: AlertEvent) -> str:
    """What an alert says: what it is, whose, why with value and interval, since when, and what to do about it."""
    parts = [
        f"{alert.status.upper()} {alert.priority} {alert.rule}: {alert.model} {alert.model_version}".rstrip(),
        alert.summary,
        f"since {iso_ms(alert.starts_at_ms)[11:16]}"
        + (f" until {iso_ms(alert.ends_at_ms)[11:16]}" if alert.ends_at_ms is not None else ""),
        f"runbook {alert.runbook}" if alert.runbook else "",
    ]
    return " | ".join(part for part in parts if part)


def coverage_bar(coverage: float | None, cells: int = BAR_CELLS) -> str:
    """Share of labelled predictions as a bar.

    >>> coverage_bar(0.5), coverage_bar(None)
    ('████░░░░  50%', '░░░░░░░░   - ')
    """
    full = 0 if coverage is None else round(min(max(coverage, 0.0), 1.0) * cells)
    share = "  - " if coverage is None else f"{coverage:4.0%}"
    return "█" * full + "░" * (cells - full) + " " + share


def number(record: MetricRecord, name: str) -> str:
    """A metric with its interval, as `0.981 [0.970 0.986]`; `-` where it is undefined."""
    value, interval = record["metrics"].get(name), record["intervals"].get(name)
    if value is None:
        return "-"
    return f"{value:.3f}" if interval is None else f"{value:.3f} [{interval[0]:.3f} {interval[1]:.3f}]"


def _headline(state: DemoState) -> Text:
    total = "" if state.for_seconds is None else f" of {state.for_seconds:.0f}"
    text = Text.assemble(
        ("Hindcast demo", "bold"), f"  {state.elapsed_seconds:.0f}{total} s, event time runs 60 times as fast"
    )
    if state.degraded:
        text.append("  the model is degrading now", style="bold red")
    text.append("  (Ctrl-C ends)", style="dim")
    return text.append(f"\nlive page: {state.page}", style="cyan") if state.page else text


@dataclass(frozen=True, slots=True)
class _Metrics:
    """A row of metrics for each record, with intervals where the terminal is wide enough for them."""

    titles: tuple[str, str]
    rows: Sequence[tuple[str, str | Text, MetricRecord]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del console  # the protocol's
        yield self._table(intervals=options.max_width >= INTERVALS_COLUMNS_MIN)

    def _table(self, *, intervals: bool) -> Table:
        table = Table(box=None, header_style="bold", pad_edge=False)
        first_width, second_width, total_width = (8, 7, 7) if intervals else (None, None, None)
        table.add_column(self.titles[0], no_wrap=True, min_width=first_width)
        table.add_column(self.titles[1], no_wrap=True, min_width=second_width)
        table.add_column("version", no_wrap=True)
        table.add_column("total", justify="right", no_wrap=True, min_width=total_width)
        table.add_column("labelled", no_wrap=True, style="cyan")
        for _, title in SHOWN:
            table.add_column(title, no_wrap=True)
        before = None
        for first, second, record in self.rows:
            table.add_row("" if first == before else first, second, *_cells(record, intervals=intervals))
            before = first
        return table


def _windows(state: DemoState, windows: int) -> _Metrics:
    return _Metrics(("window", "state"), [(_clock(record), _state(record), record) for record in state.shown(windows)])


def _state(record: MetricRecord) -> Text:
    return Text("final", style="green") if record["final"] else Text(f"rev {record['revision']}", style="yellow")


def _spans(state: DemoState) -> _Metrics:
    shortest_first = sorted(state.spans.values(), key=lambda record: record["model_version"])
    shortest_first.sort(key=lambda record: (record["window_start"], record["span"]), reverse=True)
    return _Metrics(
        ("span", "until"),
        [(f"last {record['span']}", record["window_end"][11:16], record) for record in shortest_first],
    )


def _cells(record: MetricRecord, *, intervals: bool) -> list[str]:
    shown = [number(record, name) if intervals else number(record, name).partition(" ")[0] for name, _ in SHOWN]
    return [record["model_version"], f"{record['total']:,}", coverage_bar(record["label_coverage"]), *shown]


def _alerts(state: DemoState) -> list[Text]:
    """The newest incidents, a line each."""
    shown = list(state.alerts.values())[-ALERTS_SHOWN:]
    return [Text(alert_line(one), style="bold red" if one.status == "firing" else "green") for one in shown]


def _fates(state: DemoState) -> Text:
    """All fates, broken between two of them."""
    text, used = Text("fates", style="bold"), len("fates")
    for fate, records in state.fates.items():
        said = f"{fate.replace('_', ' ')} {records:,}"
        broken = used + len(said) + 2 > FATES_COLUMNS
        text.append(f"\n       {said}" if broken else f"  {said}", style=FATE_STYLES.get(fate, "not bold"))
        used = 7 + len(said) if broken else used + 2 + len(said)
    return text if state.fates else text.append("  none counted yet", style="dim")


def _throughput(state: DemoState) -> Text:
    return Text.assemble(
        (f"{state.events_per_second:,.0f} events/s", "bold"),
        f"  {state.consumed:,} consumed, {state.records:,} metric records, {len(state.segments)} segments, "
        f"{state.finals():,} final windows",
    )


def _versions(state: DemoState) -> list[str]:
    return sorted({version for _, version in state.windows})


def _clock(record: MetricRecord) -> str:
    return record["window_start"][11:16]


def _named(record: MetricRecord, name: str) -> str:
    value = record["metrics"].get(name)
    return f"{name} -" if value is None else f"{name} {value:.3f}"
