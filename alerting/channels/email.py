"""Mail by SMTP: text and HTML, encrypted unless said otherwise."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

import aiosmtplib

from alerting.channels.delivered import Delivered
from alerting.channels.guard import GuardedResolver, host_refusal
from alerting.channels.mail_message import mail_message
from alerting.channels.specs import EmailSpec, Hosts, Links
from alerting.channels.templates import Renderer
from alerting.notification import ChannelError, Notification

TOTAL_SECONDS: Final = 60.0
"""Some servers let a stranger wait half a minute for their greeting, on purpose."""

CONNECT_SECONDS: Final = 5.0
QUIT_SECONDS: Final = 2.0
IMPLICIT_TLS_PORT: Final = 465


class EmailChannel:
    """One mail to all addresses; a retry goes only to those that the server refused."""

    def __init__(
        self,
        spec: EmailSpec,
        links: Links,
        renderer: Renderer,
        hosts: Hosts,
        now_ms: Callable[[], int],
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._spec = spec
        self._links = links
        self._renderer = renderer
        self._hosts = hosts
        self._resolver = GuardedResolver(hosts)
        self._now_ms = now_ms
        self._total_seconds = total_seconds
        self._delivered = Delivered()

    async def send(self, notification: Notification) -> None:
        """Send; raises ChannelError."""
        message = mail_message(self._spec, self._links, self._renderer, notification, self._now_ms())
        recipients = self._delivered.missing(notification.key, self._spec.to)
        async with self._connected() as smtp:
            refused, _ = await smtp.sendmail(self._spec.from_, recipients, message)
        if refused:
            self._delivered.add(notification.key, set(recipients) - set(refused))
            raise _refusal([answer.code for answer in refused.values()], len(self._spec.to))
        self._delivered.forget(notification.key)

    async def check(self) -> None:
        """Connect, encrypt, log in, and leave."""
        async with self._connected() as smtp:
            await smtp.noop()

    async def close(self) -> None:
        await self._resolver.close()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """An SMTP session, ready to send; whatever goes wrong in it comes out as ChannelError."""
        try:
            async with asyncio.timeout(self._total_seconds):
                smtp = await self._session()
                try:
                    await smtp.connect()
                    await self._prepare(smtp)
                    yield smtp
                except BaseException:
                    smtp.close()
                    raise
        except (aiosmtplib.SMTPException, OSError) as error:  # TimeoutError is an OSError
            raise _error_of(error, self._spec.host) from None
        # the mail is accepted: however the farewell goes, it is not sent again
        with suppress(aiosmtplib.SMTPException, OSError):
            await smtp.quit(timeout=QUIT_SECONDS)
        smtp.close()

    async def _session(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._spec.host,
            sock=await self._socket(),
            timeout=self._total_seconds,
            use_tls=self._spec.port == IMPLICIT_TLS_PORT,
            start_tls=False,
            tls_context=ssl.create_default_context(cafile=self._spec.ca_file),
        )

    async def _prepare(self, smtp: aiosmtplib.SMTP) -> None:
        """Encrypt and log in. Without STARTTLS nothing more is said: somebody in between may have taken it out."""
        await smtp.ehlo()
        if self._spec.starttls and self._spec.port != IMPLICIT_TLS_PORT:
            if not smtp.supports_extension("starttls"):
                raise ChannelError("refused", f"{self._spec.host} does not offer STARTTLS", retryable=True)
            await smtp.starttls()
        if self._spec.password is not None:
            await smtp.login(self._spec.username, self._spec.password.read())

    async def _socket(self) -> socket.socket:
        """Connected to an address that the guard has seen."""
        if (reason := host_refusal(self._spec.host, self._hosts)) is not None:
            raise ChannelError("refused", reason, retryable=False)
        error: Exception = OSError()
        for found in await self._resolver.resolve(self._spec.host, self._spec.port):
            try:
                return await _connect(found["family"], found["host"], found["port"])
            except OSError as one:  # TimeoutError is one
                error = one
        raise error


async def _connect(family: int, host: str, port: int) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await asyncio.get_running_loop().sock_connect(connection, (host, port))
    except BaseException:
        connection.close()
        raise
    return connection


def _refusal(codes: Sequence[int], everybody: int) -> ChannelError:
    """Later if the server said "later" (4xx, greylisting) of anybody; never, if all of it was a no."""
    later = [code for code in codes if code < 500]
    message = f"{len(codes)} of {everybody} recipients refused with {(later or codes)[0]}"
    return ChannelError("server" if later else "refused", message, retryable=bool(later))


def _error_of(error: Exception, host: str) -> ChannelError:
    """In our words: what a server says may repeat addresses and passwords."""
    match error:
        case aiosmtplib.SMTPRecipientsRefused(recipients=refused):
            return _refusal([one.code for one in refused], len(refused))
        case aiosmtplib.SMTPAuthenticationError(code=code):
            return ChannelError("unauthorised", f"{host} refused the login with {code}", retryable=code < 500)
        case aiosmtplib.SMTPResponseException(code=code) if code < 500:
            return ChannelError("server", f"{host} answered {code}", retryable=True)
        case aiosmtplib.SMTPResponseException(code=code):
            return ChannelError("refused", f"{host} answered {code}", retryable=False)
        case TimeoutError():
            return ChannelError("timeout", f"{host} did not answer in time", retryable=True)
        case _ if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
            return ChannelError("unreachable", f"{host}: its certificate or TLS does not hold", retryable=True)
        case aiosmtplib.SMTPNotSupported():
            return ChannelError("refused", f"{host} does not support what is needed", retryable=False)
        case _:
            return ChannelError("unreachable", f"{host}: no connection, or it broke", retryable=True)
