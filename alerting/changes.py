"""What a pure part has changed of its rows since it was last asked."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Changes:
    """Rows to write and rows to forget; the agent makes one block of the log of them."""

    puts: dict[str, bytes] = field(default_factory=dict)
    drops: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.puts or self.drops)
