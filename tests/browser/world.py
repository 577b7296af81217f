"""A simulated afternoon of four models, as metric records: the numbers are made by the service's own metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dashboard.message import Message
from metrics import binary
from metrics.layout import COARSE, FINE, Layout
from metrics.multiclass import MulticlassPart
from metrics.regression import FINE as REGRESSION
from metrics.result import summarise
from models import metric_record
from models.metric_record import ms_of_iso
from tests.unit.dashboard.samples import MINUTE_MS, alert, decision, letter

NOW_MS = ms_of_iso("2026-11-21T18:00:30Z")
END_MS = ms_of_iso("2026-11-21T18:00:00Z")
HOURS = 3
DEPLOYED_MINUTE = -120
"""Since then the fraud model's v2 is there, too."""
DELAY_MINUTES = 25
"""Of labels, on average."""
CLASSES = ("refund", "delivery", "invoice", "other")
COUNTRIES = ("DE", "FR", "US")
_MULTICLASS = MulticlassPart(classes_max=len(CLASSES), score_bins=50, latency_bins=560)

Floats = NDArray[np.float64]
Parts = dict[str, object]


@dataclass
class World:
    """Draws windows, always the same ones. minutes: how many windows of a minute there are of every model."""

    minutes: int = HOURS * 60
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))

    def messages(self) -> Iterator[Message]:
        """Everything, as it stands on the topics."""
        for minute in range(-self.minutes, 0):
            busy = int(240 + 60 * np.sin(minute / 40) + self.rng.normal(0, 10))
            yield from self._fraud(minute, "v1", busy if minute < DEPLOYED_MINUTE else busy * 3 // 4)
            if minute >= DEPLOYED_MINUTE:
                yield from self._fraud(minute, "v2", busy // 4, bad=minute >= -45)
            yield record(minute, "demand", "3", "regression", self._demand(minute))
            yield record(minute, "intent", "2026-10", "multiclass", self._intent(minute))
            if minute < -self.minutes // 2:
                yield record(minute, "churn", "v4", "binary", self._scored(40, minute))
            yield record(minute, "vision", "v1", "binary", self._scored(60, minute, labels=False))
        for span, minutes in (("1h", 60), ("6h", 360)):
            rolled = self._scored(240 * minutes, -minutes // 2)
            yield record(-minutes, "fraud", "v1", "binary", rolled, span=span, minutes=minutes, rolling=True)
        yield from self._said()

    def _fraud(self, minute: int, version: str, records: int, *, bad: bool = False) -> Iterator[Message]:
        yield record(minute, "fraud", version, "binary", self._scored(records, minute, bad=bad))
        for country, share in zip(COUNTRIES, (0.6, 0.3, 0.1), strict=True):
            parts = self._scored(int(records * share), minute, bad=bad or country == "US", layout=COARSE)
            yield record(minute, "fraud", version, "binary", parts, segment=f"country={country}")

    def _labels(self, records: int, minute: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Which of the records have their label by now, and how many ms each label takes."""
        delay_minutes = self.rng.exponential(DELAY_MINUTES, records)
        return delay_minutes <= -minute, (delay_minutes * MINUTE_MS).astype(np.int64)

    def _scored(
        self, records: int, minute: int, *, bad: bool = False, labels: bool = True, layout: Layout = FINE
    ) -> Parts:
        rng = self.rng
        actual = (rng.random(records) < 0.2).astype(np.int8)
        score = np.where(actual == 1, rng.beta(4, 2, records), rng.beta(1.3, 6, records))
        if bad:
            score = 0.45 * score + 0.55 * rng.random(records)
        predicted = (score >= 0.5).astype(np.int8)
        come, delay_ms = self._labels(records, minute)
        come &= labels
        head, cells = binary.zeros(1, layout)
        every = binary.prepare(score, predicted)
        known = binary.prepare(score[come], predicted[come], actual[come], delay_ms[come])
        binary.add_predictions(head, cells, layout, np.zeros(records, np.int64), every)
        binary.add_outcomes(head, cells, layout, np.zeros(int(come.sum()), np.int64), known)
        found = dict(summarise(head[0], cells[0], layout, 60.0))
        if layout is FINE and labels:
            found |= _expected(minute, found) | self._estimated(found)
        return found | self._served(records, slow=bad)

    def _demand(self, minute: int) -> Parts:
        """Orders of an hour, and what was foreseen."""
        rng, records = self.rng, 60
        actual = 120 + 30 * np.sin(minute / 90) + rng.normal(0, 9, records)
        come, delay_ms = self._labels(records, minute)
        head, cells = np.zeros((1, REGRESSION.head_columns), np.int64), np.zeros((1, REGRESSION.cells), np.int32)
        foreseen = actual + rng.normal(0.8, 6, records)
        slot = np.zeros(records, np.int64)
        REGRESSION.add_predictions(head, cells, slot, REGRESSION.prepare(foreseen))
        known = REGRESSION.prepare(foreseen[come], actual[come], delay_ms[come])
        REGRESSION.add_outcomes(head, cells, slot[: int(come.sum())], known)
        found = dict(REGRESSION.summarise(head[0], cells[0], 60.0))
        return found | _expected(minute, found) | self._served(records)

    def _intent(self, minute: int) -> Parts:
        rng, records = self.rng, 90
        actual = rng.choice(len(CLASSES), records, p=(0.4, 0.3, 0.2, 0.1)).astype(np.int32)
        wrong = rng.random(records) < 0.14
        predicted = np.where(wrong, rng.integers(0, len(CLASSES), records), actual).astype(np.int32)
        come, delay_ms = self._labels(records, minute)
        part = _MULTICLASS
        head, cells = np.zeros((1, part.head_columns), np.int64), np.zeros((1, part.cells), np.int32)
        slot = np.zeros(records, np.int64)
        part.add_predictions(head, cells, slot, part.prepare(predicted))
        known = part.prepare(predicted[come], None, actual[come], delay_ms[come])
        part.add_outcomes(head, cells, slot[: int(come.sum())], known)
        found = dict(part.summarise_named(head[0], cells[0], 60.0, CLASSES))
        return found | _expected(minute, found) | self._served(records)

    def _estimated(self, found: Mapping[str, object]) -> Parts:
        """What scores alone would say: near the truth, or where there are no labels a usual value."""
        metrics = found["metrics"]
        assert isinstance(metrics, dict)
        value = 0.93 + float(self.rng.normal(0, 0.008))
        return {
            "estimated": {
                "method": "cbpe",
                "metrics": {"accuracy": value},
                "intervals": {"accuracy": [value - 0.03, min(1.0, value + 0.03)]},
                "gap": None,
                "gap_metric": None,
                "reliable": None,
            }
        }

    def _served(self, records: int, *, slow: bool = False) -> Parts:
        p50 = 0.018 * (2.4 if slow else 1.0) * float(self.rng.lognormal(0, 0.08))
        errors = int(self.rng.poisson(records * (0.02 if slow else 0.002)))
        return {
            "prediction_latency_seconds": {
                "mean": 1.2 * p50,
                "p50": p50,
                "p95": 3 * p50,
                "p99": 5 * p50,
                "max": 9 * p50,
            },
            "errors": {"timeout": errors} if errors else {},
            "failed": errors,
            "error_rate": errors / (records + errors),
            "success_rate": records / (records + errors),
        }

    def _said(self) -> Iterator[Message]:
        """Incidents, a decision and a dead letter. Alerts count minutes from noon."""
        now = 6 * 60
        yield alert(
            "firing",
            fingerprint="f-v2",
            model_version="v2",
            minute=now - 40,
            value=0.78,
            threshold=0.85,
            interval=(0.75, 0.81),
            summary="accuracy 0.780 [0.750, 0.810] is below 0.85",
            runbook="runbooks/accuracy-low",
        )
        yield alert(
            "resolved",
            fingerprint="f-v1",
            rule="auc-low",
            metric="auc",
            priority="P2",
            severity="warning",
            minute=now - 200,
            ends_at_ms=END_MS - 170 * MINUTE_MS,
            value=0.81,
            threshold=0.88,
            summary="AUC 0.810 is below 0.88",
        )
        yield alert(
            "firing",
            fingerprint="f-labels",
            rule="labels-missing",
            model="vision",
            metric="label_coverage",
            cause="labels",
            priority="P2",
            severity="warning",
            minute=now - 90,
            summary="no labels for 90 minutes",
        )
        yield decision()
        yield letter(1)


def _expected(minute: int, found: Mapping[str, object]) -> Parts:
    """How many labels are there by the delays they are drawn with."""
    expected = float(1 - np.exp(minute / DELAY_MINUTES))
    coverage = found["label_coverage"]
    return {
        "expected_share": expected,
        "maturity": min(1.0, coverage / expected) if isinstance(coverage, float) and expected > 0.1 else None,
    }


def record(
    minute: int,
    model: str,
    version: str,
    task: str,
    parts: Parts,
    *,
    segment: str = "",
    span: str = "60s",
    minutes: int = 1,
    rolling: bool = False,
    revision: int = 1,
) -> Message:
    """The record of the window that begins so many minutes from the end; final where two hours are over."""
    start_ms = END_MS + minute * MINUTE_MS
    value = metric_record.encode(
        model=model,
        model_version=version,
        segment=segment,
        task=task,
        window_start_ms=start_ms,
        window_end_ms=start_ms + minutes * MINUTE_MS,
        span=span,
        revision=revision,
        final=minute < -120 and not rolling,
        emitted_at_ms=END_MS,
        parts=parts,
    )
    key = metric_record.key(model, version, segment, span, None if rolling else start_ms)
    written_ms = start_ms + minutes * MINUTE_MS if model == "churn" else END_MS
    return Message("metric", 0, 0, written_ms, key, value)
