"""The same world with rules before it: records and revisions make the alerts, and the judging process dies, too."""

from dataclasses import dataclass, field
from random import Random

from alerting.evaluator import Evaluator, Options
from alerting.events import fingerprint
from alerting.rule import Rule
from alerting.unsent import key_of
from models.alert_event import AlertEvent
from tests.simulation.routing_world import Crash, World
from tests.unit.alerting.rule_records import MINUTE, now, record, rule

MODELS = ("a", "b")
ACCURACIES = (0.98, 0.98, 0.98, 0.93, 0.85, 0.7, None)


@dataclass
class JudgedWorld(World):
    """minute: the newest window of all models. newest: accuracy, maturity and revision of each window."""

    minute: int = 0
    drawn: dict[tuple[str, int], tuple[float | None, float, int]] = field(default_factory=dict)
    records: list[dict[str, object]] = field(default_factory=list)
    judged_rows: dict[str, bytes] = field(default_factory=dict)
    judged: int = 0
    durable: int = 0
    said: dict[str, AlertEvent] = field(default_factory=dict)
    copies: int = 0

    def draw_cast(self) -> list[dict[str, str]]:
        self.rules = _rules(self.random)
        self.options = Options(alert_lookback_ms=self.random.choice([5, 60]) * MINUTE, max_age_ms=10**12)
        self.evaluator = Evaluator(self.rules, self.options, self.judged_rows)
        return [_labels(each, model) for each in self.rules for model in MODELS]

    # What is measured.

    def measure(self, windows: int, *, well: bool = False) -> None:
        for _ in range(windows):
            self.minute += 1
            for model in MODELS:
                self._measure(model, self.minute, well=well)
        if not well and self.minute and self.random.random() < 0.3:
            self._measure(self.random.choice(MODELS), max(1, self.minute - self.random.randrange(8)), well=False)

    def _measure(self, model: str, minute: int, *, well: bool) -> None:
        before, maturity, revision = self.drawn.get((model, minute - 1), (0.98, 0.98, 0))
        accuracy = before
        if self.random.random() < 0.3 or well:
            accuracy, maturity = self.random.choice(ACCURACIES), self.random.choice([0.98, 0.98, 0.3])
        if well:
            accuracy, maturity = 0.98, 0.98
        revision = self.drawn.get((model, minute), (None, 0.0, 0))[2] + 1
        self.drawn[model, minute] = accuracy, maturity, revision
        self.records.append(record(minute, accuracy, model=model, revision=revision, maturity=maturity))

    # One turn of the judging process, which may end between any two of its parts.

    def judge(self) -> None:
        while True:
            try:
                return self._judge()
            except Crash:
                self.crashes += 1
                self.evaluator = Evaluator(self.rules, self.options, dict(self.judged_rows))
                self.judged = max(0, self.durable - self.random.randrange(4))

    def _judge(self) -> None:
        while self.judged < len(self.records):
            self.evaluator.take(self.records[self.judged], now(self.minute))
            self.judged += 1
            self.may_crash()
        self._keep()
        for event in self.evaluator.outbox():
            self._say(event)
            self.may_crash()
            self.evaluator.sent([key_of(event)])
        self._keep()

    def _keep(self) -> None:
        changes = self.evaluator.collect()
        self.may_crash()
        self.judged_rows |= changes.puts
        for key in changes.drops:
            self.judged_rows.pop(key, None)
        self.durable = self.judged
        self.may_crash()

    def _say(self, event: AlertEvent) -> None:
        """On the topic. Of what came to light only after a later incident had been said, nobody needs to hear."""
        known = self.said.get(key_of(event))
        if known is not None:
            self.copies += 1
            if known != event:
                self.problems.append(f"{event.incident} was said in two ways")
            self.inputs.append(event)
            return
        self.said[key_of(event)] = event
        starts = [start for name, start in self.incidents if name == event.fingerprint]
        if event.starts_at_ms >= max(starts, default=0):
            self.happens(event)


def _rules(random: Random) -> list[Rule]:
    patience = random.choice([0, 1, 2]) * MINUTE
    keep = random.choice([0, 1, 3]) * MINUTE
    return [
        rule("r0", "accuracy", "below", 0.75, severity="critical", priority="P1", for_ms=patience, keep_firing_ms=keep),
        rule("r1", "accuracy", "below", 0.9, for_ms=patience, keep_firing_ms=keep),
        rule("r2", "accuracy", "below", 0.95, severity="info", priority="P3", for_ms=patience, resolve=0.96),
        rule("r3", "maturity", "below", 0.5, cause="labels", keep_firing_ms=keep),
    ]


def _labels(each: Rule, model: str) -> dict[str, str]:
    return {
        "fingerprint": fingerprint(each.name, model, "v1", ""),
        "rule": each.name,
        "model": model,
        "priority": each.priority,
        "severity": each.severity,
        "cause": each.cause,
    }
