"""``models.NAME.drift``: over how long inputs and predictions are compared with the baseline."""

from typing import Annotated

from pydantic import AfterValidator, Field

from runtime.settings.base import Section
from runtime.settings.units import Span


def _unlabelled(span: Span) -> Span:
    if span.labelled is not None:
        raise ValueError("drift needs no labels: write a duration, or 1000 records")
    return span


class DriftSettings(Section):
    """A window of a minute is too small: without drift, PSI passes 0.1 in 31 % of windows of 100 records."""

    over: Annotated[Span, AfterValidator(_unlabelled)] = Field(default="1h", validate_default=True)
    min_records: int = Field(default=30, ge=1, le=1_000_000_000)
