"""The model of the smoke test: short windows on two topics of ours, so that real metrics stay what they are."""

from __future__ import annotations

from typing import Final

from models.smoke import SMOKE_MODEL
from runtime.settings import ModelSettings, Settings

_TIMES: Final = {
    "window": "1s",
    "horizon": "60s",
    "allowed_lateness": "0s",
    "out_of_orderness": "1s",
    "emit_every": "1s",
    "idle_timeout": "1s",
}
"""Somebody waits for the answer, and nothing else comes on its topics."""


def with_smoke_model(settings: Settings) -> Settings:
    """The settings, and among their models the smoke test's where ``smoke_test`` is set."""
    if not settings.smoke_test:
        return settings
    prefix = settings.kafka.topic_prefix
    topics = {kind: {"topic": f"{prefix}smoke-{kind}"} for kind in ("predictions", "labels")}
    model = ModelSettings.model_validate({**topics, **_TIMES})
    return settings.model_copy(update={"models": {**settings.models, SMOKE_MODEL: model}})
