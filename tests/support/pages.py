"""What stands in the pages: fenced blocks, links, headings and commands, as a reader finds them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*) *(?:title=\"(?P<title>[^\"]*)\")?\n(?P<text>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)
_UNTIL = re.compile(r"<!-- until: (.*?) -->")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block, and the line on which it begins."""

    language: str
    title: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Until:
    """A command that the reader's patience stands for: what follows waits until it succeeds."""

    command: str


def blocks(page: str) -> Iterator[Block]:
    """All fenced blocks of a page, in order."""
    yield from (step for step in steps(page) if isinstance(step, Block))


def steps(page: str) -> Iterator[Block | Until]:
    """Fenced blocks and `<!-- until: COMMAND -->`, in order."""
    found: list[tuple[int, Block | Until]] = [(m.start(), Until(m[1])) for m in _UNTIL.finditer(page)]
    for m in _FENCE.finditer(page):
        line = page.count("\n", 0, m.start()) + 1
        found.append((m.start(), Block(m["language"], m["title"] or "", m["text"], line)))
    yield from (step for _, step in sorted(found, key=lambda one: one[0]))


def tracked_pages() -> list[Path]:
    """Every page of the repository that git knows or would add."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [path for name in sorted(set(names)) if (path := ROOT / name).is_file()]


def links(page: str) -> Iterator[str]:
    """Where its links and pictures lead within the repository."""
    prose = _FENCE.sub("", page)
    yield from (link for link in re.findall(r"\]\(([^)\s]+)\)", prose) if not re.match(r"\w+:", link))


def anchors(page: str) -> set[str]:
    """What links to its headings end in, as GitHub makes it of them."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", page), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower().strip() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}
