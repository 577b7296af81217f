"""Any other program: the alert records as JSON, signed."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from hashlib import sha256
from typing import Final

import orjson

from alerting.channels.http import Http
from alerting.channels.specs import WebhookSpec
from alerting.notification import Notification

_HEADER_SAFE: Final = re.compile(r"[\x21-\x7e]{1,200}")


def signature(secret: str, at_seconds: int, body: bytes) -> str:
    """Value of X-Hindcast-Signature: HMAC-SHA256 over `t.body`, so that an old message cannot be sent again as new."""
    signed = hmac.new(secret.encode(), b"%d." % at_seconds + body, sha256).hexdigest()
    return f"t={at_seconds},v1={signed}"


def idempotency_key(key: str) -> str:
    """The notification's key; its hash where it holds what a header may not."""
    return key if _HEADER_SAFE.fullmatch(key) else sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


class WebhookChannel:
    """Posts the list of alert records; a copy carries the same Idempotency-Key."""

    def __init__(self, spec: WebhookSpec, http: Http, now_ms: Callable[[], int]) -> None:
        self._spec = spec
        self._http = http
        self._now_ms = now_ms

    async def send(self, notification: Notification) -> None:
        """Post; raises ChannelError."""
        body = orjson.dumps([alert.as_record() for alert in notification.alerts])
        headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key(notification.key)}
        if self._spec.secret is not None:
            headers["X-Hindcast-Signature"] = signature(self._spec.secret.read(), self._now_ms() // 1000, body)
        await self._http.post(self._spec.url, body, headers)

    async def check(self) -> None:
        if self._spec.secret is not None:
            self._spec.secret.read()
        await self._http.reach(self._spec.url)

    async def close(self) -> None:
        await self._http.close()
