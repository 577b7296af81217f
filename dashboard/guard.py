"""Who may read, and what every answer says to a browser."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PUBLIC: Final = "public:"
"""So begin the names of routes that hold no data: a browser has to have the page before it can bring a token."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request has to bring: a user's name and password, or (without a name) a bearer token."""

    secret: str = field(repr=False)
    username: str | None = None

    @property
    def challenge(self) -> str:
        """What a refused client is asked for."""
        return 'Bearer realm="hindcast"' if self.username is None else 'Basic realm="hindcast", charset="UTF-8"'

    def fit(self, header: str) -> bool:
        """Whether the header `Authorization` holds them. Takes as long for a wrong one as for the right one."""
        scheme, _, given = header.partition(" ")
        if self.username is None:
            return scheme.lower() == "bearer" and _same(given.strip(), self.secret)
        try:
            told = base64.b64decode(given.strip(), validate=True).decode()
        except ValueError:
            return False
        return scheme.lower() == "basic" and _same(told, f"{self.username}:{self.secret}")


def _same(given: str, wanted: str) -> bool:
    """Compare digests: of equal length, so that not even the secret's length shows."""
    return hmac.compare_digest(_digest(given), _digest(wanted))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def authenticate(credentials: Credentials, open_paths: frozenset[str]) -> Callable[..., Awaitable[web.StreamResponse]]:
    """A middleware that lets nobody else in, but to the open paths (scrapes and probes).

    Where a token is asked for, public routes are open, too; for a name and password browsers ask at the first request.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        is_open = request.path in open_paths or (credentials.username is None and _is_public(request))
        if is_open or credentials.fit(request.headers.get("Authorization", "")):
            return await handler(request)
        raise web.HTTPUnauthorized(headers={"WWW-Authenticate": credentials.challenge})

    return middleware


def _is_public(request: web.Request) -> bool:
    return (request.match_info.route.name or "").startswith(PUBLIC)


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """For every answer that does not say otherwise (a page with scripts needs a policy of its own)."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "hindcast"  # not aiohttp's, which tells versions
