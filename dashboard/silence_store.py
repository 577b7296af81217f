"""Silences: those of the configuration, and those that somebody has begun and nobody has ended."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.message import Message
from models.silence import Silence, decode_silence


class SilenceStore:
    """By their ids. configured: those that no topic holds."""

    def __init__(self, configured: Sequence[Silence] = ()) -> None:
        self.configured = tuple(configured)
        self._begun: dict[str, Silence] = {}

    def add(self, message: Message) -> Silence | None:
        """Take in a record; the silence, None where one was ended. Raises ValueError."""
        silence_id = (message.key or b"").decode()
        if message.value is None:
            self._begun.pop(silence_id, None)
            return None
        silence = decode_silence(message.value)
        self._begun[silence_id] = silence
        return silence

    def lasting(self, now_ms: int) -> list[Silence]:
        """Those that are not over, the first to end first."""
        known = [*self.configured, *self._begun.values()]
        return sorted(
            (one for one in known if one.ends_at_ms > now_ms), key=lambda one: (one.ends_at_ms, one.silence_id)
        )

    def expire(self, now_ms: int) -> None:
        """Let go of what is over."""
        self._begun = {key: one for key, one in self._begun.items() if one.ends_at_ms > now_ms}
