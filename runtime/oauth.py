"""Tokens for OAUTHBEARER: fetched by the client credentials grant (RFC 6749, section 4.4), kept until they grow old."""

import asyncio
import base64
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from urllib.parse import quote, urlencode

import msgspec
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaConnectionError

TIMEOUT_SECONDS: Final = 10.0
LIFETIME_SECONDS_DEFAULT: Final = 300.0
RENEWED_AFTER: Final = 0.8
"""Of a token's life: brokers close connections whose token has run out."""


class Token(NamedTuple):
    """A token, and how long it is good for from when it was fetched."""

    text: str
    lifetime_seconds: float


class _Answer(msgspec.Struct):
    access_token: str
    expires_in: float = LIFETIME_SECONDS_DEFAULT


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """Who asks for tokens, and where; the secret is in no repr. ca_file: an authority besides the system's."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None = None
    ca_file: str | None = None


Fetch = Callable[[OAuthClient], Token]


def fetch_token(client: OAuthClient) -> Token:
    """Ask for a token; blocks. Raises KafkaConnectionError, which aiokafka takes for a broker that is away."""
    form = {"grant_type": "client_credentials", **({"scope": client.scope} if client.scope else {})}
    login = base64.b64encode(f"{quote(client.client_id)}:{quote(client.client_secret)}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310  # the settings allow http and https only
        client.token_url, urlencode(form).encode(), {"Authorization": f"Basic {login}", "Accept": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=_context(client)) as response:  # noqa: S310  # same
            answer = msgspec.json.decode(response.read(), type=_Answer)
    except (OSError, msgspec.MsgspecError) as error:
        raise KafkaConnectionError(
            f"kafka.security.oauth.token_url: no token from {client.token_url}: {error}"
        ) from None
    return Token(answer.access_token, answer.expires_in)


def _context(client: OAuthClient) -> ssl.SSLContext | None:
    if not client.token_url.startswith("https"):
        return None
    context = ssl.create_default_context()
    if client.ca_file is not None:
        context.load_verify_locations(client.ca_file)
    return context


class TokenProvider(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no types
    """The current token, for all connections of a client; may be asked from several threads."""

    def __init__(
        self, client: OAuthClient, fetch: Fetch = fetch_token, now_seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._client, self._fetch, self._now_seconds = client, fetch, now_seconds
        self._lock = threading.Lock()
        self._token = Token("", 0.0)
        self._fetched_seconds = now_seconds()

    def current(self) -> Token:
        """A token and what is left of its life; blocks where one has to be fetched. Raises KafkaConnectionError."""
        with self._lock:
            now = self._now_seconds()
            if now >= self._fetched_seconds + RENEWED_AFTER * self._token.lifetime_seconds:
                self._token, self._fetched_seconds = self._fetch(self._client), now
            left = self._fetched_seconds + self._token.lifetime_seconds - now
            return Token(self._token.text, left)

    async def token(self) -> str:
        """As aiokafka asks for it."""
        return (await asyncio.to_thread(self.current)).text
