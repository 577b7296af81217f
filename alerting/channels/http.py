"""One HTTP request, carefully: guarded, bounded in time and size, and its failure said in our words."""

from __future__ import annotations

import math
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from alerting.channels.guard import GuardedResolver, url_refusal
from alerting.channels.specs import Hosts
from alerting.notification import ChannelError, Failure

CONNECT_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 15.0
BODY_BYTES_MAX: Final = 64 * 1024
RETRY_AFTER_SECONDS_MAX: Final = 24 * 3600.0

_FAILURES: Final[Mapping[int, Failure]] = {
    400: "invalid",
    401: "unauthorised",
    403: "unauthorised",
    404: "not_found",
    410: "not_found",
    413: "invalid",
    422: "invalid",
}
Explain = Callable[[bytes], str]
"""What an answer's body says, in words that cannot hold a secret: empty = nothing that we know."""


def _nothing(_: bytes) -> str:
    return ""


class Http:
    """A client of one channel. A connection is made anew each time: messages are rare, and idle ones get reset."""

    def __init__(
        self,
        hosts: Hosts,
        now_ms: Callable[[], int],
        *,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._hosts = hosts
        self._now_ms = now_ms
        self._resolver = GuardedResolver(hosts, resolver)
        self._tls: ssl.SSLContext | bool = True if tls is None else tls
        self._timeout = aiohttp.ClientTimeout(total_seconds, connect=connect_seconds, sock_connect=connect_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], explain: Explain = _nothing) -> None:
        """Post; the status alone decides whether it was taken. Raises ChannelError."""
        status, seconds, said = await self._request("POST", url, body, headers)
        if status >= 300:
            raise failure_of(status, seconds, _host(url), explain(said))

    async def reach(self, url: str) -> None:
        """Ask the host for its root page: any answer will do. Nothing is posted, no secret leaves. ChannelError."""
        refuse(url, self._hosts)
        await self._request("HEAD", str(URL(url).origin()), b"", {})

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _request(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, float | None, bytes]:
        """Status, what Retry-After asks for, beginning of the body of an error."""
        refuse(url, self._hosts)
        host = _host(url)
        # `from None`: an exception of the library may show the URL, which is a secret of some channels
        try:
            async with self._open().request(
                method, url, data=body, headers=headers, allow_redirects=False, timeout=self._timeout
            ) as answer:
                seconds = retry_after_seconds(answer.headers.get("Retry-After"), self._now_ms())
                return answer.status, seconds, await _beginning(answer)
        except TimeoutError:
            raise ChannelError("timeout", f"{host} did not answer in time", retryable=True) from None
        except aiohttp.InvalidURL:
            raise ChannelError("invalid", "not a URL that can be posted to", retryable=False) from None
        except (aiohttp.ClientError, OSError) as error:
            raise ChannelError("unreachable", f"{host}: {_kind(error)}", retryable=True) from None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=self._resolver, use_dns_cache=False, force_close=True, ssl=self._tls
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "hindcast", "Accept-Encoding": "identity"},
                auto_decompress=False,  # an error's body is only glanced at: no reason to unpack a bomb
            )
        return self._session


def refuse(url: str, hosts: Hosts) -> None:
    """ChannelError (permanent) if the guard does not let the URL pass."""
    if (reason := url_refusal(url, hosts)) is not None:
        raise ChannelError("refused", reason, retryable=False)


def failure_of(status: int, seconds: float | None, host: str, said: str = "") -> ChannelError:
    """A status that is no success, as an error."""
    message = f"{host} answered {status}" + (f": {said}" if said else "")
    if status == 429:
        return ChannelError("rate_limited", message, retryable=True, retry_after_seconds=seconds)
    if status >= 500:
        return ChannelError("server", message, retryable=True, retry_after_seconds=seconds)
    if status in {408, 425}:
        return ChannelError("timeout", message, retryable=True, retry_after_seconds=seconds)
    if status < 400:
        message += ": redirects are not followed"
    return ChannelError(_FAILURES.get(status, "refused"), message, retryable=False)


def retry_after_seconds(header: str | None, now_ms: int) -> float | None:
    """Seconds, or an HTTP date (RFC 9110, 10.2.3), from now; within 0 and a day; None = not readable."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        seconds = _seconds_until(header, now_ms)
    return min(max(seconds, 0.0), RETRY_AFTER_SECONDS_MAX) if math.isfinite(seconds) else None


def _seconds_until(date: str, now_ms: int) -> float:
    try:
        then = parsedate_to_datetime(date)
    except (ValueError, IndexError, OverflowError):
        return math.nan
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    return (then.replace(tzinfo=then.tzinfo or UTC) - now).total_seconds()


async def _beginning(answer: aiohttp.ClientResponse) -> bytes:
    """At most 64 KiB of an error's body; the status is known, so a broken or slow body changes nothing."""
    found = bytearray()
    try:
        while answer.status >= 300 and len(found) < BODY_BYTES_MAX:
            part = await answer.content.read(BODY_BYTES_MAX - len(found))
            if not part:
                break
            found += part
    except (TimeoutError, aiohttp.ClientError, OSError):
        pass
    return bytes(found)


def _host(url: str) -> str:
    return URL(url).host or ""


def _kind(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known"
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return "its certificate or TLS does not hold"
    return "no connection" if isinstance(error, aiohttp.ClientConnectorError) else "the connection broke"
