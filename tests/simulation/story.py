"""Seeded traffic in miniature: a few dozen ids with everything that may happen to an id."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Literal

import numpy as np
import orjson

from metrics.business import Rates
from metrics.class_predictions import ClassPredictions
from metrics.inputs import Inputs
from metrics.observer import ModelObserver, Watching
from metrics.reference import Categorical, Losses, Numeric
from metrics.resources import Resources
from metrics.service import Service
from metrics.value_predictions import ValuePredictions
from metrics.window_layout import WindowLayout
from models import batch
from models.batch import MIN_MS, Batch, Source, empty
from models.carried import Carrier, ScoresCarrier, ValueCarrier
from models.codec import Decoder
from models.heartbeat import HeartbeatDecoder
from models.mapping import ModelFields
from models.outcome import Task
from tables.dimensions import Admissions
from tables.heartbeats import OBSERVER
from tables.plan import ModelPlan, Plan, Span, Watch
from tables.tasks import layout_of, parts
from tests.support.recount_records import Raw, Rules

START_MS = 1_763_000_040_000
NOW_MS = START_MS + 10**9
END_MS = START_MS + 10**8
"""A watermark behind which everything is final."""

SECOND_MS = 1_000
SLACK_MS = 8_000
"""Records of one source are out of order by so much at most: its watermark trails by it."""

WINDOW_MS, HORIZON_MS, LATENESS_MS, SKEW_MS = 30_000, 40_000, 5_000, 1_000
TOPICS: Mapping[str, str] = {"predictions": "fraud_predictions", "labels": "fraud_labels"}
HEARTBEATS = Source("hindcast-heartbeats", 0)
COUNTRIES, DEVICES = ("DE", "US", ""), ("web", "app")
VERSIONS = ("v1", "v2", "v3")

FEATURES = (
    ("amount", Numeric(edges=[-1.0, 0.0, 10.0, 90.0], counts=[0, 2, 0, 0, 5, 5, 40, 40, 10], mean=20.0, std=15.0,
                       min=-1.0, max=95.0, quartiles=(5.0, 12.0, 40.0))),
    ("channel", Categorical(categories=["shop", "phone"], counts=[1, 1, 0, 0, 0, 60, 40])),
)  # fmt: skip
_OWN = ((("latency_ms",), ("latency_seconds",)), (("status",),), (("error_type",),))
RESOURCES = ("cpu_ratio", "active_requests")
WATCH = Watch(
    ModelObserver(
        (
            *_OWN,
            *((("resources", name),) for name in RESOURCES),
            *((("features", name), (name,)) for name, _ in FEATURES),
        ),
        FEATURES,
        RESOURCES,
        containers=(("features",),),
    ),
    (Service(), Resources(RESOURCES), Inputs(FEATURES, over_seconds=60, min_records=1)),
    always=True,
)
PREDICTIONS: Mapping[Task, tuple[Watching, ...]] = {
    "binary": (),
    "multiclass": (ClassPredictions({"cat": 8, "owl": 2}, 3, over_seconds=60, min_records=1),),
    "regression": (
        ValuePredictions(
            Numeric(edges=[-1.0, 0.0, 5.0], counts=[0, 0, 0, 0, 3, 2, 4, 1], mean=1.0, std=3.0, min=-2.0, max=9.0,
                    quartiles=(-1.0, 0.0, 4.0)),
            Losses(counts=[3, 2, 4, 1], absolute=[3.0, 1.0, 2.0, 9.0], squared=[3.0, 1.0, 2.0, 81.0],
                   fourth=[3.0, 1.0, 2.0, 6561.0]),
            over_seconds=60,
            min_records=1,
        ),
    ),
}  # fmt: skip
"""What is watched of the predictions themselves."""
RATES = Rates(per_record={"fp": -2.5, "tp": 1.0}, per_value={"fn": -1.0, "tp": 0.25})
CARRIER = ValueCarrier((("value",), ("revenue",)))
MODEL = ModelPlan(
    name="fraud",
    predictions_topic=TOPICS["predictions"],
    labels_topic=TOPICS["labels"],
    window_ms=WINDOW_MS,
    horizon_ms=HORIZON_MS,
    allowed_lateness_ms=LATENESS_MS,
    label_skew_ms=SKEW_MS,
    emit_every_ms=SECOND_MS,
    segments=("country", "device"),
    spans=(Span("1m", 60_000), Span("5 labelled", labelled=5)),
    window_name="30s",
    watch=WATCH,
)
RULES = Rules(
    window_ms=WINDOW_MS,
    horizon_ms=HORIZON_MS,
    label_skew_ms=SKEW_MS,
    segments=MODEL.segments,
    now_ms=NOW_MS,
    value=("value", "revenue"),
)
FIELDS: Mapping[str, ModelFields] = {
    "predictions": ModelFields("fraud", "predictions", segments=MODEL.segments, observer=WATCH.observer),
    "labels": ModelFields("fraud", "labels"),
}

CLASSES = ("3", "cat", "cow")
CLASSES_MAX = len(CLASSES)
CARRIERS: Mapping[Task, Carrier] = {"binary": CARRIER, "multiclass": ScoresCarrier((("scores",),), CLASSES_MAX)}
PREDICTED: Mapping[Task, tuple[object, ...]] = {
    "binary": (0, 1),
    "multiclass": ("cat", "dog", 3, True),
    "regression": (0.25, -1.0, 7, 1e15),
}
TRUTHS: Mapping[Task, tuple[object, ...]] = {
    "binary": (0, 0, 1, 1, 1, None),
    "multiclass": ("cat", "dog", "dog", 3.0, "true", "cow", None),
    "regression": (0.25, -1, -1.0, -0.0, 7, -1e15, None),
}

Kind = Literal["predictions", "labels"]


@dataclass(frozen=True, slots=True)
class Timed:
    """A record before it has a place: when it is published, and in which partition of its topic."""

    publish_ms: int
    kind: Kind
    partition: int
    value: bytes
    event_ms: int


@dataclass(frozen=True)
class Story:
    """Every record of every source, in the order of its offsets."""

    partitions: int
    sources: Mapping[Source, list[Raw]]
    event_ms: Mapping[tuple[str, int, int], int]
    task: Task = "binary"

    @cached_property
    def plan(self) -> Plan:
        watch = replace(WATCH, parts=(*WATCH.parts, *PREDICTIONS[self.task]))
        model = replace(
            MODEL,
            task=self.task,
            classes_max=CLASSES_MAX,
            watch=watch,
            whole=WindowLayout(
                (*parts(self.task, CLASSES_MAX, RATES, has_class_scores=True, whole=True), *watch.parts)
            ),
            of_segment=layout_of(self.task, CLASSES_MAX, RATES, has_class_scores=True, whole=False),
            carried_bytes=CARRIERS[self.task].itemsize if self.task in CARRIERS else 0,
        )
        return Plan({"fraud": model}, dict.fromkeys(TOPICS.values(), self.partitions))

    @cached_property
    def admissions(self) -> Admissions:
        """What all workers have read of the log that admits names: of five classes these three stand for themselves."""
        found = Admissions(self.plan, models_max=0, segment_values_max={})
        found.admit_classes(TOPICS["labels"], CLASSES)
        return found

    def records(self) -> Iterator[Raw]:
        for held in self.sources.values():
            yield from held


def tell(seed: int, *, ids: int = 25, partitions: int = 2, seconds: int = 150, task: Task = "binary") -> Story:
    """A story in which nothing is late: whoever obeys the watermarks arrives at the recount."""
    rng = Random(seed)
    timed = [one for number in range(ids) for one in _of_id(rng, f"id-{number}", partitions, seconds, task)]
    timed += [_bad(rng, partitions, seconds) for _ in range(rng.randrange(4))]
    timed.sort(key=lambda one: one.publish_ms)
    sources: dict[Source, list[Raw]] = {Source(t, p): [] for t in TOPICS.values() for p in range(partitions)}
    event_ms = {}
    for one in timed:
        held = sources[Source(TOPICS[one.kind], one.partition)]
        # Offsets have gaps, as behind transactions and compaction.
        offset = held[-1].offset + rng.choice((1, 1, 1, 3)) if held else rng.randrange(3)
        raw = Raw(one.kind, one.partition, offset, one.value, one.publish_ms)
        held.append(raw)
        event_ms[raw.place] = one.event_ms
    return Story(partitions, sources, event_ms, task)


def _of_id(rng: Random, name: str, partitions: int, seconds: int, task: Task) -> Iterator[Timed]:
    def place() -> int:
        return rng.randrange(partitions)

    event_ms = START_MS + rng.randrange(seconds * SECOND_MS)
    versions = rng.sample(VERSIONS, rng.choice((0, 1, 1, 1, 1, 1, 1, 2, 3)))
    for version in versions:
        # Shadow versions see the same request, or the same id a little later.
        at_ms = event_ms + rng.choice((0, 0, rng.randrange(20 * SECOND_MS)))
        yield from _prediction(rng, name, version, at_ms, place(), partitions, task)
    yield from _labels(rng, name, event_ms, place, task)


def _prediction(
    rng: Random, name: str, version: str, at_ms: int, partition: int, partitions: int, task: Task
) -> Iterator[Timed]:
    body: dict[str, object] = {"id": name, "model_version": version, "event_time": at_ms}
    body |= {"country": rng.choice(COUNTRIES), "device": rng.choice(DEVICES)}
    body["score"] = rng.choice((None, 0.0, 1.0, 0.5, rng.random(), rng.random(), rng.random()))
    body["prediction"] = rng.choice(PREDICTED[task])
    body |= _watched(Random(f"{name} {version} {at_ms}"))
    body |= _worth(Random(f"worth of {name} {version} {at_ms}"))
    body |= _class_scores(Random(f"class scores of {name} {version} {at_ms}"))
    publish_ms = at_ms + rng.randrange(SLACK_MS)
    yield Timed(publish_ms, "predictions", partition, orjson.dumps(body), at_ms)
    if rng.random() < 0.15:  # the same again, anywhere
        again_ms = publish_ms + rng.randrange(20 * SECOND_MS)
        yield Timed(again_ms, "predictions", rng.randrange(partitions), orjson.dumps(body), at_ms)
    elif rng.random() < 0.15:  # another content: only within one partition is there a first one
        other = body | {"score": rng.random(), "prediction": rng.choice(PREDICTED[task]), "device": rng.choice(DEVICES)}
        other |= _class_scores(Random(f"other class scores of {name} {version} {at_ms}"))
        other |= _worth(Random(f"another worth of {name} {version} {at_ms}"))
        other["event_time"] = other_ms = at_ms - rng.choice((0, rng.randrange(20 * SECOND_MS)))
        again_ms = publish_ms + 1 + rng.randrange(5 * SECOND_MS)
        yield Timed(again_ms, "predictions", partition, orjson.dumps(other), other_ms)


def _watched(rng: Random) -> dict[str, object]:
    """Latency, status, resources and features, also such as nobody knows, or some of them, or none."""
    found: dict[str, object] = {}
    if rng.random() < 0.8:
        found |= rng.choice(({"latency_ms": rng.randrange(1, 500)}, {"latency_seconds": rng.random()}))
    if rng.random() < 0.6:
        found |= rng.choice(({"status": "success"}, {"status": "error", "error_type": "timeout"}, {"status": "error"}))
    features: dict[str, object] = {
        "amount": rng.choice((5, 7.5, -3.0, 1e300, None, "x", [1], True)),
        "channel": rng.choice(("shop", "phone", "fax", "", None, 7, {})),
    }
    given = {name: value for name, value in features.items() if rng.random() < 0.8}
    where = rng.choice(({"features": given}, given))
    if rng.random() < 0.6:
        found["resources"] = {"cpu_ratio": rng.choice((0.25, 1, 3.5, None, "x", -1)), "active_requests": 3}
    if "features" in where:
        given |= {name: 1 for name in ("colour", "size") if rng.random() < 0.1}
    return found | where


def _worth(rng: Random) -> dict[str, object]:
    """A business value, mostly."""
    amounts: list[object] = [round(rng.uniform(-50, 500), 2) for _ in range(4)]
    value = rng.choice([*amounts, 0, 1e12, 1e13, None, "x", {}])
    ways: list[dict[str, object]] = [{"value": value}, {"value": value, "revenue": 1}, {"revenue": value}, {}]
    return rng.choice(ways)


def _class_scores(rng: Random) -> dict[str, object]:
    """Scores of single classes, mostly; a class may stand nowhere else."""
    names = rng.sample(("3", "cat", "cow", "dog", "yak"), rng.randrange(1, 6))
    odd: list[object] = [None, "x", {}, {"cat": "high"}, {"cat": 0.5, "dog": 1.5}, {"cat": 0, "dog": 0}]
    usual: list[object] = [{name: round(rng.random(), 3) for name in names} for _ in range(12)]
    return rng.choice(({"scores": rng.choice(usual + odd)}, {"scores": rng.choice(usual)}, {}))


def _labels(rng: Random, name: str, event_ms: int, place: Callable[[], int], task: Task) -> Iterator[Timed]:
    times = [event_ms + _delay_ms(rng) for _ in range(rng.choice((0, 1, 1, 1, 1, 2, 3, 4)))]
    times += [rng.choice(times) for _ in times if rng.random() < 0.2]  # ties of label_time
    for at_ms in times:
        truth = rng.choice(TRUTHS[task])
        value = orjson.dumps({"id": name, "actual": truth, "label_time": at_ms})
        publish_ms = at_ms + rng.randrange(SLACK_MS)
        yield Timed(publish_ms, "labels", place(), value, at_ms)
        if rng.random() < 0.15:
            yield Timed(publish_ms + rng.randrange(9 * SECOND_MS), "labels", place(), value, at_ms)


def _delay_ms(rng: Random) -> int:
    """Mostly within the horizon; some on its edges, some outside."""
    edges = (-SKEW_MS, -SKEW_MS - 1, 0, HORIZON_MS, HORIZON_MS + 1)
    return rng.choice((*edges, *(rng.randrange(HORIZON_MS) for _ in range(8)), rng.randrange(3 * HORIZON_MS), -9_000))


def _bad(rng: Random, partitions: int, seconds: int) -> Timed:
    value = rng.choice((b"{", b'{"id":"x"}', b'{"id":7,"score":2,"event_time":9,"actual":1,"label_time":"x"}'))
    kind: Kind = rng.choice(("predictions", "labels"))
    return Timed(START_MS + rng.randrange(seconds * SECOND_MS), kind, rng.randrange(partitions), value, MIN_MS)


@dataclass(frozen=True, slots=True)
class Consumed:
    """A raw record as the decoder reads it."""

    offset: int
    timestamp: int
    value: bytes
    key: None = None
    headers: tuple[()] = ()


class Reader:
    """Reads one source as a worker does since it was assigned: chunks of any size become batches."""

    def __init__(self, story: Story, source: Source, position: int = 0, *, slack_ms: int = SLACK_MS) -> None:
        """position: how many records of the source were committed before."""
        self.story, self.source, self.position, self.slack_ms = story, source, position, slack_ms
        self.last, self.watermark_ms = -1, MIN_MS
        self._decoder: Decoder | HeartbeatDecoder
        if source == HEARTBEATS:
            self.kind: batch.Kind = "heartbeats"
            self._decoder = HeartbeatDecoder({"fraud"}, OBSERVER)
            return
        self.kind = "predictions" if source.topic == TOPICS["predictions"] else "labels"
        carrier = CARRIERS.get(story.task) if self.kind == "predictions" else None
        self._decoder = Decoder(source.topic, self.kind, [replace(FIELDS[self.kind], task=story.task, carrier=carrier)])

    @property
    def done(self) -> bool:
        return self.position >= len(self.story.sources[self.source])

    def read(self, records_max: int) -> Batch:
        """The next records as a batch."""
        raw = self.story.sources[self.source][self.position : self.position + records_max]
        self.position += len(raw)
        found = self._decoder.decode([Consumed(r.offset, r.timestamp_ms, r.value) for r in raw], NOW_MS)
        if found.classes:
            found = found.coded(self.story.admissions.class_codes(TOPICS["labels"], found.classes), CLASSES_MAX)
        base, self.last = self.last, raw[-1].offset
        if len(found.ids):
            self.watermark_ms = max(self.watermark_ms, found.greatest_ms - self.slack_ms)
        return Batch(
            self.kind, self.source, base, self.last, self.watermark_ms, False,
            found.ids, found.offsets, found.time_ms, found.score, found.outcome, found.combos, found.combo_index,
            np.array([bad.record.offset for bad in found.bad], np.int64), found.observed, found.carried,
        )  # fmt: skip

    def marker(self, watermark_ms: int | None = None, *, idle: bool = False) -> Batch:
        """No records, but how far the source is."""
        self.watermark_ms = max(self.watermark_ms, MIN_MS if watermark_ms is None else watermark_ms)
        return empty(self.kind, self.source, base=self.last, last=self.last, watermark_ms=self.watermark_ms, idle=idle)
