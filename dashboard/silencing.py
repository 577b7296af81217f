"""Beginning and ending silences over HTTP: only for who has logged in, and never for another site's page.

What is written is what `hindcast alerts silence` writes. A browser sends JSON or a DELETE to another origin only
after it has asked that origin, and we allow none; where it says whose page a request comes from, it has to be our own.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from yarl import URL

from dashboard.answers import Problem, SilenceItem, silence_item
from dashboard.errors import RefusedError
from dashboard.guard import Handler
from dashboard.queries import BadQueryError
from models.errors import WorldError
from models.silence import Silence

LASTS_SECONDS_MAX: Final = 30 * 86_400
Label = Literal["rule", "priority", "severity", "model", "model_version", "segment", "metric", "cause"]
T = TypeVar("T")
_Value = Annotated[str, Field(min_length=1, max_length=1_000)]


class SilenceRequest(BaseModel):
    """A silence to begin now."""

    model_config = ConfigDict(extra="forbid")

    match: dict[Label, Annotated[list[_Value], Field(min_length=1, max_length=100)]] = Field(
        min_length=1, description="Label -> values of which one has to fit; all labels have to. A value may end in `*`."
    )
    lasts_seconds: float = Field(gt=0, le=LASTS_SECONDS_MAX)
    reason: str = Field(default="", max_length=1_000)


@dataclass(frozen=True, slots=True)
class Silencing:
    """Writes to the silences topic. Both block, and raise WorldError if the broker does not take it.

    username: who is logged in, as far as it is known.
    """

    begin: Callable[[Silence], None]
    end: Callable[[str], None]
    username: str


def add_silencing(app: web.Application, at: str, silencing: Silencing | None, now_ms: Callable[[], int]) -> None:
    """Add the routes below the API's path; without credentials they say why they refuse."""
    app.router.add_post(f"{at}/silences", _begin(silencing, now_ms))
    app.router.add_delete(f"{at}/silences/{{silence_id}}", _end(silencing))


def _begin(silencing: Silencing | None, now_ms: Callable[[], int]) -> Handler:
    async def begin(request: web.Request) -> web.StreamResponse:
        allowed = _allowed(request, silencing)
        wanted = await _read(request)
        at_ms = now_ms()
        silence = Silence(
            silence_id=secrets.token_hex(4),
            match={str(label): values for label, values in wanted.match.items()},
            starts_at_ms=at_ms,
            ends_at_ms=at_ms + round(wanted.lasts_seconds * 1000),
            reason=wanted.reason,
            created_by=allowed.username,
        )
        await _write(allowed.begin, silence)
        told: SilenceItem = silence_item(silence, configured=False)
        return _answer(told.model_dump_json().encode(), 201)

    return begin


def _end(silencing: Silencing | None) -> Handler:
    async def end(request: web.Request) -> web.StreamResponse:
        allowed = _allowed(request, silencing)
        silence_id = request.match_info["silence_id"]
        await _write(allowed.end, silence_id)
        return _answer(orjson.dumps({"silence_id": silence_id}), 200)

    return end


def _allowed(request: web.Request, silencing: Silencing | None) -> Silencing:
    if silencing is None:
        raise RefusedError(403, "silences are begun here only where web.auth says who may: use hindcast alerts silence")
    if not _same_origin(request):
        raise RefusedError(403, "a page of another origin may not do this")
    return silencing


def _same_origin(request: web.Request) -> bool:
    """True, too, for what is no browser: that names no origin."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    return origin is None or (origin != "null" and URL(origin).authority == request.headers.get("Host"))


async def _read(request: web.Request) -> SilenceRequest:
    if request.content_type != "application/json":
        raise RefusedError(415, "send JSON, with Content-Type: application/json")
    try:
        return SilenceRequest.model_validate_json(await request.read())
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        problems = [Problem(parameter=".".join(map(str, one["loc"])) or None, message=one["msg"]) for one in found]
        raise BadQueryError(problems) from None


async def _write(write: Callable[[T], None], what: T) -> None:
    try:
        await asyncio.to_thread(write, what)
    except WorldError as error:
        raise RefusedError(503, str(error)) from None


def _answer(body: bytes, status: int) -> web.Response:
    return web.Response(
        body=body, status=status, headers={"Cache-Control": "no-store"}, content_type="application/json"
    )
