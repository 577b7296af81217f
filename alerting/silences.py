"""Silences from the settings and those of the run, which are kept in rows until they end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from alerting.journal import Journal
from models.silence import Silence, matches

PREFIX: Final = "silence|"
_NEVER: Final = 2**53


class Silences:
    """rows: those of the run, which are forgotten when they end."""

    def __init__(self, fixed: Iterable[Silence], rows: Mapping[str, bytes], journal: Journal) -> None:
        self._fixed = tuple(fixed)
        self._journal = journal
        decode = msgspec.msgpack.Decoder(Silence).decode
        self._kept = {key.removeprefix(PREFIX): decode(row) for key, row in rows.items() if key.startswith(PREFIX)}
        self._active: tuple[Silence, ...] = ()
        self._dirty, self._next_ms = True, _NEVER

    def put(self, silence_id: str, silence: Silence) -> None:
        """Add it or put it in the place of the one with the same id."""
        if self._kept.get(silence_id) != silence:
            self._kept[silence_id] = silence
            self._dirty = True
            self._journal.put(PREFIX + silence_id, silence)

    def drop(self, silence_id: str) -> None:
        """Take it back."""
        if self._kept.pop(silence_id, None) is not None:
            self._dirty = True
            self._journal.drop(PREFIX + silence_id)

    def turn(self, now_ms: int) -> bool:
        """Let begin and end what begins and ends by now; whether anything did, or was added or taken back."""
        if not self._dirty and now_ms < self._next_ms:
            return False
        for silence_id in [i for i, silence in self._kept.items() if silence.ends_at_ms <= now_ms]:
            self.drop(silence_id)
        silences = (*self._fixed, *self._kept.values())
        times = [ms for s in silences for ms in (s.starts_at_ms, s.ends_at_ms) if ms > now_ms]
        self._dirty, self._next_ms = False, min(times, default=_NEVER)
        before, self._active = self._active, tuple(s for s in silences if s.active(now_ms))
        return self._active != before

    def hides(self, labels: dict[str, str]) -> bool:
        """Whether an alert with these labels was silenced at the last turn."""
        return any(matches(silence.match, labels) for silence in self._active)
