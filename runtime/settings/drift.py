"""``models.NAME.drift``: over how long inputs and predictions are compared with the baseline."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from runtime.settings.base import Section
from runtime.settings.units import parse_duration_ms, positive

RECORDS_MAX = 1_000_000_000


@dataclass(frozen=True, slots=True)
class DriftSpan:
    """So many milliseconds, or so many records (one of the two)."""

    name: str
    ms: int | None = None
    records: int | None = None

    @classmethod
    def parse(cls, text: object) -> DriftSpan:
        """Read ``1h`` or ``1000 records``; raises ValueError."""
        counted = re.match(r"^([0-9]+) ?records$", text) if isinstance(text, str) else None
        if counted is not None:
            count = positive(int(counted[1]))
            if count > RECORDS_MAX:
                raise ValueError(f"too many records in one span, at most {RECORDS_MAX}")
            return cls(name=f"{count} records", records=count)
        try:
            ms = parse_duration_ms(text)
        except ValueError as error:
            raise ValueError(f"{error} (or 1000 records)") from None
        return cls(name=str(text).replace(" ", ""), ms=positive(ms))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        def read(value: object) -> DriftSpan:
            return value if isinstance(value, DriftSpan) else cls.parse(value)

        return core_schema.no_info_plain_validator_function(
            read,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda span: span.name),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "pattern": r"^([0-9]+(ms|s|m|h|d)|[0-9]+ ?records)$"}


class DriftSettings(Section):
    """A window of a minute is too small: without drift, PSI passes 0.1 in 31 % of windows of 100 records."""

    over: DriftSpan = Field(default="1h", validate_default=True)
    min_records: int = Field(default=30, ge=1, le=RECORDS_MAX)
