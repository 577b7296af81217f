"""The image, built once for all tests of it, and containers of it."""

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.image.build import Build, Stage, Step
from tests.image.container import Container
from tests.image.root import may_mount

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv-tools" / "bin"
"""Made by `make test-image`."""
NewContainer = Callable[..., Container]


@pytest.fixture(scope="session")
def described() -> tuple[list[Step], list[str]]:
    """The Dockerfile's steps and the files of its build context."""
    command = [str(TOOLS / "python"), str(Path(__file__).with_name("read_build.py")), str(ROOT)]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return [(line, instruction, value) for line, instruction, value in found["steps"]], found["context"]


@pytest.fixture(scope="session")
def image(described: tuple[list[Step], list[str]]) -> Iterator[Stage]:
    """The image as its Dockerfile makes it."""
    assert may_mount(), "a root file system needs `unshare`, Linux and root"
    steps, context = described
    with tempfile.TemporaryDirectory(prefix="hindcast-image-") as directory:
        yield Build(ROOT, context, Path(directory)).run(steps)


@pytest.fixture
def new_container(image: Stage, tmp_path: Path) -> Iterator[NewContainer]:
    """Containers of this test; they end with it."""
    numbers, made = count(), []

    def new(settings: dict[str, Any] | None = None) -> Container:
        made.append(Container(image, tmp_path / f"container-{next(numbers)}", settings))
        return made[-1]

    yield new
    for container in made:
        container.close()
