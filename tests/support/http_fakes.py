"""Servers on loopback that do to a client what the real ones do, each with the limits of its original.

async with SlackFake() as slack:
    slack.next_faults(Answer(500), Reset())     # for the next requests, one each
"""

from __future__ import annotations

import asyncio
import hmac
import ssl
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Self

import orjson
from aiohttp import web


@dataclass(frozen=True)
class Answer:
    """Answer this instead."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Reset:
    """Break the connection without a word."""


@dataclass(frozen=True)
class Hang:
    """Never answer. taken: what was asked for happens all the same."""

    taken: bool = False


@dataclass(frozen=True)
class Dribble:
    """Answer with this status and a body that never ends."""

    status: int


Fault = Answer | Reset | Hang | Dribble


@dataclass(frozen=True)
class Received:
    """A request that came in, whatever was made of it. at: when, in monotonic seconds."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    def json(self) -> Any:  # noqa: ANN401  whatever was sent
        return orjson.loads(self.body)


class Fake:
    """Takes every request; the originals refuse some in `answer`."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.accepted: list[Received] = []
        self.port = 0
        self._tls = tls
        self._faults: deque[Fault] = deque()
        self._closing = asyncio.Event()

    @property
    def origin(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def next_faults(self, *faults: Fault) -> None:
        """One for each of the next requests."""
        self._faults.extend(faults)

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(
            web.Server(self._handle, access_log=None), handle_signals=False, shutdown_timeout=1
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        await self._runner.cleanup()

    def answer(self, request: Received) -> Answer:
        """What the original says; 2xx counts as accepted."""
        return Answer(200)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        received = Received(request.method, request.path_qs, dict(request.headers), await request.read())
        self.received.append(received)
        fault = self._faults.popleft() if self._faults and request.method == "POST" else None
        match fault:
            case Reset():
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            case Hang(taken):
                if taken:
                    self._note(received, self.answer(received))
                await self._closing.wait()
                return web.Response(status=503)
            case Dribble(status):
                return await self._dribble(request, status)
        answer = fault if isinstance(fault, Answer) else self.answer(received)
        self._note(received, answer)
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    def _note(self, received: Received, answer: Answer) -> None:
        if answer.status < 300 and received.method == "POST":
            self.accepted.append(received)

    async def _dribble(self, request: web.BaseRequest, status: int) -> web.StreamResponse:
        response = web.StreamResponse(status=status)
        await response.prepare(request)
        while not self._closing.is_set():
            await response.write(b"x" * 100)
            await asyncio.sleep(0.05)
        return response


class SlackFake(Fake):
    """An incoming webhook: one message a second, its own secret path, at most 20 attachments, 8,000 characters each."""

    PATH: Final = "/services/T000/B000/SECRETsecretSECRET"

    def __init__(self, interval_seconds: float = 1.0) -> None:
        super().__init__()
        self._interval_seconds = interval_seconds
        self._free_at = 0.0

    @property
    def url(self) -> str:
        return self.origin + self.PATH

    def answer(self, request: Received) -> Answer:
        if request.method != "POST":
            return Answer(302, {"Location": "https://api.slack.example/"})
        if request.path != self.PATH:
            return Answer(404, body=b"no_service")
        if (now := time.monotonic()) < self._free_at:
            return Answer(429, {"Retry-After": "1"}, b'{"retry_after": 1, "ok": false, "error": "rate_limited"}')
        try:
            problem = self._problem(request.json())
        except (ValueError, KeyError, TypeError):
            problem = "invalid_payload"
        if problem:
            return Answer(400, body=problem.encode())
        self._free_at = now + self._interval_seconds
        return Answer(200, body=b"ok")

    @staticmethod
    def _problem(message: dict[str, Any]) -> str:
        attachments = message.get("attachments", [])
        if not message.get("text") and not attachments:
            return "no_text"
        if len(attachments) > 20:
            return "too_many_attachments"
        assert all(len(attachment["text"]) <= 8_000 for attachment in attachments), "Slack would cut this"
        return ""


class PagerDutyFake(Fake):
    """Events API v2, with the checks that it does and the incidents that come of the events."""

    PATH: Final = "/v2/enqueue"
    ROUTING_KEY: Final = "e93facc04764012d7bfb002500d5d1a6"
    EVENT_BYTES_MAX: Final = 512 * 1024

    def __init__(self) -> None:
        super().__init__()
        self.open: set[str] = set()
        self.pages: list[str] = []
        self.resolved: list[str] = []

    @property
    def url(self) -> str:
        return self.origin + self.PATH

    def answer(self, request: Received) -> Answer:
        if request.method != "POST":
            return Answer(404)
        errors = ["Event is too large"] if len(request.body) > self.EVENT_BYTES_MAX else self._errors(request.json())
        if errors:
            said = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
            return Answer(400, body=orjson.dumps(said))
        event = request.json()
        key = event["dedup_key"]
        self._apply(event["event_action"], key)
        return Answer(202, body=orjson.dumps({"status": "success", "message": "Event processed", "dedup_key": key}))

    def _apply(self, action: str, key: str) -> None:
        if action == "trigger" and key not in self.open:
            self.open.add(key)
            self.pages.append(key)
        elif action == "resolve" and key in self.open:  # of what it does not know, PagerDuty says nothing
            self.open.discard(key)
            self.resolved.append(key)

    def _errors(self, event: dict[str, Any]) -> list[str]:
        errors = []
        if len(event.get("routing_key", "")) != 32:
            errors.append("Length of 'routing_key' is incorrect (should be 32 characters)")
        elif event["routing_key"] != self.ROUTING_KEY:
            errors.append("Invalid routing_key")
        if event.get("event_action") not in {"trigger", "acknowledge", "resolve"}:
            errors.append("'event_action' is missing or invalid")
        if not 0 < len(event.get("dedup_key", "")) <= 255:
            errors.append("'dedup_key' is missing or too long (maximum is 255 characters)")
        if event.get("event_action") == "trigger":
            errors += self._payload_errors(event.get("payload", {}))
            errors += [f"'links' {link}" for link in event.get("links", []) if not link.get("href")]
        return errors

    @staticmethod
    def _payload_errors(payload: dict[str, Any]) -> list[str]:
        errors = [f"'payload.{name}' is missing or blank" for name in ("summary", "source") if not payload.get(name)]
        if len(payload.get("summary", "")) > 1024:
            errors.append("'payload.summary' is too long (maximum is 1024 characters)")
        if payload.get("severity") not in {"critical", "warning", "error", "info"}:
            errors.append("'payload.severity' is invalid (must be one of critical, warning, error or info)")
        datetime.fromisoformat(payload["timestamp"])
        assert isinstance(payload.get("custom_details", {}), dict)
        return errors


class WebhookFake(Fake):
    """Somebody's program that checks the signature as the documentation says, and drops copies by their key."""

    def __init__(self, secret: str, now_seconds: int) -> None:
        super().__init__()
        self._secret = secret
        self._now_seconds = now_seconds
        self.alerts: list[dict[str, Any]] = []
        self._keys: set[str] = set()

    @property
    def url(self) -> str:
        return f"{self.origin}/hook"

    def answer(self, request: Received) -> Answer:
        if request.method != "POST":
            return Answer(405)
        if not self._is_genuine(request):
            return Answer(401)
        key = request.headers["Idempotency-Key"]
        if key not in self._keys:
            self._keys.add(key)
            self.alerts += request.json()
        return Answer(204)

    def _is_genuine(self, request: Received) -> bool:
        parts = dict(part.split("=", 1) for part in request.headers.get("X-Hindcast-Signature", "t=0,v1=").split(","))
        expected = hmac.new(self._secret.encode(), f"{parts['t']}.".encode() + request.body, sha256).hexdigest()
        is_fresh = abs(int(parts["t"]) - self._now_seconds) <= 300
        return is_fresh and hmac.compare_digest(expected, parts["v1"])
