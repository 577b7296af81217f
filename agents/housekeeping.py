"""Checkpoints and snapshots of the durable tables, now and then."""

from __future__ import annotations

from collections.abc import Sequence

import faust

from tables.block_table import BlockTable

CHECKPOINT_SECONDS = 3.0
"""Apart enough that most labels find their prediction's row before it is written: one write for two."""
SNAPSHOT_SECONDS = 300.0
"""A new reader of a log whose oldest blocks are gone begins at a snapshot, so one must be among the rest."""


def register(app: faust.App, tables: Sequence[BlockTable]) -> None:
    """The timers over the tables of an app."""

    async def checkpoint() -> None:
        for table in tables:
            for partition in table.ready_partitions().values():
                table.checkpoint_soon(partition)

    async def snapshot() -> None:
        for table in tables:
            await _snapshot(table)

    app.timer(CHECKPOINT_SECONDS)(checkpoint)
    app.timer(SNAPSHOT_SECONDS)(snapshot)


async def _snapshot(table: BlockTable) -> None:
    for partition in table.ready_partitions().values():
        if partition.ready and not partition.closed:
            await table.append(partition, partition.state.snapshot_body(), snapshot=True)
