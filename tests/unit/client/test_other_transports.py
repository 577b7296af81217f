"""JSON-lines files, which `hindcast evaluate` reads, and Python's logging."""

import logging
import shutil
from pathlib import Path

import orjson
import pytest

from hindcast_client import JsonLinesTransport, LoggingTransport, PredictionLog, UsageError
from tests.unit.client.support import until


def test_each_topic_is_a_file_of_lines(tmp_path: Path) -> None:
    with PredictionLog("fraud", "v1", transport=JsonLinesTransport(tmp_path / "new"), labels="truth") as log:
        log.prediction("t-1", score=0.5)
        log.label("t-1", 1)
        log.label("t-2", 0)
    lines = {path.name: path.read_bytes().splitlines() for path in (tmp_path / "new").iterdir()}
    assert {name: len(found) for name, found in lines.items()} == {"fraud_predictions.jsonl": 1, "truth.jsonl": 2}
    assert orjson.loads(lines["truth.jsonl"][1])["prediction_id"] == "t-2"


def test_a_file_may_be_moved_away_and_a_directory_that_is_gone_is_counted(tmp_path: Path) -> None:
    directory = tmp_path / "records"
    with PredictionLog("fraud", "v1", transport=JsonLinesTransport(directory)) as log:
        log.label("t-1", 1)
        until(lambda: log.counts.sent == 1)
        (directory / "fraud_labels.jsonl").rename(tmp_path / "rotated")
        log.label("t-2", 1)
        until(lambda: log.counts.sent == 2)
        assert len((directory / "fraud_labels.jsonl").read_bytes().splitlines()) == 1
        shutil.rmtree(directory)
        log.label("t-3", 1)
    assert (log.counts.sent, log.counts.dropped) == (2, {"write_failed": 1})


def test_no_such_directory_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"^JSON lines: .*/file/records'$"):
        JsonLinesTransport(tmp_path / "file" / "records")


def test_without_a_transport_records_are_log_messages(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "hindcast_client.records"), PredictionLog("fraud", "v1") as log:
        log.label("t-1", 1)
    [message] = [record for record in caplog.records if record.name == "hindcast_client.records"]
    assert orjson.loads(message.getMessage())["actual"] == 1
    assert (message.__dict__["hindcast_topic"], message.__dict__["hindcast_key"]) == ("fraud_labels", "t-1")


def test_a_logger_that_is_off_is_a_loss_that_counts(caplog: pytest.LogCaptureFixture) -> None:
    log = PredictionLog("fraud", "v1", transport=LoggingTransport("elsewhere"))
    with caplog.at_level(logging.WARNING, "elsewhere"), log:
        log.label("t-1", 1)
    assert log.counts.dropped == {"logging_off": 1}
