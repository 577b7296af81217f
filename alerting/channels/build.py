"""From the plain values of a spec to a channel that sends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from alerting.channels import apprise, slack
from alerting.channels.alertmanager import AlertmanagerChannel
from alerting.channels.apprise import AppriseChannel
from alerting.channels.console import ConsoleChannel, Write, log_line
from alerting.channels.email import EmailChannel
from alerting.channels.guard import host_refusal, url_refusal
from alerting.channels.http import Http
from alerting.channels.pagerduty import PagerDutyChannel
from alerting.channels.secret import SecretSource
from alerting.channels.slack import SlackChannel
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
from alerting.channels.templates import Renderer, plain, template_problems
from alerting.channels.webhook import WebhookChannel
from alerting.notification import Channel, ChannelError
from models.errors import ConfigError

_ADDRESS: Final = re.compile(r"[^@<>,;\x00-\x20\x7f-\U0010ffff]+@[^@<>,;\x00-\x20\x7f-\U0010ffff]+")
_FROM: Final = re.compile(rf"{_ADDRESS.pattern}|[^\r\n<>]*<{_ADDRESS.pattern}>")


def ignore_failed_template(_: str) -> None:
    """Count nothing."""


def build_channel(
    name: str,
    spec: ChannelSpec,
    hosts: Hosts,
    links: Links,
    now_ms: Callable[[], int],
    *,
    write: Write = log_line,
    on_failed_template: Callable[[str], None] = ignore_failed_template,
) -> Channel:
    """The channel of a spec. Raises ConfigError with every problem of the spec.

    write: where the console goes. on_failed_template: told the channel's name each time that a template failed.
    """
    if problems := channel_problems(name, spec, hosts):
        raise ConfigError(problems)
    http = Http(hosts, now_ms)
    escape = slack.escape if isinstance(spec, SlackSpec) else plain
    renderer = Renderer(getattr(spec, "texts", Texts()), links, partial(on_failed_template, name), escape)
    match spec:
        case ConsoleSpec():
            return ConsoleChannel(renderer, write)
        case SlackSpec():
            return SlackChannel(spec, links, renderer, http)
        case PagerDutySpec():
            return PagerDutyChannel(spec, links, renderer, http)
        case EmailSpec():
            return EmailChannel(spec, links, renderer, hosts, now_ms)
        case WebhookSpec():
            return WebhookChannel(spec, http, now_ms)
        case AlertmanagerSpec():
            return AlertmanagerChannel(spec, links, http, now_ms)
        case AppriseSpec():
            return AppriseChannel(spec, renderer, hosts)


def channel_problems(name: str, spec: ChannelSpec, hosts: Hosts) -> list[str]:
    """Everything that is wrong with a spec, as `name.key: what`; reads secret files, opens no connection."""
    found = list(_problems(spec, hosts))
    found += template_problems(getattr(spec, "texts", Texts()))
    return [f"{name}.{problem}" for problem in found]


def _problems(spec: ChannelSpec, hosts: Hosts) -> Iterator[str]:
    match spec:
        case SlackSpec(webhook_url=source):
            yield from _secret_problems("webhook_url", source, lambda url: url_refusal(url, hosts))
        case PagerDutySpec(routing_key=source, url=url):
            yield from _secret_problems("routing_key", source)
            yield from _said("url", url_refusal(url, hosts))
        case WebhookSpec(url=url, secret=secret):
            yield from _said("url", url_refusal(url, hosts))
            yield from _secret_problems("secret", secret)
        case AlertmanagerSpec(urls=urls):
            yield from _said("urls", None if urls else "names no replica")
            for number, url in enumerate(urls):
                yield from _said(f"urls.{number}", url_refusal(url, hosts))
        case EmailSpec():
            yield from _email_problems(spec, hosts)
        case AppriseSpec(urls=source):
            yield from _apprise_problems(source, hosts)
        case ConsoleSpec():
            pass


def _email_problems(spec: EmailSpec, hosts: Hosts) -> Iterator[str]:
    yield from _said("smtp.host", host_refusal(spec.host, hosts))
    yield from _said("from", None if _FROM.fullmatch(spec.from_) else "is not a mail address")
    yield from _said("to", None if spec.to else "names nobody")
    for number, address in enumerate(spec.to):
        yield from _said(f"to.{number}", None if _ADDRESS.fullmatch(address) else "is not a mail address")
    yield from _secret_problems("smtp.password", spec.password)
    missing = spec.ca_file is not None and not Path(spec.ca_file).is_file()
    yield from _said("smtp.ca_file", "is not a file" if missing else None)


def _apprise_problems(source: SecretSource, hosts: Hosts) -> Iterator[str]:
    if not apprise.is_installed():
        yield f"apprise: {apprise.MISSING}"
        return

    def refusal(secret: str) -> str | None:
        urls = apprise.lines(secret)
        problems = ((number, apprise.url_problem(url, hosts)) for number, url in enumerate(urls, 1))
        said = next((f"line {number} {problem}" for number, problem in problems if problem), None)
        return said if urls else "names no URL"

    yield from _secret_problems("urls", source, refusal)


def _secret_problems(
    key: str, source: SecretSource | None, refusal: Callable[[str], str | None] = lambda _: None
) -> Iterator[str]:
    if source is None:
        return
    try:
        yield from _said(key, refusal(source.read()))
    except ChannelError as error:
        yield f"{key}: {error}"


def _said(key: str, problem: str | None) -> Iterator[str]:
    if problem is not None:
        yield f"{key}: {problem}"
