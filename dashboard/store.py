"""Everything that the page and the API answer from, folded from our output topics."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

import orjson

from dashboard.alert_store import AlertStore, DecisionStore
from dashboard.answers import LineItem, letter_item, silence_item
from dashboard.drift_store import DriftStore
from dashboard.letter_store import LetterStore
from dashboard.message import Message, News
from dashboard.metric_record import one_line
from dashboard.metric_store import MetricStore
from dashboard.pipeline import PipelineStore
from dashboard.silence_store import SilenceStore
from models.metric_record import LATEST

_LATEST: Final = f"|{LATEST}".encode()
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Store:
    """Pure: time is passed in, and what cannot be read is counted and left out."""

    metrics: MetricStore = field(default_factory=MetricStore)
    alerts: AlertStore = field(default_factory=AlertStore)
    decisions: DecisionStore = field(default_factory=DecisionStore)
    letters: LetterStore = field(default_factory=LetterStore)
    silences: SilenceStore = field(default_factory=SilenceStore)
    pipeline: PipelineStore = field(default_factory=PipelineStore)
    drift: DriftStore = field(default_factory=DriftStore)
    lines: tuple[LineItem, ...] = ()
    """From the configuration, which no topic tells."""
    unreadable: int = 0

    def add(self, message: Message) -> News | None:
        """Take in a record; what it has changed, or None."""
        try:
            return self._add(message)
        except (ValueError, TypeError, LookupError, ArithmeticError) as error:  # anybody may write to a topic
            self.unreadable += 1
            log.debug("a record of kind %s is not readable: %s", message.kind, error)
            return None

    def _add(self, message: Message) -> News | None:
        match message.kind:
            case "metric":
                added = self.metrics.add(message)
                if added is not None and (message.key or b"").endswith(_LATEST) and not added[0].segment:
                    self.drift.add(*added)
                return None if added is None else News("metric", added[0].model, added[1], added[0].segment)
            case "alert" | "decision":
                said = (self.alerts if message.kind == "alert" else self.decisions).add(message)
                return None if said is None else News(message.kind, said.record.model, said.value)
            case "dead_letter":
                letter, content = self.letters.add(message)
                return News("dead_letter", letter.model, letter_item(letter, content).model_dump_json().encode())
            case "silence":
                silence = self.silences.add(message)
                ended = orjson.dumps({"silence_id": (message.key or b"").decode()})
                told = None if silence is None else silence_item(silence, configured=False).model_dump_json().encode()
                return News("silence", "", told or ended)
            case "pipeline":
                record = self.pipeline.add(message)
                return None if record is None else News("pipeline", "", one_line(message.value or b""))

    def expire(self, now_ms: int) -> None:
        """Let go of what is older than a day."""
        self.metrics.expire(now_ms)
        self.alerts.expire(now_ms)
        self.decisions.expire(now_ms)
        self.letters.expire(now_ms)
        self.silences.expire(now_ms)
        self.drift.expire()
        self.drift.keep(set(self.metrics.newest_end_ms))

    def clear(self) -> None:
        """Forget everything."""
        self.metrics, self.alerts = MetricStore(), AlertStore()
        self.decisions, self.letters = DecisionStore(), LetterStore(with_content=self.letters.with_content)
        self.silences, self.pipeline, self.drift = SilenceStore(self.silences.configured), PipelineStore(), DriftStore()

    def models(self) -> set[str]:
        """Every model of which something is held."""
        return (
            {name.model for name in self.metrics.series}
            | {said.record.model for said in self.alerts.incidents.values()}
            | {said.record.model for said in self.decisions.decisions.values()}
        )
