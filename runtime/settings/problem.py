"""A fault in the configuration: where it stands, and what is wrong, in one line."""

from dataclasses import dataclass
from typing import TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """``path`` is where the user has to look; ``depends`` names further keys the verdict rests on."""

    path: KeyPath
    text: str
    depends: tuple[KeyPath, ...] = ()

    def __str__(self) -> str:
        where = dotted(self.path)
        return f"{where}: {self.text}" if where else self.text


def dotted(path: KeyPath) -> str:
    """``("models", "fraud", "spans", 0)`` -> ``models.fraud.spans[0]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
