"""The demo's picture of the metrics: a pure function of what has been seen."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from runtime.demo_state import DemoState, MetricRecord

BAR_CELLS = 8
SHOWN = (("accuracy", "accuracy"), ("f1", "F1"), ("auc", "AUC"))
FATE_STYLES = {"joined": "green", "late": "yellow", "expired": "yellow", "dead_lettered": "red"}


def render(state: DemoState, windows: int = 12) -> RenderableType:
    """The whole view: newest windows, spans, fates and throughput."""
    parts: list[RenderableType] = [_headline(state)]
    if state.windows:
        parts += [_windows(state, windows)]
        if state.spans:
            parts.append(_spans(state))
    else:
        parts.append(Panel(Text(f"{state.note} …"), border_style="dim"))
    return Group(*parts, _fates(state), _throughput(state))


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
    return Group(*parts, _fates(state))


def plain_line(state: DemoState) -> str:
    """One line for where there is no terminal: the newest window of each version with labels."""
    parts = [f"{state.elapsed_seconds:4.0f} s", f"{state.events_per_second:,.0f} events/s"]
    for version in _versions(state):
        mine = [r for place, r in sorted(state.windows.items()) if place[1] == version and r["labelled"]]
        if mine:
            parts.append(f"{version} {_clock(mine[-1])} " + " ".join(_named(mine[-1], name) for name, _ in SHOWN))
    return " | ".join(parts) if state.windows else f"{parts[0]} | {state.note}"


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
    return text.append("  (Ctrl-C ends)", style="dim")


def _windows(state: DemoState, windows: int) -> Table:
    table = _table("window", "state")
    before = None
    for record in state.shown(windows):
        start = _clock(record)
        mark = Text("final", style="green") if record["final"] else Text(f"rev {record['revision']}", style="yellow")
        table.add_row("" if start == before else start, mark, *_cells(record))
        before = start
    return table


def _spans(state: DemoState) -> Table:
    table = _table("span", "until")
    for (span, _), record in sorted(state.spans.items(), key=lambda item: (len(item[0][0]), item[0])):
        table.add_row(f"last {span}", record["window_end"][11:16], *_cells(record))
    return table


def _table(*first: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in first:
        table.add_column(name, no_wrap=True)
    table.add_column("version", no_wrap=True)
    table.add_column("predictions", justify="right", no_wrap=True)
    table.add_column("labelled", no_wrap=True)
    for _, title in SHOWN:
        table.add_column(title, no_wrap=True)
    return table


def _cells(record: MetricRecord) -> list[str]:
    numbers = [number(record, name) for name, _ in SHOWN]
    return [record["model_version"], f"{record['total']:,}", coverage_bar(record["label_coverage"]), *numbers]


def _fates(state: DemoState) -> Text:
    text = Text("fates  ", style="bold")
    for fate, records in state.fates.items():
        text.append(f"{fate.replace('_', ' ')} {records:,}  ", style=FATE_STYLES.get(fate, "not bold"))
    return text if state.fates else text.append("none counted yet", style="dim")


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
