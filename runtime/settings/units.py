"""Durations, sizes and spans as people write them: ``60s``, ``256KiB``, ``1000 labelled``."""

import re
from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from models.moments import DURATION_PATTERN, parse_duration_ms, parse_time_ms

SIZE_PATTERN: Final = r"^[0-9]+ ?(B|KiB|MiB|GiB)$"
SPAN_PATTERN: Final = r"^[0-9]+ ?(ms|s|m|h|d|labelled|records)$"

_BYTES: Final = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_RECORDS_MAX: Final = 1_000_000_000


def parse_size_bytes(text: object) -> int:
    """Bytes of ``512B 256KiB 64MiB 1GiB``; ValueError for anything else (also a bare number)."""
    match = re.match(SIZE_PATTERN, text) if isinstance(text, str) else None
    if match is None or not isinstance(text, str):
        raise ValueError("not a size, write it as 512B, 256KiB, 64MiB or 1GiB")
    return int(text[: match.start(1)]) * _BYTES[match[1]]


def positive(value: int) -> int:
    """The value itself; ValueError for zero, where a duration or size of nothing makes no sense."""
    if value <= 0:
        raise ValueError("must be greater than zero")
    return value


def _read_positive_ms(text: object) -> int:
    return positive(parse_duration_ms(text))


def _read_positive_bytes(text: object) -> int:
    return positive(parse_size_bytes(text))


DurationMs: TypeAlias = Annotated[
    int,
    BeforeValidator(parse_duration_ms),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN}),
]
PositiveDurationMs: TypeAlias = Annotated[
    int,
    BeforeValidator(_read_positive_ms),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN}),
]
TimeMs: TypeAlias = Annotated[
    int,
    BeforeValidator(parse_time_ms),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
SizeBytes: TypeAlias = Annotated[
    int,
    BeforeValidator(_read_positive_bytes),
    WithJsonSchema({"type": "string", "pattern": SIZE_PATTERN}),
]


def duration_text(ms: int) -> str:
    """The inverse of `parse_duration_ms`, in the largest unit that fits.

    >>> duration_text(3_600_000), duration_text(90_000), duration_text(0)
    ('1h', '90s', '0s')
    """
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if ms >= size and ms % size == 0:
            return f"{ms // size}{unit}"
    return f"{ms}ms" if ms else "0s"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of windows: so many milliseconds, labelled records or records (one of the three).

    ``name`` is what stands in records and series. It is the text as the user wrote it (``24h``
    stays ``24h``), because people query for what they configured.
    """

    name: str
    ms: int | None = None
    labelled: int | None = None
    records: int | None = None

    @classmethod
    def parse(cls, text: object) -> "Span":
        """Read ``1h``, ``1000 labelled`` or ``1000 records``; raises ValueError."""
        counted = re.match(r"^([0-9]+) ?(labelled|records)$", text) if isinstance(text, str) else None
        if counted is not None:
            count, what = positive(int(counted[1])), counted[2]
            if count > _RECORDS_MAX:
                raise ValueError(f"too many records in one span, at most {_RECORDS_MAX}")
            return cls(name=f"{count} {what}", **{what: count})
        try:
            ms = parse_duration_ms(text)
        except ValueError as error:
            raise ValueError(f"{error} (or 1000 labelled, 1000 records)") from None
        return cls(name=str(text).replace(" ", ""), ms=positive(ms))

    @property
    def amount(self) -> tuple[int | None, int | None, int | None]:
        """What two spellings of the same span have in common (``60m`` and ``1h``)."""
        return self.ms, self.labelled, self.records

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        def read(value: object) -> "Span":
            return value if isinstance(value, Span) else cls.parse(value)

        return core_schema.no_info_plain_validator_function(
            read,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda span: span.name),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "pattern": SPAN_PATTERN}
