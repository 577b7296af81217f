"""What every agent of one worker is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

import faust
from faust.types import TP

from models.batch import Combo
from models.codec import Decoder
from tables.block_table import BlockTable
from tables.plan import Plan
from telemetry.registry import Telemetry


class Dimensions(Protocol):
    """Says which models, versions and segment values stand for themselves."""

    async def cap(self, combos: list[Combo]) -> dict[Combo, Combo]:
        """Each combo as it is counted: what is over a limit becomes ``__other__``."""


@dataclass(frozen=True, slots=True)
class Names:
    """Names of the topics that the agents write to."""

    by_id: str
    partials: str
    metrics: str
    dead_letters: str


@dataclass(slots=True)
class Progress:
    """What liveness and readiness judge."""

    chunks: int = 0
    paused: dict[str, str] = field(default_factory=dict)
    """Topic -> why it is not read on."""
    recovery_seconds: float = 0.0


@dataclass(slots=True)
class Context:
    """The worker's parts; time and chance are functions."""

    app: faust.App
    plan: Plan
    names: Names
    partitions: int
    decoders: Mapping[str, Decoder]
    out_of_orderness_ms: Mapping[str, int]
    dimensions: Dimensions
    telemetry: Telemetry
    now_ms: Callable[[], int]
    fatal: Callable[[str], NoReturn]
    dead_letter_ratio_max: float
    join: BlockTable
    merge: BlockTable
    progress: Progress = field(default_factory=Progress)

    @property
    def consumer(self) -> Any:  # noqa: ANN401  # transport.chunked.Consumer, by way of Faust's property
        """The running consumer."""
        return self.app.consumer

    def idle(self, tp: TP) -> bool:
        """Whether the partition is caught up with the end of its log."""
        return bool(self.consumer.caught_up(tp))
