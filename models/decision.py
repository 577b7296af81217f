"""The decision record: an action that Hindcast proposes, as other programs read it."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from models.metric_record import escape, iso_ms, ms_of_iso

SCHEMA: Final = "hindcast.decision/1"

DecisionState = Literal["proposed", "approved", "rejected", "done", "failed"]
DecisionKind = Literal["rollback", "promote", "retrain", "scale"]


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One decision and its state; ``cause`` is the rule (or comparison) that asked for it."""

    decision_id: str
    state: DecisionState
    kind: DecisionKind
    cause: str
    model: str
    model_version: str
    against: str = ""
    evidence: dict[str, object] = {}
    decided_at_ms: int

    def key(self) -> bytes:
        """``model|kind|cause``."""
        return "|".join(map(escape, (self.model, self.kind, self.cause))).encode()


_encode = msgspec.json.Encoder().encode


def encode_decision(decision: Decision) -> bytes:
    """The record as JSON."""
    record: dict[str, object] = {"schema": SCHEMA, **msgspec.structs.asdict(decision)}
    record["decided_at"] = iso_ms(decision.decided_at_ms)
    del record["decided_at_ms"]
    return _encode(record)


def decode_decision(value: bytes) -> Decision:
    """The inverse; raises ValueError for what is not a decision record."""
    record = msgspec.json.decode(value)
    if not isinstance(record, dict) or record.pop("schema", None) != SCHEMA:
        raise ValueError(f"not a {SCHEMA} record")
    record["decided_at_ms"] = ms_of_iso(record.pop("decided_at"))
    return msgspec.convert(record, Decision)
