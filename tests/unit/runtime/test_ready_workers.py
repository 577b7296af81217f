"""Every worker behind a name is asked, and those that are not ready are named."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from models.errors import ConfigError, WorldError
from runtime.cli import main
from runtime.ready_workers import await_ready


class Worker(BaseHTTPRequestHandler):
    answers: tuple[tuple[int, bytes], ...] = ()
    asked = 0

    def do_GET(self) -> None:
        status, body = self.answers[min(type(self).asked, len(self.answers) - 1)]
        type(self).asked += 1
        self.send_response(status if self.path == "/readyz" else 404)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    Worker.asked = 0
    server = HTTPServer(("127.0.0.1", 0), Worker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_it_waits_until_a_worker_is_ready(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.ready_workers._PAUSE_SECONDS", 0.0)
    Worker.answers = ((503, b"recovering"), (200, b"ready"))
    assert await_ready(f"127.0.0.1:{port}", deadline_seconds=float("inf")) == ["127.0.0.1"]
    assert Worker.asked == 2


def test_a_worker_that_is_not_ready_in_time_is_named_with_its_reason(port: int) -> None:
    Worker.answers = ((503, b"ingest: recovering 3 partitions"),)
    with pytest.raises(WorldError, match=r"^worker 127\.0\.0\.1: not ready: ingest: recovering 3 partitions$"):
        await_ready(f"127.0.0.1:{port}", deadline_seconds=0)


def test_a_name_that_nobody_knows_is_said() -> None:
    with pytest.raises(WorldError, match=r"^--workers: nobody\.invalid: "):
        await_ready("nobody.invalid:6066", deadline_seconds=0)


@pytest.mark.parametrize("workers", ["host", ":6066", "host:port"])
def test_workers_are_written_as_host_and_port(workers: str) -> None:
    with pytest.raises(ConfigError, match="--workers: write HOST:PORT"):
        await_ready(workers, deadline_seconds=0)


def test_without_the_smoke_test_in_the_configuration_the_verb_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["smoke"]) == 2
    assert "smoke_test: must be true, for the workers, too" in capsys.readouterr().err
