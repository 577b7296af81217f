"""Runs in .venv-tools, knows nothing of Hindcast: a Dockerfile's instructions and its build context, as JSON.

`python read_build.py FOLDER` prints {"steps": [[line, instruction, value], …], "context": [file, …]}; what
.dockerignore leaves out is not in the context.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from docker.utils.build import exclude_paths
from dockerfile_parse import DockerfileParser


def steps(folder: Path) -> list[tuple[int, str, str]]:
    """Line, instruction and value of each, continued lines joined and variables as they stand."""
    found = DockerfileParser(path=str(folder), env_replace=False).structure
    return [(s["startline"] + 1, s["instruction"], s["value"]) for s in found if s["instruction"] != "COMMENT"]


def context(folder: Path) -> list[str]:
    """The files that COPY gets to see."""
    patterns = (folder / ".dockerignore").read_text().splitlines()
    found = exclude_paths(str(folder), patterns) - {"Dockerfile", ".dockerignore"}  # they go to the engine alone
    return sorted(name for name in found if (folder / name).is_file())


if __name__ == "__main__":
    where = Path(sys.argv[1])
    json.dump({"steps": steps(where), "context": context(where)}, sys.stdout)
