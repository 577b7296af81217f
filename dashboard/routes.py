"""The routes of the API: one entry each, which answers requests and stands in the OpenAPI document."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import orjson
from aiohttp import web
from aiohttp.helpers import ETag
from pydantic import BaseModel

from dashboard import lists
from dashboard.answers import (
    LetterCount,
    LetterItem,
    LineItem,
    ModelItem,
    OutcomesItem,
    SilenceItem,
    SummaryItem,
)
from dashboard.csv_text import csv_text
from dashboard.paging import Page
from dashboard.queries import (
    AlertsQuery,
    DecisionsQuery,
    DriftQuery,
    LettersQuery,
    LinesQuery,
    ListQuery,
    MetricsQuery,
    ModelsQuery,
    OutcomesQuery,
    SummaryQuery,
    parse,
)
from dashboard.store import Store

Q = TypeVar("Q", bound=ListQuery)
PREFIX: Final = "/api/v1"
COMPRESSED_BYTES_MIN: Final = 4_096
COMPRESSED_ASIDE_BYTES_MIN: Final = 256 << 10
"""In a thread of its own, so that others are answered meanwhile."""


@dataclass(frozen=True, slots=True)
class ListRoute(Generic[Q]):
    """A list: what it takes, what it holds. `item` is a type of ours, or the name of a record's schema."""

    path: str
    query: type[Q]
    item: type[BaseModel] | str
    read: Callable[[Store, Q, int], Page[bytes]]

    async def answer(self, request: web.Request, store: Store, now_ms: int) -> web.Response:
        """The page that a request asks for."""
        query = parse(self.query, request.query.items())
        found = self.read(store, query, now_ms)
        if query.format == "csv":
            return _csv(request, found)
        body = b'{"items":[' + b",".join(found.items) + b'],"next":' + orjson.dumps(found.next) + b"}"
        return _cached(request, body, "application/json")


LISTS: Final[tuple[ListRoute[Any], ...]] = (
    ListRoute("/models", ModelsQuery, ModelItem, lists.models),
    ListRoute("/metrics", MetricsQuery, "hindcast.metric/1", lists.metrics),
    ListRoute("/drift", DriftQuery, "hindcast.metric/1", lists.drift),
    ListRoute("/alerts", AlertsQuery, "hindcast.alert/1", lists.alerts),
    ListRoute("/decisions", DecisionsQuery, "hindcast.decision/1", lists.decisions),
    ListRoute("/summary", SummaryQuery, SummaryItem, lists.summaries),
    ListRoute("/outcomes", OutcomesQuery, OutcomesItem, lists.outcomes),
    ListRoute("/lines", LinesQuery, LineItem, lists.lines),
    ListRoute("/dead-letters", LettersQuery, LetterItem, lists.letters),
    ListRoute("/dead-letters/counts", ListQuery, LetterCount, lists.letter_counts),
    ListRoute("/silences", ListQuery, SilenceItem, lists.silences),
)


def _csv(request: web.Request, found: Page[bytes]) -> web.Response:
    text = csv_text(orjson.loads(item) for item in found.items)
    response = _cached(request, text.encode(), "text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="hindcast-{request.path.rpartition("/")[2]}.csv"'
    if found.next is not None:
        response.headers["Link"] = f'<{request.rel_url.update_query(cursor=found.next)}>; rel="next"'
    return response


def _cached(request: web.Request, body: bytes, content_type: str) -> web.Response:
    """To be kept by the asking browser alone, and asked for anew each time; 304 if it has not changed."""
    tag = ETag(hashlib.blake2b(body, digest_size=12).hexdigest(), is_weak=True)
    headers = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Accept-Encoding"}
    known = request.if_none_match or ()
    if any(one.value in {tag.value, "*"} for one in known):
        response = web.Response(status=304, headers=headers)
    else:
        response = web.Response(
            body=body,
            headers=headers,
            content_type=content_type,
            charset="utf-8",
            zlib_executor_size=COMPRESSED_ASIDE_BYTES_MIN,
        )
        if len(body) >= COMPRESSED_BYTES_MIN:
            response.enable_compression()
    response.etag = tag
    return response
