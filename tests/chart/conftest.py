"""The control plane that the chart's tests share, and Helm beside it."""

import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.chart.support.control_plane import ControlPlane
from tests.chart.support.release import Release

MakeRelease = Callable[..., Release]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture(scope="session")
def go() -> str:
    """Version of the Go tools, which the schemas come by."""
    return subprocess.run(["go", "version"], capture_output=True, text=True, check=True).stdout
