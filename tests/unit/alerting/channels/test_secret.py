import os
from pathlib import Path

import pytest

from alerting.channels.secret import SecretSource
from alerting.channels.slack import SlackChannel
from alerting.channels.specs import PagerDutySpec, SlackSpec
from alerting.notification import ChannelError
from tests.support.alert_samples import notification
from tests.support.channels import LINKS, quick_http, renderer
from tests.support.http_fakes import SlackFake


def test_f74_a_secret_is_not_shown() -> None:
    source = SecretSource("SECRET")
    spec = PagerDutySpec(routing_key=source)
    assert source.read() == "SECRET"
    assert "SECRET" not in f"{source} {source!r} {spec} {spec!r}"


def test_f74_a_rotated_file_counts_at_once(tmp_path: Path) -> None:
    file = tmp_path / "key"
    source = SecretSource(file=file)
    file.write_text("old-key\n")
    assert source.read() == "old-key"
    times = file.stat()
    file.write_text("new-key\n")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))  # same length, same time: still seen
    assert source.read() == "new-key"


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
def test_f74_a_file_that_is_half_way_through_being_replaced_is_tried_again(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ChannelError, match="key") as caught:
        SecretSource(file=file).read()
    assert caught.value.retryable


def test_an_empty_value_is_not_tried_again() -> None:
    with pytest.raises(ChannelError) as caught:
        SecretSource("").read()
    assert not caught.value.retryable


async def test_f74_a_rotated_webhook_is_used_without_restart_and_the_old_one_is_never_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    file = tmp_path / "slack"
    async with SlackFake() as fake:
        file.write_text(f"{fake.origin}/services/OLD/SECRET")
        channel = SlackChannel(SlackSpec(SecretSource(file=file)), LINKS, renderer(is_slack=True), quick_http())
        with pytest.raises(ChannelError) as caught:
            await channel.send(notification())
        file.write_text(fake.url)
        await channel.send(notification())
        await channel.close()
    assert len(fake.accepted) == 1
    assert "no_service" in str(caught.value)
    shown = f"{caught.value!r} {caught.value} {channel!r} {caplog.text}"
    assert "OLD" not in shown
    assert "SECRET" not in shown
