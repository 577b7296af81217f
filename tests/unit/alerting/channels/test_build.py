from pathlib import Path

import pytest

from alerting.channels.build import build_channel, channel_problems
from alerting.channels.secret import SecretSource
from alerting.channels.specs import (
    AlertmanagerSpec,
    AppriseSpec,
    ChannelSpec,
    ConsoleSpec,
    EmailSpec,
    Hosts,
    Links,
    PagerDutySpec,
    SlackSpec,
    Texts,
    WebhookSpec,
)
from models.errors import ConfigError
from tests.support.alert_samples import notification
from tests.support.channels import now_ms

KEY = SecretSource("e93facc04764012d7bfb002500d5d1a6")
GOOD: list[ChannelSpec] = [
    ConsoleSpec(),
    SlackSpec(SecretSource("https://hooks.slack.com/services/SECRET")),
    PagerDutySpec(KEY),
    EmailSpec(("a@example.com",), "Hindcast <h@example.com>", "smtp.example.com"),
    WebhookSpec("https://example.com/hook", SecretSource("SECRET")),
    AlertmanagerSpec(("https://am-0.example.com", "https://am-1.example.com")),
    AppriseSpec(SecretSource("tgram://123456789:AABBCCDDEEFFaabbccddeeff0123456789/123")),
]


@pytest.mark.parametrize("spec", GOOD, ids=lambda spec: spec.kind)
async def test_every_spec_becomes_a_channel_without_touching_the_network(spec: ChannelSpec) -> None:
    channel = build_channel(f"oncall/{spec.kind}", spec, Hosts(), Links(), now_ms)
    assert type(channel).__name__.lower() == f"{spec.kind}channel"
    await channel.close()


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        (SlackSpec(SecretSource("http://hooks.slack.com/SECRET")), ["x.webhook_url: "]),
        (SlackSpec(SecretSource("https://169.254.169.254/SECRET")), ["x.webhook_url: "]),
        (SlackSpec(SecretSource(""), Texts("{% if %}", "{{")), ["x.webhook_url: ", "x.title: ", "x.body: "]),
        (SlackSpec(SecretSource(file=Path("/no/such/file"))), ["x.webhook_url: secret file /no/such/file"]),
        (PagerDutySpec(SecretSource(""), "http://events.example.com"), ["x.routing_key: ", "x.url: "]),
        (WebhookSpec("https://localhost/SECRET", SecretSource("")), ["x.url: ", "x.secret: "]),
        (AlertmanagerSpec(()), ["x.urls: "]),
        (AlertmanagerSpec(("https://am.example.com", "http://am:9093")), ["x.urls.1: "]),
        (
            EmailSpec((), "nobody", "smtp", password=SecretSource(""), ca_file="/no/such/file"),
            ["x.smtp.host: ", "x.from: ", "x.to: ", "x.smtp.password: ", "x.smtp.ca_file: "],
        ),
        (EmailSpec(("a@b.c\r\nBcc: d@e.f", "a@b.c"), "h@example.com", "smtp.example.com"), ["x.to.0: "]),
        (EmailSpec(("a@b.c",), "h@example.com\r\nBcc: d@e.f", "smtp.example.com"), ["x.from: "]),
        (EmailSpec(("jürgen@example.com",), "h@example.com", "smtp.example.com"), ["x.to.0: "]),
        (AppriseSpec(SecretSource("# nothing")), ["x.urls: names no URL"]),
        (AppriseSpec(SecretSource("json://10.0.0.1/SECRET")), ["x.urls: line 1 "]),
    ],
)
def test_f33_f72_every_problem_of_a_spec_is_listed_at_load(spec: ChannelSpec, problems: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        build_channel("x", spec, Hosts(), Links(), now_ms)
    found = caught.value.problems
    assert len(found) == len(problems)
    assert all(said.startswith(expected) for said, expected in zip(found, problems, strict=True))
    assert "SECRET" not in str(caught.value)


def test_f72_hosts_on_the_allow_list_pass_at_load() -> None:
    hosts = Hosts(frozenset({"am", "10.0.0.1", "localhost"}))
    for spec in (
        AlertmanagerSpec(("http://am:9093",)),
        WebhookSpec("http://localhost/x"),
        AppriseSpec(SecretSource("json://10.0.0.1/x")),
    ):
        assert channel_problems("x", spec, hosts) == []


async def test_f71_a_template_that_fails_is_counted_under_the_channels_name() -> None:
    failed: list[str] = []
    lines: list[str] = []
    channel = build_channel(
        "oncall/console",
        ConsoleSpec(Texts(body="{{ nothing }}")),
        Hosts(),
        Links(),
        now_ms,
        write=lines.append,
        on_failed_template=failed.append,
    )
    await channel.send(notification())
    assert failed == ["oncall/console"]
    assert lines[0].startswith("FIRING P1 accuracy-critical")
