"""The control plane that the chart's tests share."""

from collections.abc import Iterator

import pytest

from tests.chart.support.control_plane import ControlPlane


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane(tmp_path_factory.mktemp("cluster")) as started:
        yield started
