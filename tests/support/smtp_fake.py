"""A mail server on loopback: STARTTLS with a certificate of its own authority, login, and ways to be awkward."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Self, cast

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Awkward:
    """greylisted: addresses refused with 450 the first time. unknown: refused with 550. wait_seconds: before DATA."""

    greylisted: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    wait_seconds: float = 0.0
    hangs_up_at_quit: bool = False


class SmtpFake:
    """async with SmtpFake(tmp_path) as smtp: ... smtp.mails. offers_tls=False: STARTTLS has been stripped.

    implicit_tls: encrypted from the first byte, as on port 465.
    """

    PASSWORD = "swordfish-SECRET"

    def __init__(
        self, directory: Path, *, offers_tls: bool = True, implicit_tls: bool = False, awkward: Awkward | None = None
    ) -> None:
        authority = trustme.CA()
        self.ca_file = str(directory / "ca.pem")
        authority.cert_pem.write_to_path(self.ca_file)
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(self._tls)
        self._offers_tls = offers_tls and not implicit_tls
        self._implicit_tls = implicit_tls
        self.awkward = awkward or Awkward()
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.logins: list[str] = []
        self.commands: list[str] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(
            self._session, "127.0.0.1", 0, ssl=self._tls if self._implicit_tls else None
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    def _session(self) -> SMTP:
        return SMTP(
            self,
            hostname="mail.example",
            tls_context=self._tls if self._offers_tls else None,
            authenticator=self._authenticate,
            auth_require_tls=False,
            loop=asyncio.get_running_loop(),
        )

    def _authenticate(self, _: SMTP, __: Session, ___: Envelope, mechanism: str, auth_data: object) -> AuthResult:
        login = cast("LoginPassword", auth_data)
        self.logins.append(mechanism)
        return AuthResult(success=login.password == self.PASSWORD.encode(), handled=False)

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.commands.append(f"RCPT {address}")
        if address in self.awkward.greylisted:
            self.awkward.greylisted.discard(address)
            return "450 4.2.0 greylisted, come again later"
        if address in self.awkward.unknown:
            return "550 5.1.1 nobody of this name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        await asyncio.sleep(self.awkward.wait_seconds)
        assert isinstance(envelope.content, bytes)
        message = BytesParser(EmailMessage, policy=default).parsebytes(envelope.content)
        self.mails.append((list(envelope.rcpt_tos), message))
        return "250 queued"

    async def handle_QUIT(self, server: SMTP, _: Session, __: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        if self.awkward.hangs_up_at_quit:
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return "221 bye"
