"""Everything else (Teams, Telegram, Opsgenie, Discord ...) through Apprise, an optional extra.

Apprise resolves names and follows redirects by itself: of the guard (F72) only the hosts that stand in a URL are
checked here. Its URLs are the operator's own secret; never let anybody else write them.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from alerting.channels import text
from alerting.channels.delivered import Delivered
from alerting.channels.guard import is_allowed, is_numeric, is_public
from alerting.channels.specs import AppriseSpec, Hosts
from alerting.channels.templates import Renderer
from alerting.notification import ChannelError, Notification

if TYPE_CHECKING:
    from apprise import NotifyBase, NotifyType

TOTAL_SECONDS: Final = 30.0
_TO_ANY_HOST: Final = frozenset({"json", "jsons", "xml", "xmls", "form", "forms"})
MISSING: Final = "needs the optional extra: install hindcast-monitor[apprise]"


def is_installed() -> bool:
    """Whether the extra is there."""
    try:
        import apprise  # noqa: F401
    except ImportError:
        return False
    return True


def url_problem(url: str, hosts: Hosts) -> str | None:
    """Why Apprise cannot send to the URL; says nothing of the URL, which is a secret as a whole."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "is not a URL"
    # elsewhere a bare number is somebody's token (Telegram)
    may_be_number = "." in host or parts.scheme in _TO_ANY_HOST
    literal = ":" in host or (may_be_number and is_numeric(host)) or host.rstrip(".").endswith("localhost")
    if literal and not is_public(host) and not is_allowed(host, hosts):
        return "leads to an address that is not public"
    return None if _service(url) is not None else "is not a URL that Apprise knows"


def lines(secret: str) -> list[str]:
    """The URLs in the secret: one a line, `#` begins a comment."""
    return [url for line in secret.splitlines() if (url := line.strip()) and not url.startswith("#")]


class AppriseChannel:
    """Title and body to every URL; a retry goes only to those that refused."""

    def __init__(
        self, spec: AppriseSpec, renderer: Renderer, hosts: Hosts, total_seconds: float = TOTAL_SECONDS
    ) -> None:
        self._spec = spec
        self._renderer = renderer
        self._hosts = hosts
        self._total_seconds = total_seconds
        self._delivered = Delivered()

    async def send(self, notification: Notification) -> None:
        """Send; raises ChannelError, retryable if a service refused, for Apprise does not say why."""
        title = self._renderer.title(notification)
        body = self._renderer.body(notification)
        shown = text.body(notification) if body is None else body
        urls = self._urls()
        missing = self._delivered.missing(notification.key, urls)
        sending = (self._attempt(f"service {urls.index(url) + 1}", url, title, shown, notification) for url in missing)
        errors = await asyncio.gather(*sending)
        for error in filter(None, errors):
            raise error
        self._delivered.forget(notification.key)

    async def check(self) -> None:
        """Whether the URLs are ones that Apprise knows: it has no way to ask a service without posting."""
        self._urls()

    async def close(self) -> None:
        """Nothing is kept open."""

    def _urls(self) -> list[str]:
        if not is_installed():
            raise ChannelError("invalid", f"apprise {MISSING}", retryable=False)
        urls = lines(self._spec.urls.read())
        for number, url in enumerate(urls, 1):
            if (problem := url_problem(url, self._hosts)) is not None:
                raise ChannelError("refused", f"apprise URL {number} {problem}", retryable=False)
        return urls

    async def _attempt(
        self, who: str, url: str, title: str, body: str, notification: Notification
    ) -> ChannelError | None:
        try:
            await self._send_one(who, url, title, body, notification)
        except ChannelError as error:
            return error
        self._delivered.add(notification.key, [url])
        return None

    async def _send_one(self, who: str, url: str, title: str, body: str, notification: Notification) -> None:
        service = _service(url)
        assert service is not None, "url_problem has let it pass"
        try:
            async with asyncio.timeout(self._total_seconds):
                sent = await service.async_notify(body=body, title=title, notify_type=_type(notification))
        except TimeoutError:
            raise ChannelError("timeout", f"apprise {who} did not answer in time", retryable=True) from None
        except Exception as error:  # noqa: BLE001  plugins raise what they like, and its text may hold the URL
            raise ChannelError("server", f"apprise {who} failed: {type(error).__name__}", retryable=True) from None
        if not sent:
            raise ChannelError("server", f"apprise {who} did not take the message", retryable=True)


def _service(url: str) -> NotifyBase | None:
    import apprise

    # they write tokens into their messages: what matters is said by our own
    logging.getLogger("apprise").disabled = True
    logging.getLogger("urllib3.connectionpool").setLevel(logging.WARNING)
    return apprise.Apprise.instantiate(url, suppress_exceptions=True)


def _type(notification: Notification) -> NotifyType:
    from apprise import NotifyType

    if not notification.firing:
        return NotifyType.SUCCESS
    critical = any(alert.severity == "critical" for alert in notification.firing)
    return NotifyType.FAILURE if critical else NotifyType.WARNING
