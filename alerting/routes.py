"""Which groups an alert belongs to: the route tree, followed down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from alerting.keys import join
from alerting.routing_config import SECOND, Receiver, Route, Routing
from models.silence import matches

FALLBACK: Final = Route((), group_by=(), group_wait_ms=0, group_interval_ms=5 * SECOND)
"""How a fallback receiver is told: at once, whatever another channel could not take in one group."""


@dataclass(frozen=True, slots=True)
class Place:
    """One group of one receiver. key: names it, also after a restart."""

    key: str
    route: Route
    receiver: Receiver
    labels: tuple[tuple[str, str], ...]
    is_fallback: bool = False


class Router:
    """Finds the places of alerts by their labels. receivers: by name."""

    def __init__(self, routing: Routing) -> None:
        self._routes = routing.all_routes
        self.receivers = {receiver.name: receiver for receiver in routing.everyone}

    def places(self, labels: Mapping[str, str]) -> list[Place]:
        """Where the alert is told; never empty, for the default routes take everything."""
        return list(self._places(dict(labels)))

    def fallback(self, receiver: str) -> Place:
        """The group in which a receiver is told what others could not take."""
        return Place(join("fallback", receiver), FALLBACK, self.receivers[receiver], (), is_fallback=True)

    def _places(self, labels: dict[str, str]) -> Iterator[Place]:
        for number, route in enumerate(self._routes):
            if matches(route.match, labels):
                values = tuple((name, labels.get(name, "")) for name in route.group_by)
                for name in route.receivers:
                    key = join(str(number), name, *(value for _, value in values))
                    yield Place(key, route, self.receivers[name], values)
                if not route.also_next:
                    return
