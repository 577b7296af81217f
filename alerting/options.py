"""What the evaluator has to know besides the rules, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

ANY_MODEL: Final = "*"


@dataclass(frozen=True, slots=True)
class Options:
    """alert_lookback_ms: so far behind a rule's newest judged window, revisions still change its mind.

    max_age_ms: an incident wholly older is historic; a series this far behind its model is forgotten.
    baselines: model -> metric path -> value, from baseline files. baseline_windows: else learned from so
    many first final windows. window_ms: model (or ``*``) -> length of its tumbling windows. window_names:
    model (or ``*``) -> what their records say in ``span``; a rolling span of the same length says something else.
    """

    alert_lookback_ms: int = 3_600_000
    max_age_ms: int = 86_400_000
    baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    baseline_windows: int = 60
    window_ms: Mapping[str, int] = field(default_factory=dict)
    window_names: Mapping[str, str] = field(default_factory=dict)

    def window_of(self, model: str) -> int:
        """Length of the model's own window in ms, 60 s unless something else was said."""
        return self.window_ms.get(model) or self.window_ms.get(ANY_MODEL, 60_000)

    def window_name(self, model: str) -> str | None:
        """What records of the model's own windows say in ``span``, where that is known."""
        return self.window_names.get(model) or self.window_names.get(ANY_MODEL)

    def is_window(self, span: str, length_ms: int, model: str) -> bool:
        """Whether a record of that span and length is one of the model's own windows."""
        name = self.window_name(model)
        if name is not None:
            return span == name
        return length_ms == self.window_of(model) and " " not in span  # lagging and counted spans have several words
