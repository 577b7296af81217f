"""The query parameters of every route, as types: they parse requests and make the OpenAPI document."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final, Literal, TypeVar

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from dashboard.answers import Problem
from models.alert_event import Priority, Severity, Status
from models.decision import DecisionKind, DecisionState
from models.moments import parse_moment_ms

MINUTES_MAX: Final = 1_440
LIMIT_MAX: Final = 2_000
NOT_A_CURSOR: Final = "not a cursor of this list"


class BadQueryError(Exception):
    """Parameters that cannot be read, all of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


def encode_cursor(key: Sequence[str | int]) -> str:
    """The place behind which a list goes on, as text for a URL."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def _decode_cursor(text: object) -> object:
    try:
        padded = str(text) + "=" * (-len(str(text)) % 4)
        return orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except ValueError:
        raise ValueError(NOT_A_CURSOR) from None


def _moment(text: object) -> object:
    parse_moment_ms(str(text), now_ms=0)
    return text


def _listed(text: object) -> object:
    return [part.strip() for part in str(text).split(",") if part.strip()]


_CURSOR: Final = (BeforeValidator(_decode_cursor), WithJsonSchema({"type": "string"}))
Word = Annotated[str | None, BeforeValidator(lambda text: text or None), Field(max_length=1_000)]
Moment = Annotated[
    str | None, BeforeValidator(_moment), Field(description="A time (ISO 8601) or a duration ago, as `6h`.")
]
Names = Annotated[
    list[str] | None,
    BeforeValidator(_listed),
    WithJsonSchema({"type": "string"}),
    Field(description="Only these top-level fields of a record, as `a,b`; what names the record is always there."),
]


class Query(BaseModel):
    """Unknown parameters are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ListQuery(Query):
    """A list that may leave as CSV, too."""

    format: Literal["json", "csv"] = "json"


class PagedQuery(ListQuery):
    """A list in pages; `cursor` is the `next` of the page before."""

    limit: int = Field(default=500, ge=1, le=LIMIT_MAX)


class ModelsQuery(ListQuery):
    """Every model and version."""


class MetricsQuery(PagedQuery):
    """Metric records, by model, version, segment, span and start."""

    model: Word = None
    version: Word = None
    segment: str = Field(
        default="",
        max_length=1_000,
        description="`country=DE`; empty: the whole model; what ends in `*`: every segment that begins so.",
    )
    span: Word = Field(default=None, description="`60s`, `1h`, …; not given: every span.")
    since: Moment = Field(default=None, description="Windows that end after this: a time or a duration ago, as `6h`.")
    fields: Names = None
    cursor: Annotated[tuple[str, str, str, str, int] | None, *_CURSOR] = None


class DriftQuery(PagedQuery):
    """Drift of rolling spans, by model, version, span and end."""

    model: Word = None
    version: Word = None
    segment: Literal[""] = ""
    span: Word = Field(default=None, description="`1h`, `24h`, …; not given: every span that tells of drift.")
    cursor: Annotated[tuple[str, str, str, str, int] | None, *_CURSOR] = None


class AlertsQuery(PagedQuery):
    """Incidents, the newest first."""

    model: Word = None
    version: Word = None
    status: Status | None = None
    priority: Priority | None = None
    severity: Severity | None = None
    since: Moment = Field(default=None, description="What lasted after this: a time or a duration ago, as `6h`.")
    cursor: Annotated[tuple[int, str] | None, *_CURSOR] = None


class DecisionsQuery(PagedQuery):
    """Decisions, the newest first."""

    model: Word = None
    state: DecisionState | None = None
    kind: DecisionKind | None = None
    cursor: Annotated[tuple[int, str] | None, *_CURSOR] = None


class SummaryQuery(ListQuery):
    """The last minutes of every model and version."""

    minutes: int = Field(default=60, ge=1, le=MINUTES_MAX)
    model: Word = None


class LinesQuery(ListQuery):
    """Thresholds and baseline values."""

    model: Word = None


class OutcomesQuery(ListQuery):
    """What labels have said of each version in several windows together."""

    model: Word = None
    version: Word = None
    segment: str = Field(default="", max_length=1_000, description="`country=DE`; empty: the whole model.")
    since: Moment = Field(default=None, description="Windows that end after this: a time or a duration ago, as `6h`.")


class LettersQuery(PagedQuery):
    """The newest dead letters, the newest first."""

    code: Word = None
    topic: Word = Field(default=None, description="The topic on which the record stood.")
    cursor: Annotated[tuple[int, int, int] | None, *_CURSOR] = None


class StreamQuery(Query):
    """What is told as it happens."""

    model: Word = None
    whole: bool = Field(default=False, description="Metric records of whole models only, not of segments.")
    last_event_id: Word = Field(default=None, description="As the header `Last-Event-ID`, which counts more.")


class NoQuery(Query):
    """No parameters."""


Q = TypeVar("Q", bound=Query)


def parse(kind: type[Q], parameters: Iterable[tuple[str, str]]) -> Q:
    """Read the parameters of a request; raises BadQueryError with all that is wrong."""
    given: dict[str, str] = {}
    problems = []
    for name, text in parameters:
        if name in given:
            problems.append(Problem(parameter=name, message="stands twice"))
        given[name] = text
    try:
        query = kind.model_validate(given)
    except ValidationError as error:
        found = [_problem(kind, one) for one in error.errors(include_url=False, include_input=False)]
        problems += {problem.parameter: problem for problem in found}.values()
    else:
        if not problems:
            return query
    raise BadQueryError(problems)


def _problem(kind: type[Query], error: Any) -> Problem:  # noqa: ANN401  # pydantic's ErrorDetails, whose keys vary
    name = str(error["loc"][0]) if error["loc"] else None
    if error["type"] == "extra_forbidden":
        return Problem(parameter=name, message=f"unknown parameter, known are: {', '.join(kind.model_fields)}")
    if name == "cursor":
        return Problem(parameter=name, message=NOT_A_CURSOR)
    return Problem(parameter=name, message=str(error["msg"]).removeprefix("Value error, "))
