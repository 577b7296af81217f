"""How the models are served: traffic, errors, latency, resources, as their prediction records tell it."""

from __future__ import annotations

from typing import Final

from dashboards import board
from dashboards.panels import RATIO, SECONDS, cells, lines, number

_MODEL: Final = 'model="$model", version=~"$version"'
_LATENCY: Final = "ml_prediction_latency_seconds"


def _rate(series: str, by: str = "version", labels: str = _MODEL) -> str:
    return f"sum by ({by}) (rate({series}{{{labels}}}[$__rate_interval]))"


def _quantile(share: float, by: str = "version, le") -> str:
    return f"histogram_quantile({share}, {_rate(f'{_LATENCY}_bucket', by)})"


_ERRORS: Final = f"sum(rate(ml_prediction_errors_total{{{_MODEL}}}[$__rate_interval]))"
_MADE: Final = f"sum(rate(ml_predictions_total{{{_MODEL}}}[$__rate_interval]))"

SERVICE: Final = board.Board(
    "service",
    "Service",
    "Traffic, errors, latency and resources of serving, from latency_ms, status, error_type and resources of records.",
    [board.model(), board.version(), board.segment()],
    {
        "Now": [
            number("Predictions per second now", "Over all chosen versions.", _MADE, width=6),
            number("Errors per predictions made", "Errors of every type.", f"({_ERRORS} or vector(0)) / {_MADE}",
                   unit=RATIO, width=6, limits=[(0.01, "yellow"), (0.05, "red")]),
            number("Mean latency", "Over all chosen versions.",
                   f"sum(rate({_LATENCY}_sum{{{_MODEL}}}[$__rate_interval]))"
                   f" / sum(rate({_LATENCY}_count{{{_MODEL}}}[$__rate_interval]))", unit=SECONDS, width=6),
            number("p95 latency", "Over all chosen versions, from the histogram.", _quantile(0.95, "le"),
                   unit=SECONDS, width=6, limits=[(0.5, "yellow"), (2, "red")]),
        ],
        "Traffic and errors": [
            lines("Predictions per second", "Predictions that were made.",
                  (_rate("ml_predictions_total"), "{{version}}"), bounds=(0, None)),
            lines("Errors per second by type", "As records tell it in error_type.",
                  (_rate("ml_prediction_errors_total", "version, error_type"), "{{error_type}} {{version}}"),
                  bounds=(0, None), stacked=True),
        ],
        "Latency": [
            lines("Latency quantiles", "Interpolated in the histogram's buckets.",
                  (_quantile(0.5), "p50 {{version}}"), (_quantile(0.95), "p95 {{version}}"),
                  (_quantile(0.99), "p99 {{version}}"), unit=SECONDS, bounds=(0, None)),
            lines("Mean latency by version", "Sum over count.",
                  (f"{_rate(f'{_LATENCY}_sum')} / {_rate(f'{_LATENCY}_count')}", "{{version}}"), unit=SECONDS,
                  bounds=(0, None)),
            cells("Latency distribution", "Predictions per second by bucket.", _rate(f"{_LATENCY}_bucket", "le")),
            lines("Resources", "CPU, memory, queues and the like; the name has the unit.",
                  (f'ml_model_resource{{{_MODEL}, segment=~"$segment", statistic="p95"}}',
                   "{{resource}} p95 {{span}} {{version}}")),
        ],
    },
)  # fmt: skip
