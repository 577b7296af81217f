"""Writes all dashboards: ``python -m dashboards``. A test keeps the files true to the code."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from dashboards.drift import DRIFT
from dashboards.model import MODEL
from dashboards.overview import OVERVIEW
from dashboards.pipeline import PIPELINE
from dashboards.segments import SEGMENTS
from dashboards.service import SERVICE

BOARDS: Final = (OVERVIEW, MODEL, SEGMENTS, DRIFT, SERVICE, PIPELINE)
_HERE: Final = Path(__file__).parent
FOLDERS: Final = (_HERE, _HERE.parent / "helm" / "hindcast" / "files" / "dashboards")
"""For people, and for the chart, which can read no file outside of itself."""


def written() -> dict[str, str]:
    """File name -> JSON."""
    return {f"{board.name}.json": board.json() for board in BOARDS}


def main() -> None:
    """Write them into both folders."""
    for folder in FOLDERS:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in written().items():
            (folder / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
