"""A notifier in a world that breaks: alerts come and go, channels fail, the process dies between any two steps."""

from dataclasses import dataclass, field, replace
from random import Random

from alerting.delivery import SENT, Delivery, Outcome
from alerting.inhibition import Labels
from alerting.notification import Notification
from alerting.notifier import Notifier
from alerting.routing_config import ChannelLimits, Digest, Inhibition, Receiver, Route, Routing
from models.alert_event import AlertEvent
from models.silence import Silence, matches
from tests.unit.alerting.alerts import T0, firing, labels_of, resolved

Input = AlertEvent | tuple[str, Silence | None]


class Crash(Exception):  # noqa: N818 - it is not an error here
    """The process is gone."""


@dataclass
class Attempt:
    at_ms: int
    notification: Notification
    delivered: bool
    outcome: Outcome


@dataclass
class Incident:
    """hidden: at every moment of its life so far; visible_at_end: at the last tick and at every moment since.

    forgot: the process died before it had made a change of it durable, and with it what it saw at the last tick.
    unsure: it was also away for long, so that it may have seen other silences when it heard of the change.
    """

    event: AlertEvent
    over: bool = False
    always_hidden: bool = True
    never_hidden: bool = True
    visible_at_end: bool = False
    forgot: bool = False
    unsure: bool = False

    @property
    def must_be_told(self) -> bool:
        return not self.unsure and (self.never_hidden or (self.visible_at_end and not self.forgot))

    @property
    def may_be_told(self) -> bool:
        return not self.always_hidden or self.unsure


