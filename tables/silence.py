"""Windows in which nothing came: no record tells of them, so they are found beside those that have some."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tables.plan import ModelPlan

SILENT_WINDOWS_MAX = 1_440


def reach_ms(model: ModelPlan) -> int:
    """How long after the last record of a model its emptiness is told: its horizon, in whole windows."""
    return min(model.horizon_ms // model.window_ms, SILENT_WINDOWS_MAX) * model.window_ms


def silent_windows(held: Iterable[int], since_ms: int, until_ms: int, model: ModelPlan) -> Iterator[tuple[int, int]]:
    """(start of the window before it that has records, start) of every empty window that ends in (since_ms, until_ms].

    held: starts of the model's windows that have records. Nothing is empty before the first of them.
    """
    width, starts = model.window_ms, sorted(held)
    since_ms += -since_ms % width
    for last, following in zip(starts, [*starts[1:], until_ms], strict=True):
        end_ms = min(last + width + reach_ms(model), following, until_ms)
        for start_ms in range(max(last + width, since_ms), end_ms, width):
            yield last, start_ms
