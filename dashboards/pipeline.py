"""Hindcast itself: does it keep up, what became of each record, does it get through to people?"""

from __future__ import annotations

from typing import Final

from dashboards import board
from dashboards.panels import SECONDS, lines, number


def _rate(series: str, by: str) -> str:
    return f"sum by ({by}) (rate({series}[$__rate_interval]))"


PIPELINE: Final = board.Board(
    "pipeline",
    "Pipeline",
    "Hindcast itself: lag, watermark, fates of records, dead letters, notifications, recovery.",
    [],
    {
        "Now": [
            number("Workers", "Workers that Prometheus reads.", "count(hindcast_recovery_seconds)"),
            number("Lag", "Records on topics that are not processed yet.", "sum(hindcast_consumer_lag)",
                   limits=[(100_000, "orange")]),
            number("Watermark delay", "How old what the metrics show is.",
                   "max(hindcast_watermark_delay_seconds)", unit=SECONDS, limits=[(300, "orange"), (900, "red")]),
            number("Records per second", "Read from the source topics.",
                   "sum(rate(hindcast_records_consumed_total[$__rate_interval]))"),
            number("Dead letters in an hour", "Records that could not be read.",
                   "sum(increase(hindcast_dead_letters_total[1h])) or vector(0)", limits=[(1, "orange")]),
            number("Last recovery", "The longest of the workers' last recoveries of state.",
                   "max(hindcast_recovery_seconds)", unit=SECONDS, limits=[(600, "orange")]),
        ],
        "Keeping up": [
            lines("Consumer lag by topic", "Growing: add workers, up to kafka.partitions.",
                  ("sum by (topic) (hindcast_consumer_lag)", "{{topic}}"), bounds=(0, None)),
            lines("Largest lag of a partition", "One partition alone: a worker that hangs, or one key with it all.",
                  ("max by (topic) (hindcast_consumer_lag)", "{{topic}}"), bounds=(0, None)),
            lines("Records read per second", "From the source topics.",
                  (_rate("hindcast_records_consumed_total", "topic"), "{{topic}}"),
                  bounds=(0, None)),
            lines("Watermark delay by worker", "A delay that grows with the clock: a source partition stands still.",
                  ("hindcast_watermark_delay_seconds", "{{instance}}"), unit=SECONDS, bounds=(0, None)),
            lines("Time per chunk, p95", "By stage of the work.",
                  (f"histogram_quantile(0.95, {_rate('hindcast_chunk_seconds_bucket', 'stage, le')})",
                   "{{stage}}"), unit=SECONDS, bounds=(0, None)),
            lines("Share of time at work", "Seconds of work in a second, by stage.",
                  (_rate("hindcast_chunk_seconds_sum", "stage"), "{{stage}}"),
                  bounds=(0, None), stacked=True),
        ],
        "What became of the records": [
            lines("Records by fate", "All that were consumed, each counted once.",
                  ("sum by (fate) (hindcast_records_total) > 0", "{{fate}}"), bounds=(0, None)),
            lines("Dead letters per second", "By reason; hindcast dead-letters list shows them.",
                  (_rate("hindcast_dead_letters_total", "code"), "{{code}}"),
                  bounds=(0, None), stacked=True),
            lines("Open windows", "Windows that are not final yet.",
                  ("hindcast_open_windows", "{{instance}}"), bounds=(0, None)),
            lines("Rows of the join", "Ids kept with their predictions and labels.",
                  ("sum(hindcast_join_rows)", "rows"), bounds=(0, None)),
        ],
        "Telling people": [
            lines("Notifications per second", "By channel and outcome; all but sent and fallback are failures.",
                  (_rate("hindcast_notifications_total", "channel, outcome"),
                   "{{channel}} {{outcome}}"), bounds=(0, None), stacked=True),
            lines("Alerts that fire", "By severity.", ("sum by (severity) (ml_alerts_firing)", "{{severity}}"),
                  bounds=(0, None)),
        ],
        "State and limits": [
            lines("Recovery of state", "How long each worker's last recovery took.",
                  ("hindcast_recovery_seconds", "{{instance}}"), unit=SECONDS, bounds=(0, None)),
            lines("Damaged checkpoints set aside", "They were rebuilt and still lie there.",
                  ("hindcast_checkpoints_set_aside", "{{instance}}"), bounds=(0, None)),
        ],
    },
)  # fmt: skip
