"""The configuration: ``load`` reads ``hindcast.yaml``, everything else here is what it gives.

Read in ``runtime`` only; other packages get plain arguments.
"""

from runtime.settings.alerts import AlertSettings
from runtime.settings.alerts_receivers import ReceiverSettings
from runtime.settings.alerts_rules import RuleSettings
from runtime.settings.kafka import KafkaSettings, SecuritySettings
from runtime.settings.load import load, parse
from runtime.settings.model import LabelSource, ModelSettings, NamedLabelSource, PredictionSource
from runtime.settings.privacy import PrivacySettings
from runtime.settings.root import LimitSettings, Settings, StateSettings
from runtime.settings.schema import json_schema
from runtime.settings.units import Span, parse_size_bytes
from runtime.settings.unused import unused, unused_line
from runtime.settings.web import AuthSettings, BasicSettings, WebSettings

__all__ = [
    "AlertSettings",
    "AuthSettings",
    "BasicSettings",
    "KafkaSettings",
    "LabelSource",
    "LimitSettings",
    "ModelSettings",
    "NamedLabelSource",
    "PredictionSource",
    "PrivacySettings",
    "ReceiverSettings",
    "RuleSettings",
    "SecuritySettings",
    "Settings",
    "Span",
    "StateSettings",
    "WebSettings",
    "json_schema",
    "load",
    "parse",
    "parse_size_bytes",
    "unused",
    "unused_line",
]
