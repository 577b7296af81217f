"""Messages as the topics bring them."""

from __future__ import annotations

import msgspec
import orjson

from dashboard.message import Kind, Message
from models import metric_record
from models.alert_event import AlertEvent, Status, encode_alert
from models.dead_letter import headers
from models.decision import Decision, DecisionState, encode_decision
from models.metric_record import ms_of_iso
from models.pipeline_record import PipelineRecord, encode_pipeline
from models.silence import Silence, encode_silence

NOON_MS = ms_of_iso("2026-11-21T12:00:00Z")
MINUTE_MS = 60_000


def metric(
    minute: int = 0,
    *,
    revision: int = 1,
    model: str = "fraud",
    version: str = "v1",
    segment: str = "",
    span: str = "60s",
    minutes: int = 1,
    rolling: bool = False,
    written_ms: int | None = None,
    offset: int = 0,
    **parts: object,
) -> Message:
    """The record of the window that begins so many minutes after noon, written when it ends."""
    start_ms = NOON_MS + minute * MINUTE_MS
    end_ms = start_ms + minutes * MINUTE_MS
    written_ms = end_ms if written_ms is None else written_ms
    value = metric_record.encode(
        model=model,
        model_version=version,
        segment=segment,
        task="binary",
        window_start_ms=start_ms,
        window_end_ms=end_ms,
        span=span,
        revision=revision,
        final=False,
        emitted_at_ms=written_ms,
        parts={"total": 100, "labelled": 40, "metrics": {"accuracy": 0.9}, "intervals": {"accuracy": [0.8, 0.95]}}
        | parts,
    )
    key = metric_record.key(model, version, segment, span, None if rolling else start_ms)
    return Message("metric", 0, offset, written_ms, key, value)


def tombstone(message: Message) -> Message:
    return message._replace(value=None)


def alert(status: Status = "firing", *, offset: int = 0, minute: int = 0, **parts: object) -> Message:
    """An incident that begins so many minutes after noon."""
    start_ms = NOON_MS + minute * MINUTE_MS
    event = AlertEvent(
        fingerprint="f1",
        rule="accuracy-low",
        priority="P1",
        severity="critical",
        status=status,
        model="fraud",
        model_version="v1",
        segment="",
        metric="accuracy",
        window_start_ms=start_ms,
        starts_at_ms=start_ms,
        ends_at_ms=start_ms + 5 * MINUTE_MS if status == "resolved" else None,
    )
    event = msgspec.structs.replace(event, **parts)
    return Message("alert", 0, offset, start_ms, event.fingerprint.encode(), encode_alert(event))


def decision(state: DecisionState = "proposed", *, offset: int = 0, **parts: object) -> Message:
    made = Decision(
        decision_id="d1",
        state=state,
        kind="rollback",
        cause="accuracy-low",
        model="fraud",
        model_version="v1",
        decided_at_ms=NOON_MS,
    )
    made = msgspec.structs.replace(made, **parts)
    return Message("decision", 0, offset, NOON_MS, made.key(), encode_decision(made))


def letter(offset: int = 0, *, code: str = "json", written_ms: int = NOON_MS) -> Message:
    found = headers(code, "malformed", topic="in", partition=1, offset=offset, timestamp_ms=NOON_MS, model="fraud")
    return Message("dead_letter", 0, offset, written_ms, None, b"{SECRET", found)


def pipeline(partition: int = 0, *, worker: str = "worker-0", **fates: int) -> Message:
    """A state partition whose predictions have these fates."""
    record = PipelineRecord(
        partition=partition,
        worker=worker,
        fates={"predictions": fates, "labels": {"joined": fates.get("joined", 0)}},
        watermarks_ms={"fraud": NOON_MS + partition},
        rows=7,
        open_windows=2,
        emitted_at_ms=NOON_MS,
    )
    return Message("pipeline", 0, 0, NOON_MS, record.key(), encode_pipeline(record))


def silence(silence_id: str = "s1", minutes: int = 60, **match: str) -> Message:
    """A silence that began at noon."""
    found = Silence(
        silence_id=silence_id,
        match={label: [value] for label, value in match.items()},
        starts_at_ms=NOON_MS,
        ends_at_ms=NOON_MS + minutes * MINUTE_MS,
        reason="deploying",
        created_by="ann",
    )
    return Message("silence", 0, 0, NOON_MS, silence_id.encode(), encode_silence(found))


def junk(kind: Kind, value: object) -> Message:
    return Message(kind, 0, 0, NOON_MS, b"a|b||60s|latest", orjson.dumps(value))
