"""What the agents of a role are given."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol, cast

import faust
import numpy as np
from faust.types import TP
from numpy.typing import NDArray

from agents.stream import ChunkStream
from models.batch import Kind
from models.combo import Combo
from models.decoded import Decoded
from models.errors import told
from models.id_hash import IdHash
from models.judge import Record
from models.schemas.registered import RegistryFormat, Schema
from tables.block_table import BlockTable
from tables.plan import Plan
from telemetry.registry import Telemetry
from transport.chunk import ChunkSchema

Run = Callable[[ChunkStream], Awaitable[None]]


class Dimensions(Protocol):
    """Says which models, versions and segment values stand for themselves."""

    async def cap(self, combos: list[Combo]) -> dict[Combo, Combo]:
        """Each combo as it is counted: what is over a limit becomes ``__other__``."""

    async def class_codes(self, labels_topic: str, classes: list[str]) -> NDArray[np.int64]:
        """The code that all workers have for each class, i8[n]."""

    def class_names(self, labels_topic: str) -> list[str]:
        """The classes that are known here to stand for themselves, by their codes."""

    async def caught_up(self) -> None:
        """Wait until all is known here that anybody knew when this was called."""


class ChunkDecoder(Protocol):
    """Decodes the records of one topic, of whatever format (see `models.codec`)."""

    @property
    def kind(self) -> Kind: ...

    def decode(self, records: Sequence[Record], now_ms: int) -> Decoded:
        """The columns of a chunk, in its order. Never raises for what a record holds."""


class Registry(Protocol):
    """Where the schemas of records are kept."""

    async def schema(self, schema_id: int, topic_format: RegistryFormat) -> Schema | None:
        """The schema with this id, None if there is none. Raises RegistryError if nobody can say so now."""


@dataclass(frozen=True, slots=True)
class Names:
    """Names of the topics that the agents write to."""

    by_id: str
    partials: str
    metrics: str
    dead_letters: str
    pipeline: str


@dataclass(slots=True)
class Progress:
    """What liveness and readiness judge."""

    chunks: int = 0
    paused: dict[str, str] = field(default_factory=dict)
    """Topic -> why it is not read on."""
    alarms: dict[str, str] = field(default_factory=dict)
    """Topic -> what is wrong with it although it is read on."""


@dataclass(slots=True, kw_only=True)
class AppContext:
    """What the agents of any role need of their Faust app; time is a function."""

    app: faust.App
    telemetry: Telemetry
    now_ms: Callable[[], int]
    fatal: Callable[[str], NoReturn]
    progress: Progress = field(default_factory=Progress)

    @property
    def consumer(self) -> Any:  # noqa: ANN401  # transport.chunked.Consumer, by way of Faust's property
        """The running consumer."""
        return self.app.consumer

    def agent(self, name: str, topics: list[str], schema: ChunkSchema, run: Run) -> None:
        """Have Faust run an agent over chunks of these topics."""
        channel = self.app.topic(*topics, schema=schema)
        self.app.agent(channel, name=name)(cast("Any", run))  # our stream type says more than Faust's

    async def guard(self, what: str, work: Awaitable[None]) -> None:
        """Await some work. An exception ends the process: it would acknowledge a chunk, or end a timer quietly."""
        try:
            await work
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, it is a bug, and the state is safe
            self.fatal(f"{what} failed: {told(error)}")

    def end(self, tp: TP) -> int | None:
        """Behind the last record that the broker has of a partition; None if it has not said so."""
        try:
            end: int | None = self.consumer.highwater(tp)
        except AssertionError:  # aiokafka's word for "not assigned at the moment"
            return None
        return end

    def idle(self, tp: TP, last: int) -> bool:
        """Whether a partition taken up to the offset ``last`` is caught up with the end of its log."""
        return bool(self.consumer.caught_up(tp)) and self.consumer.positions.get(tp, 0) <= last + 1


@dataclass(slots=True, kw_only=True)
class Context(AppContext):
    """The parts of the ingest role."""

    plan: Plan
    names: Names
    partitions: int
    """Of the internal topics."""
    metrics_partitions: int
    """Of the metrics topic, which somebody else may have made."""
    decoders: Mapping[str, ChunkDecoder]
    out_of_orderness_ms: Mapping[str, int]
    dimensions: Dimensions
    dead_letter_ratio_max: float
    join: BlockTable
    merge: BlockTable
    epochs: Mapping[str, int] = field(default_factory=dict)
    """Source topic -> how often it was deleted and made anew."""
    hash_ids: IdHash | None = None
    """What every id is replaced by; None: ids stay as they are."""
    redact_dead_letters: bool = False
    registry: Registry | None = None
    """Needed where a topic's records begin with the id of a schema."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Between two questions to the registry, seconds."""


@dataclass(frozen=True, slots=True)
class AlertNames:
    """Names of the topics that the alerts role reads and writes."""

    metrics: str
    alerts: str
    decisions: str
    silences: str


@dataclass(slots=True, kw_only=True)
class AlertContext(AppContext):
    """The parts of the alerts role.

    rest: seconds to leave the event loop to others for each second spent on metric records, so that a backlog of
    them never slows the path of the data in a process that does both.
    """

    names: AlertNames
    rules: BlockTable
    notify: BlockTable
    rest: float = 0.0
