"""The whole configuration, one attribute a section."""

from typing import Annotated

from pydantic import Field, JsonValue

from runtime.settings.alerts import AlertSettings
from runtime.settings.base import Section
from runtime.settings.kafka import KafkaSettings
from runtime.settings.model import ModelSettings, PredictionSource
from runtime.settings.privacy import PrivacySettings
from runtime.settings.units import SizeBytes
from runtime.settings.web import WebSettings


class StateSettings(Section):
    """Where the checkpoints stand, and how much memory the tables may take."""

    directory: Annotated[str, Field(min_length=1)] = "/var/lib/hindcast"
    standby_replicas: int = Field(default=0, ge=0, le=10)
    memory_budget_bytes: SizeBytes = Field(default="1GiB", alias="memory_budget", validate_default=True)


class LimitSettings(Section):
    """Bounds on what input may do to us."""

    record_bytes_max: SizeBytes = Field(default="256KiB", validate_default=True)
    series_max: int = Field(default=1_000, ge=1)
    models_max: int = Field(default=100, ge=1)
    dead_letter_ratio_max: float = Field(default=0.5, gt=0, le=1)


def _fraud_example() -> dict[str, ModelSettings]:
    return {"fraud": ModelSettings(predictions=PredictionSource(topic="fraud_predictions"))}


class Settings(Section):
    """``hindcast.yaml``. Without any file: the fraud example's two topics on localhost."""

    kafka: KafkaSettings = KafkaSettings()
    models: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=200)], ModelSettings],
        Field(min_length=1),
    ] = Field(default_factory=_fraud_example)
    alerts: AlertSettings = AlertSettings()
    sinks: JsonValue = Field(default=None, repr=False)
    state: StateSettings = StateSettings()
    web: WebSettings = WebSettings()
    privacy: PrivacySettings = PrivacySettings()
    limits: LimitSettings = LimitSettings()
    smoke_test: bool = False
