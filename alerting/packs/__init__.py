"""Rules that come with Hindcast, by the name of their pack; a user's rule of the same name changes one."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from alerting.packs import baseline, fraud_example, thresholds
from alerting.rule import Rule

PACKS: Final[Mapping[str, tuple[Rule, ...]]] = MappingProxyType(
    {"baseline": baseline.RULES, "fraud-example": fraud_example.RULES, "thresholds": thresholds.RULES}
)
__all__ = ["PACKS"]
