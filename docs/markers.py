"""Parts of a page that a script writes: what stands between `<!-- NAME:begin … -->` and `<!-- NAME:end -->`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

DOCS = Path(__file__).parent


def filled(page: str, name: str, content: str) -> str:
    """The page with that part replaced. Raises ValueError unless the page has it exactly once."""
    pattern = re.compile(rf"(<!-- {name}:begin[^>]*-->\n).*?(<!-- {name}:end -->)", re.DOTALL)
    found, count = pattern.subn(lambda part: f"{part[1]}\n{content}\n\n{part[2]}", page)
    if count != 1:
        raise ValueError(f"the page holds the part {name} {count} times, expected once")
    return found


def write(path: Path, name: str, content: str) -> None:
    """Replace that part of the file."""
    path.write_text(filled(path.read_text(encoding="utf-8"), name, content), encoding="utf-8")


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]], right: int = 0) -> str:
    """A table; the last `right` columns are numbers."""
    rule = "|".join(["---"] * (len(heads) - right) + ["---:"] * right)
    lines = [f"| {' | '.join(row)} |" for row in (heads, *rows)]
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]])
