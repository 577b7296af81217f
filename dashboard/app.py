"""The API as an aiohttp application, to be served by itself or mounted under a path of another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from dashboard.answers import Status
from dashboard.errors import errors_as_json
from dashboard.guard import Credentials, Handler, add_headers, authenticate
from dashboard.openapi import document
from dashboard.pipeline import Groups, GroupsView, pipeline
from dashboard.queries import NoQuery, StreamQuery, parse
from dashboard.reading import Reading
from dashboard.ring import Ring
from dashboard.routes import LISTS, PREFIX, ListRoute
from dashboard.silencing import Silencing, add_silencing
from dashboard.store import Store
from dashboard.stream import Stream

OPEN_PATHS = frozenset({"/metrics", "/livez", "/readyz"})
"""Scrapes and probes bring no password."""


@dataclass(frozen=True, slots=True)
class Site:
    """What the API answers from. now_ms: the wall clock."""

    store: Store
    ring: Ring
    reading: Reading
    now_ms: Callable[[], int]
    version: str = "0"
    base_path: str = ""
    consumers: GroupsView | None = None
    silencing: Silencing | None = None
    """None: nobody may begin silences here."""


def add_api(app: web.Application, site: Site, stream: Stream) -> None:
    """Add the API's routes under the site's base path."""
    at = site.base_path + PREFIX
    app.add_routes([web.get(at + route.path, _list(route, site)) for route in LISTS])
    app.add_routes(
        [
            web.get(f"{at}/status", _status(site)),
            web.get(f"{at}/stream", _stream(stream), allow_head=False),
            web.get(f"{at}/pipeline", _pipeline(site)),
            web.get(f"{at}/openapi.json", _openapi(site)),
        ]
    )
    add_silencing(app, at, site.silencing, site.now_ms)

    async def close(_: web.Application) -> None:
        stream.close()

    app.on_shutdown.append(close)


def protect(app: web.Application, credentials: Credentials | None) -> None:
    """Failures as JSON, safe headers, and nobody without the credentials, if there are some."""
    app.middlewares.append(errors_as_json)
    if credentials is not None:
        app.middlewares.append(authenticate(credentials, OPEN_PATHS))
    app.on_response_prepare.append(add_headers)


def _list(route: ListRoute[Any], site: Site) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        return await route.answer(request, site.store, site.now_ms())

    return answer


def _status(site: Site) -> Handler:
    async def status(request: web.Request) -> web.StreamResponse:
        parse(NoQuery, request.query.items())
        reading, held = site.reading, site.store.metrics
        told = Status(
            reading=reading.connected,
            caught_up=reading.caught_up,
            share_read=reading.share,
            problem=reading.problem,
            missing_topics=reading.missing_topics,
            records=len(held),
            bytes=held.bytes,
            unreadable=site.store.unreadable,
            may_silence=site.silencing is not None,
            shows_content=site.store.letters.with_content,
        )
        headers = {"Cache-Control": "no-store"}
        return web.Response(body=told.model_dump_json().encode(), headers=headers, content_type="application/json")

    return status


def _pipeline(site: Site) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        parse(NoQuery, request.query.items())
        groups = (
            Groups(problem="nobody asks the broker here") if site.consumers is None else await site.consumers.seen()
        )
        told = pipeline(site.store.pipeline, site.store.metrics, groups)
        headers = {"Cache-Control": "no-store"}
        return web.Response(body=told.model_dump_json().encode(), headers=headers, content_type="application/json")

    return answer


def _stream(stream: Stream) -> Handler:
    async def follow(request: web.Request) -> web.StreamResponse:
        return await stream.serve(request, parse(StreamQuery, request.query.items()))

    return follow


def _openapi(site: Site) -> Handler:
    told = document(site.base_path, site.version)

    async def openapi(_: web.Request) -> web.StreamResponse:
        return web.json_response(told, headers={"Cache-Control": "private, max-age=3600"})

    return openapi
