"""The progress of a simulation: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TextColumn
from rich.progress import Progress as Bars

from runtime import clock

LINE_SECONDS = 5.0
Show = Callable[[int, int, float], None]
"""(predictions, labels, seconds of event time) -> None."""


@contextmanager
def progress(console: Console, seconds: float | None) -> Iterator[Show]:
    """Show how far a run of `seconds` (None: endless) of event time has come."""
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (SpinnerColumn(), BarColumn(), TextColumn("{task.description}"))
    with Bars(*columns, console=console, transient=True) as bars:
        task = bars.add_task("connecting", total=seconds)
        describe = _describer()

        def show(predictions: int, labels: int, event_seconds: float) -> None:
            bars.update(task, completed=event_seconds, description=describe(predictions, labels, event_seconds))

        yield show


def _lines(console: Console) -> Show:
    describe, told = _describer(), clock.monotonic_seconds()

    def show(predictions: int, labels: int, event_seconds: float) -> None:
        nonlocal told
        if clock.monotonic_seconds() - told >= LINE_SECONDS:
            told = clock.monotonic_seconds()
            console.print(describe(predictions, labels, event_seconds), highlight=False)

    return show


def _describer() -> Callable[[int, int, float], str]:
    began = clock.monotonic_seconds()

    def describe(predictions: int, labels: int, event_seconds: float) -> str:
        rate = (predictions + labels) / max(clock.monotonic_seconds() - began, 0.001)
        return (
            f"{predictions:,} predictions, {labels:,} labels, {rate:,.0f} records/s, "
            f"{event_seconds:,.0f} s of event time"
        )

    return describe
