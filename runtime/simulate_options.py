"""What simulated traffic shall look like: one value, its defaults beside it, checked when it is made."""

from __future__ import annotations

import math
from dataclasses import dataclass

from models.errors import ConfigError

SHARES = (
    "fraud_rate",
    "labelled",
    "disorder",
    "duplicates",
    "early",
    "corrections",
    "withdrawals",
    "bad",
    "shadow",
)
POSITIVE = ("rate", "speed", "label_delay_seconds", "disorder_seconds")


@dataclass(frozen=True, slots=True)
class SimulateOptions:
    """Simulated fraud traffic. Shares are of 1; all times but `speed` are seconds of event time."""

    rate: float = 500.0
    """Predictions per second of event time."""
    seconds: float | None = None
    """How long predictions are made; None: until somebody stops it."""
    seed: int = 1
    speed: float = 1.0
    """How much faster than the wall clock event time runs, until it has caught up with it."""
    fraud_rate: float = 0.02
    label_delay_seconds: float = 300.0
    """Median delay of a label; frauds are found sooner, and both spread log-normally."""
    labelled: float = 0.95
    """Share of ids that ever get a label."""
    disorder: float = 0.0
    """Share of records published later than later-timed ones, by up to `disorder_seconds`."""
    disorder_seconds: float = 5.0
    duplicates: float = 0.0
    early: float = 0.0
    """Share of ids whose label is published before their prediction."""
    corrections: float = 0.0
    """Share of labelled ids that get another label of the other value later."""
    withdrawals: float = 0.0
    """Share of labelled ids whose label is withdrawn later (null)."""
    bad: float = 0.0
    """Bad records of every kind, as a share of the number of predictions."""
    shadow: float = 0.0
    """Share of ids predicted by a second version, too."""
    degrade_at_seconds: float | None = None
    """From here on the scores say less about the truth."""
    recover_at_seconds: float | None = None
    """From here on they are again what they were."""
    versions: tuple[str, ...] = ("rf_v1_2025_10", "rf_v2_2025_11")
    keyed: bool = False
    """Give every record its id as the key, else none (as the example's producer does)."""
    wait_for_labels: bool = False
    """Go on until the last label is published, else stop at `seconds` as a live stream would."""

    def __post_init__(self) -> None:
        problems = [f"simulate.{name}: must lie within 0 and 1" for name in SHARES if not 0 <= getattr(self, name) <= 1]
        problems += [
            f"simulate.{name}: must be a positive number"
            for name in POSITIVE
            if not (getattr(self, name) > 0 and math.isfinite(getattr(self, name)))
        ]
        if self.seconds is not None and not 0 < self.seconds < math.inf:
            problems.append("simulate.seconds: must be a positive number")
        if self.corrections + self.withdrawals > 1:
            problems.append("simulate.corrections: together with withdrawals at most 1")
        if self.recover_at_seconds is not None and (
            self.degrade_at_seconds is None or self.recover_at_seconds <= self.degrade_at_seconds
        ):
            problems.append("simulate.recover_at: must be later than degrade_at")
        if not self.versions or len(set(self.versions)) < len(self.versions):
            problems.append("simulate.versions: at least one, each once")
        if self.seed < 0:
            problems.append("simulate.seed: must not be negative")
        if problems:
            raise ConfigError(problems)
