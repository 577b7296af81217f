"""``models.NAME.business``: what the outcomes of a binary model are worth."""

from typing import Annotated, Literal, TypeAlias

from pydantic import AllowInfNan, Field

from metrics.business import Rates
from runtime.settings.base import Section

Cell: TypeAlias = Literal["tp", "fp", "fn", "tn"]
Rate: TypeAlias = Annotated[float, AllowInfNan(False)]


class BusinessSettings(Section):
    """Rates by confusion cell, costs below 0: for each outcome, and for each unit of its record's own value."""

    per_record: dict[Cell, Rate] = Field(default_factory=dict)
    per_value: dict[Cell, Rate] = Field(default_factory=dict)

    @property
    def rates(self) -> Rates:
        """The same, as it is reckoned with."""
        return Rates(_by_name(self.per_record), _by_name(self.per_value))


def _by_name(rates: dict[Cell, float]) -> dict[str, float]:
    return {str(cell): rate for cell, rate in rates.items()}
