"""A notifier whose rows are kept, with channels that answer as a test says."""

from random import Random

from alerting.delivery import SENT, Delivery, Outcome
from alerting.notifier import Notifier
from alerting.routing_config import Receiver, Route, Routing, channel_limits
from models.alert_event import AlertEvent
from tests.unit.alerting.alerts import T0

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
CHAT = Receiver("chat", (channel_limits("chat", "slack"),))
ROUTE = Route(("chat",), group_wait_ms=10 * SECOND, group_interval_ms=MINUTE, repeat_every_ms=HOUR)


class Desk:
    """Times are given in milliseconds since the start of the test; every answer is SENT unless said otherwise."""

    def __init__(self, routing: Routing | None = None, **answers: Outcome) -> None:
        self.routing = routing or Routing(receivers=(CHAT,), routes=(ROUTE,))
        self.rows: dict[str, bytes] = {}
        self.answers = answers
        self.notifier = Notifier(self.routing, self.rows, Random(1))
        self.told: list[tuple[int, Delivery]] = []

    def take(self, at_ms: int, *events: AlertEvent) -> None:
        for event in events:
            self.notifier.take_alert(event, T0 + at_ms)

    def due(self, at_ms: int) -> list[Delivery]:
        self.notifier.tick(T0 + at_ms)
        deliveries = self.notifier.due(T0 + at_ms)
        self.store()
        return deliveries

    def run(self, until_ms: int, from_ms: int = 0, every_ms: int = SECOND) -> list[str]:
        """What gets through until then, as `time in seconds, channel, why, alerts`."""
        before = len(self.told)
        for at_ms in range(from_ms, until_ms + 1, every_ms):
            for delivery in self.due(at_ms):
                answer = self.answers.get(delivery.channel.partition("/")[0], SENT)
                self.notifier.outcome(delivery.delivery_id, answer, T0 + at_ms)
                if answer is SENT:
                    self.told.append((at_ms, delivery))
            self.store()
        return [line(at_ms, delivery) for at_ms, delivery in self.told[before:]]

    def store(self) -> None:
        changes = self.notifier.collect()
        self.rows |= changes.puts
        for key in changes.drops:
            del self.rows[key]

    def crash(self, routing: Routing | None = None) -> None:
        self.notifier = Notifier(routing or self.routing, self.rows, Random(2))


def line(at_ms: int, delivery: Delivery) -> str:
    notification = delivery.notification
    alerts = " ".join(f"{alert.fingerprint}:{alert.status}" for alert in notification.alerts)
    return f"{at_ms // SECOND} {delivery.channel.partition('/')[0]} {notification.why} {alerts}"
