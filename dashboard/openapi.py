"""The OpenAPI document, made of the types that parse requests and write answers."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from dashboard.answers import Problems, SilenceItem, Status
from dashboard.pipeline import Pipeline
from dashboard.queries import NoQuery, Query, StreamQuery
from dashboard.routes import LISTS, PREFIX, ListRoute
from dashboard.silencing import SilenceRequest

_REFERENCE: Final = "#/components/schemas/{model}"
_FAILURES: Final = {"400": "Parameters that cannot be read.", "401": "Not allowed.", "404": "Nothing is held of it."}
_REFUSALS: Final = {
    "403": {"description": "`web.auth` is not set, or the request comes from another site's page."},
    "503": {"description": "The broker does not take it."},
}
_EVENTS: Final = (
    "Server-sent events: `metric`, `alert`, `decision`, `dead_letter`, `silence` and `pipeline`, each "
    "with the JSON of one record; `hello` at "
    "the beginning; `reset` where events were missed, so that lists have to be loaded again. Lines that begin with a "
    "colon say that the stream lives."
)


def document(base_path: str, version: str) -> dict[str, Any]:
    """OpenAPI 3.1 of everything under `/api/v1`."""
    answers: list[type[BaseModel]] = [Problems, Status, Pipeline]
    answers += [route.item for route in LISTS if not isinstance(route.item, str)]
    _, schemas = models_json_schema(
        [(SilenceRequest, "validation"), *((one, "serialization") for one in answers)], ref_template=_REFERENCE
    )
    paths = {PREFIX + route.path: {"get": _list(route)} for route in LISTS}
    paths[f"{PREFIX}/pipeline"] = {"get": _operation(NoQuery, "The pipeline as it stands.", _json(_ref(Pipeline)))}
    paths[f"{PREFIX}/silences"]["post"] = _begin_silence()
    paths[f"{PREFIX}/silences/{{silence_id}}"] = {"delete": _end_silence()}
    paths[f"{PREFIX}/status"] = {"get": _operation(NoQuery, "What is read, and how far.", _json(_ref(Status)))}
    event_stream = {"text/event-stream": {"schema": {"type": "string"}}}
    paths[f"{PREFIX}/stream"] = {"get": _operation(StreamQuery, _EVENTS, event_stream)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Hindcast", "version": version},
        "servers": [{"url": base_path or "/"}],
        "paths": paths,
        "components": {"schemas": schemas["$defs"]},
    }


def _begin_silence() -> dict[str, Any]:
    told = _operation(NoQuery, "Begin a silence.", {})
    answers = told["responses"] | _REFUSALS
    answers["201"] = {"description": "It has begun.", "content": _json(_ref(SilenceItem))}
    del answers["200"]
    return told | {"requestBody": {"required": True, "content": _json(_ref(SilenceRequest))}, "responses": answers}


def _end_silence() -> dict[str, Any]:
    told = _operation(NoQuery, "End a silence before its time.", _json({"type": "object"}))
    parameter = {"name": "silence_id", "in": "path", "required": True, "schema": {"type": "string"}}
    return told | {"parameters": [parameter], "responses": told["responses"] | _REFUSALS}


def _list(route: ListRoute[Any]) -> dict[str, Any]:
    item = _record(route.item) if isinstance(route.item, str) else _ref(route.item)
    cursor = {"type": ["string", "null"], "description": "The parameter `cursor` of the next page; null at the end."}
    page = {
        "type": "object",
        "properties": {"items": {"type": "array", "items": item}, "next": cursor},
        "required": ["items", "next"],
    }
    return _operation(route.query, _summary(route), _json(page) | {"text/csv": {"schema": {"type": "string"}}})


def _summary(route: ListRoute[Any]) -> str:
    return str(route.read.__doc__)


def _operation(query: type[Query], summary: str, content: dict[str, Any]) -> dict[str, Any]:
    failures = {code: {"description": text, "content": _json(_ref(Problems))} for code, text in _FAILURES.items()}
    return {
        "summary": summary,
        "parameters": _parameters(query),
        "responses": {"200": {"description": "OK", "content": content}, **failures},
    }


def _parameters(query: type[Query]) -> list[dict[str, Any]]:
    schema = query.model_json_schema()
    assert "$defs" not in schema, "a parameter is text or a number"
    needed = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": one}
        for name, one in schema.get("properties", {}).items()
    ]


def _record(schema: str) -> dict[str, Any]:
    description = f"A record `{schema}` as it stands on its topic."
    return {"type": "object", "properties": {"schema": {"const": schema}}, "description": description}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
