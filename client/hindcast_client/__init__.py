"""What a serving process needs to be watched by Hindcast: predictions, labels, series, heartbeats, a second model."""

from hindcast_client.asgi import AsgiMiddleware
from hindcast_client.bounded_queue import Counts
from hindcast_client.decisions import DecisionWatcher
from hindcast_client.errors import UsageError
from hindcast_client.heartbeat import Heartbeat
from hindcast_client.input_checks import InputChecks, Problem
from hindcast_client.log import PredictionLog
from hindcast_client.metrics import ServingMetrics
from hindcast_client.privacy import Privacy
from hindcast_client.robust import Answer, Predictor, RobustPredictor
from hindcast_client.transports.json_lines import JsonLinesTransport
from hindcast_client.transports.kafka import KafkaTransport
from hindcast_client.transports.standard_logging import LoggingTransport
from hindcast_client.wsgi import WsgiMiddleware, watch_flask

__all__ = [
    "Answer",
    "AsgiMiddleware",
    "Counts",
    "DecisionWatcher",
    "Heartbeat",
    "InputChecks",
    "JsonLinesTransport",
    "KafkaTransport",
    "LoggingTransport",
    "PredictionLog",
    "Predictor",
    "Privacy",
    "Problem",
    "RobustPredictor",
    "ServingMetrics",
    "UsageError",
    "WsgiMiddleware",
    "watch_flask",
]
