import logging

import pytest

from alerting.channels.console import ConsoleChannel
from alerting.channels.specs import Texts
from tests.support.alert_samples import alert, notification
from tests.support.channels import renderer


async def test_a_line_for_each_alert_under_a_title() -> None:
    lines: list[str] = []
    console = ConsoleChannel(renderer(), lines.append)
    await console.check()
    await console.send(notification())
    assert len(lines) == 1
    for part in ("FIRING", "P1", "accuracy-critical", "fraud", "0.8123 [0.79, 0.83]", "threshold 0.9", "runbooks"):
        assert part in lines[0]
    lines.clear()
    await console.send(notification(alert(), alert(fingerprint="b", status="resolved")))
    assert [line.split()[0] for line in lines] == ["[1", "FIRING", "RESOLVED"]
    await console.close()


async def test_without_a_writer_the_lines_go_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    await ConsoleChannel(renderer()).send(notification())
    assert caplog.record_tuples[0][:2] == ("hindcast.alerts", logging.WARNING)


async def test_f56_a_model_name_cannot_forge_a_line_or_colour_the_terminal() -> None:
    lines: list[str] = []
    await ConsoleChannel(renderer(), lines.append).send(notification(alert(model="a\nFIRING P1 forged\x1b[2J%s")))
    assert len(lines) == 1
    assert "\x1b" not in lines[0]


async def test_a_body_of_the_users_is_written_line_by_line() -> None:
    lines: list[str] = []
    await ConsoleChannel(renderer(Texts("T", "one\ntwo")), lines.append).send(notification())
    assert lines == ["T", "one", "two"]