@dataclass
class World:
    random: Random
    now_ms: int = T0
    crash_rate: float = 0.0
    rows: dict[str, bytes] = field(default_factory=dict)
    inputs: list[Input] = field(default_factory=list)
    acknowledged: int = 0
    fed: int = 0
    incidents: dict[tuple[str, int], Incident] = field(default_factory=dict)
    fires: dict[str, Incident] = field(default_factory=dict)
    silences: dict[str, Silence] = field(default_factory=dict)
    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    mood: dict[str, str] = field(default_factory=dict)
    hidden_at: dict[int, set[str]] = field(default_factory=dict)
    not_before_ms: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    crashes: int = 0

    def __post_init__(self) -> None:
        self.routing = _routing(self.random)
        self.attempts = {limits.name: [] for limits in self.channels}
        self.cast = self.draw_cast()
        self.labels = {labels["fingerprint"]: labels_of(**_named(labels)) for labels in self.cast}
        self.pairs = [_pairs(rule, self.labels) for rule in self.routing.inhibitions]
        self.notifier = self.new_notifier()

    def draw_cast(self) -> list[dict[str, str]]:
        return [_labels(self.random, number) for number in range(self.random.randint(2, 5))]

    @property
    def channels(self) -> list[ChannelLimits]:
        return [limits for receiver in self.routing.receivers for limits in receiver.channels]

    def new_notifier(self) -> Notifier:
        return Notifier(self.routing, self.rows, Random(self.random.random()))

    # One step of the life of the process, which may end between any two of its parts.

    def step(self) -> None:
        while True:
            try:
                return self.run_once()
            except Crash:
                self.restart()

    def run_once(self) -> None:
        self.feed()
        self.may_crash()
        self.notifier.tick(self.now_ms)
        deliveries = self.notifier.due(self.now_ms)
        self.snapshot()
        self.store()
        for delivery in deliveries:
            self.may_crash()
            self.attempt(delivery)
        self.may_crash()
        self.store()

    def restart(self) -> None:
        self.crashes += 1
        away_ms = self.random.choice([1, 1, 50_000])
        self.now_ms += away_ms
        for given in self.inputs[self.acknowledged :]:
            if isinstance(given, AlertEvent):
                incident = self.incidents[given.fingerprint, given.starts_at_ms]
                incident.forgot = True
                incident.unsure |= away_ms > 1
        self.notifier = self.new_notifier()
        self.fed = max(0, self.acknowledged - self.random.randrange(4))

    def feed(self) -> None:
        for given in self.inputs[self.fed :]:
            self.fed += 1
            if isinstance(given, AlertEvent):
                self.notifier.take_alert(given, self.now_ms)
            else:
                self.notifier.take_silence(*given, self.now_ms)

    def store(self) -> None:
        changes = self.notifier.collect()
        self.may_crash()
        self.rows |= changes.puts
        for key in changes.drops:
            self.rows.pop(key, None)
        self.acknowledged = self.fed
        self.may_crash()

    def attempt(self, delivery: Delivery) -> None:
        name = delivery.channel
        if self.now_ms < self.not_before_ms.get(name, 0):
            self.problems.append(f"{name} was told at {self.now_ms}, before {self.not_before_ms[name]}")
        delivered, outcome = self.answer(name)
        self.attempts[name].append(Attempt(self.now_ms, delivery.notification, delivered, outcome))
        self.not_before_ms[name] = self.now_ms + next(c.min_interval_ms for c in self.channels if c.name == name)
        self.may_crash()
        self.notifier.outcome(delivery.delivery_id, outcome, self.now_ms)
        self.store()
        if outcome.retry_after_seconds is not None:  # from here on, a crash is no excuse
            self.not_before_ms[name] = self.now_ms + int(outcome.retry_after_seconds * 1_000)

    def answer(self, channel: str) -> tuple[bool, Outcome]:
        mood = self.mood.get(channel, "well")
        if mood == "moody":
            mood = self.random.choice(["well", "limited", "server", "arrives late", "lost", "refused"])
        return {
            "well": (True, SENT),
            "limited": (False, Outcome("rate_limited", True, self.random.choice([1, 5, 30]))),
            "server": (False, Outcome("server")),
            "arrives late": (True, Outcome("timeout")),
            "lost": (False, Outcome("timeout")),
            "refused": (False, Outcome("invalid", False)),
        }[mood]

    def may_crash(self) -> None:
        if self.crash_rate and self.random.random() < self.crash_rate:
            raise Crash

    # What happens outside.

    def happens(self, given: Input) -> None:
        self.inputs.append(given)
        if isinstance(given, AlertEvent):
            self._alert(given)
        elif given[1] is None:
            self.silences.pop(given[0], None)
        else:
            self.silences[given[0]] = given[1]
        self.observe()

    def fire_or_resolve(self) -> None:
        labels = self.random.choice(self.cast)
        incident = self.fires.get(labels["fingerprint"])
        if incident is None:
            self.happens(firing(labels["fingerprint"], self.now_ms + len(self.inputs), **_named(labels)))
        else:
            self.happens(self.ending(incident))

    def ending(self, incident: Incident) -> AlertEvent:
        return resolved(incident.event, self.now_ms)

    def audience(self, alert: AlertEvent) -> list[str]:
        """The channels that are to hear of it, by the words of the routes."""
        if alert.priority == "P1":
            return ["page/pagerduty", "chat/slack"]
        if alert.priority == "P3":
            return ["chat/slack"]
        return ["chat/slack", "prom/alertmanager", *(["hook/webhook"] if alert.model == "b" else [])]

    def fallback(self, channel: str) -> str | None:
        name = next(r.fallback for r in self.routing.receivers if any(c.name == channel for c in r.channels))
        return None if name is None else f"{name}/webhook"

    def silence(self) -> None:
        match = self.random.choice([{"rule": ["r0"]}, {"priority": ["P2"]}, {"model": ["a"]}])
        silence_id = self.random.choice("xy")
        lasts_ms = self.random.choice([5_000, 30_000, 200_000])
        made = Silence(silence_id=silence_id, match=match, starts_at_ms=self.now_ms, ends_at_ms=self.now_ms + lasts_ms)
        self.happens((silence_id, self.random.choice([made, made, None])))

    def _alert(self, event: AlertEvent) -> None:
        if event.status == "firing":
            incident = Incident(event)
            self.incidents[event.fingerprint, event.starts_at_ms] = self.fires[event.fingerprint] = incident
        else:
            self.observe()
            incident = self.fires.pop(event.fingerprint)
            incident.over = True

    def observe(self) -> set[str]:
        """Who is hidden now, by the words of the promise."""
        hidden = self._hidden()
        for fingerprint, incident in self.fires.items():
            is_hidden = fingerprint in hidden
            incident.always_hidden &= is_hidden
            incident.never_hidden &= not is_hidden
            incident.visible_at_end &= not is_hidden
        return hidden

    def snapshot(self) -> None:
        hidden = self.observe()
        self.hidden_at[self.now_ms] = hidden
        for fingerprint, incident in self.fires.items():
            incident.visible_at_end = fingerprint not in hidden

    def _hidden(self) -> set[str]:
        """The inhibitions here form no circle: what hides the sources is known before the targets."""
        hidden: set[str] = set()
        for pairs in self.pairs:
            hidden |= {target for source, target in pairs if source in self.fires and source not in hidden}
        active = [s for s in self.silences.values() if s.active(self.now_ms)]
        return hidden | {f for f, labels in self.labels.items() if any(matches(s.match, labels) for s in active)}


