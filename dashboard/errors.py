"""Every failure as JSON: `{"errors": [{"parameter", "message"}]}`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from aiohttp import web

from dashboard.answers import Problem, Problems
from dashboard.guard import Handler
from dashboard.queries import BadQueryError

_KEPT: Final = frozenset({"Allow", "WWW-Authenticate"})
log = logging.getLogger(__name__)


class RefusedError(Exception):
    """A request that is understood and cannot be answered: why, with which status, because of which parameter."""

    def __init__(self, status: int, message: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.problem = Problem(parameter=parameter, message=message)


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what a handler raises into an answer; nothing of a bug's inside leaves."""
    try:
        return await handler(request)
    except BadQueryError as error:
        return problems(error.problems, 400)
    except RefusedError as error:
        return problems([error.problem], error.status)
    except web.HTTPException as error:
        kept = {
            name: value for name, value in error.headers.items() if name in {"Allow", "WWW-Authenticate", "Location"}
        }
        message = error.text if error.status == web.HTTPServiceUnavailable.status_code and error.text else error.reason
        return problems([Problem(parameter=None, message=message)], error.status, kept)
    except Exception:
        log.exception("cannot answer %s", request.path)
        return problems([Problem(parameter=None, message="an error of ours; the log says more")], 500)


def problems(found: Sequence[Problem], status: int, headers: dict[str, str] | None = None) -> web.Response:
    """The answer that says what is wrong."""
    body = Problems(errors=list(found)).model_dump_json().encode()
    kept = {"Cache-Control": "no-store", **(headers or {})}
    return web.Response(body=body, status=status, headers=kept, content_type="application/json")
