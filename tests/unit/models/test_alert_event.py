"""The alert record, as other programs read it."""

import orjson
import pytest

from models.alert_event import AlertEvent, decode_alert, encode_alert
from tests.support.alert_samples import alert


def test_the_record_has_these_names_and_values() -> None:
    assert orjson.loads(encode_alert(alert())) == {
        "schema": "hindcast.alert/1",
        "fingerprint": "a1b2c3d4e5f60718",
        "rule": "accuracy-critical",
        "priority": "P1",
        "severity": "critical",
        "status": "firing",
        "model": "fraud",
        "model_version": "rf_v2",
        "segment": "",
        "metric": "accuracy",
        "cause": "outcome",
        "value": 0.8123,
        "threshold": 0.9,
        "interval": [0.79, 0.83],
        "window_start": "2026-11-18T11:06:40Z",
        "starts_at": "2026-11-18T11:06:40Z",
        "ends_at": None,
        "historic": False,
        "summary": "accuracy is below 0.9",
        "runbook": "https://runbooks.example/accuracy",
    }


def test_what_is_undefined_is_null() -> None:
    record = orjson.loads(encode_alert(alert(value=None, threshold=float("nan"), interval=None)))
    assert (record["value"], record["threshold"], record["interval"]) == (None, None, None)


@pytest.mark.parametrize("event", [alert(), alert(status="resolved", historic=True), alert(value=None, interval=None)])
def test_what_was_written_is_read_again(event: AlertEvent) -> None:
    assert decode_alert(encode_alert(event)) == event


@pytest.mark.parametrize("value", [b"{}", b"[]", b"null", b"{", b'{"schema":"hindcast.alert/1"}'])
def test_what_is_no_alert_record_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_alert(value)