def _pairs(rule: Inhibition, alerts: dict[str, Labels]) -> list[tuple[str, str]]:
    """Who hides whom by this inhibition, while it fires."""
    return [
        (source, target)
        for source, of in alerts.items()
        for target, to in alerts.items()
        if matches(rule.source, of) and matches(rule.target, to) and not matches(rule.source, to)
        if all(of[name] == to[name] for name in rule.equal)
    ]


def _named(labels: Labels) -> Labels:
    return {name: value for name, value in labels.items() if name != "fingerprint"}


def _labels(random: Random, number: int) -> dict[str, str]:
    return {
        "fingerprint": f"f{number}",
        "rule": f"r{number}",
        "model": random.choice(["a", "a", "b"]),
        "priority": random.choice(["P1", "P2", "P2", "P3"]),
        "cause": random.choice(["outcome", "outcome", "labels", "drift"]),
    }


def _routing(random: Random) -> Routing:
    pace = random.choice([0, 1_000, 3_000])
    page = ChannelLimits("page/pagerduty", "pagerduty", pace, per_alert=True)
    chat = ChannelLimits("chat/slack", "slack", 1_000)
    hook = ChannelLimits("hook/webhook", "webhook", 0, complete=True, alerts_max=2)
    prom = ChannelLimits("prom/alertmanager", "alertmanager", 0, renew_every_ms=60_000, complete=True, alerts_max=3)
    like = Route(
        (),
        group_by=random.choice([("model",), (), ("model", "rule")]),
        group_wait_ms=random.choice([0, 2_000, 10_000]),
        group_interval_ms=random.choice([1_000, 20_000, 60_000]),
        repeat_every_ms=random.choice([60_000, 300_000]),
    )
    return Routing(
        routes=(
            replace(like, receivers=("page", "chat"), match={"priority": ["P1"]}),
            replace(like, receivers=("daily",), match={"priority": ["P3"]}),
            replace(like, receivers=("hook",), match={"model": ["b"]}, also_next=True),
            replace(like, receivers=("chat", "prom")),
        ),
        inhibitions=(
            Inhibition({"cause": ["labels"]}, {"cause": ["outcome"]}),
            Inhibition({"priority": ["P1"]}, {"priority": ["P2", "P3"], "cause": ["outcome", "drift"]}),
        ),
        receivers=(
            Receiver("page", (page,), fallback="hook"),
            Receiver("chat", (chat,), fallback=random.choice([None, "hook"])),
            Receiver("hook", (hook,)),
            Receiver("prom", (prom,)),
            Receiver("daily", digest=Digest(15, "chat")),
        ),
        storm_groups=random.choice([0, 1, 10]),
        fallback_after_ms=random.choice([20_000, 90_000]),
    )
