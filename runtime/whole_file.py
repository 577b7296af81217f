"""Files that stand there as a whole or not at all."""

import os
from pathlib import Path

from models.errors import WorldError


def write_whole(text: str, path: Path) -> None:
    """Write the file, and its folder if it is not there. Raises WorldError; an old file then stays as it was."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            unfinished.write_text(text, encoding="utf-8")
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise WorldError(f"{path}: {error.strerror or error}") from None
