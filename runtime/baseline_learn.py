"""`hindcast baseline learn`: a stretch of production, as it stands on the broker, into a model's baseline file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Final

from metrics.reference import Baseline
from models.codec import Decoder
from models.errors import ConfigError, WorldError
from models.metric_record import iso_ms
from runtime import clock
from runtime.baseline_build import finish, target_of, warnings
from runtime.baseline_fields import check_allowed
from runtime.baseline_passes import Build
from runtime.baseline_period import Period
from runtime.interrupts import stop_event
from runtime.model_plan import chosen_model, model_fields
from runtime.progress import Tell, progress
from runtime.settings import ModelSettings, Settings
from runtime.settings.model import LabelSource, PredictionSource
from runtime.topic_chunks import in_chunks
from runtime.topic_opener import bytes_max, opened
from runtime.topic_reader import TopicReader

FUTURE_MS: Final = 300_000
"""A record's time may be so far ahead of the clock (`models.codec`)."""
LABELS_EVERY_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Learn:
    """What is to be learned. follow_labels: until no label can come for the predictions any more."""

    since_ms: int
    until_ms: int | None
    features: Sequence[str] | None
    follow_labels: bool = False


def run(settings: Settings, model: str | None, learn: Learn, out: Path | None) -> int:
    """Write the baseline of the model to `out` (None: ``baselines/MODEL.json``), and say what it holds.

    Raises ConfigError for an unknown model or feature, WorldError for topics that cannot be read, or hold nothing of
    the model, and a file that cannot be written, KeyboardInterrupt for Ctrl-C.
    """
    name, chosen = chosen_model(settings, model)
    target = target_of(name) if out is None else out
    if learn.until_ms is not None and learn.until_ms <= learn.since_ms:
        raise ConfigError(["--until: must be later than --since"])
    check_allowed(chosen, learn.features)
    period = Period(name, chosen, chosen.features if learn.features is None else learn.features)
    with stop_event() as stop, progress() as tell:
        _read_predictions(settings, period, chosen, learn, stop.is_set, tell)
        if not period.rows:
            raise WorldError(_nothing(period, chosen.predictions.topic, name, learn.since_ms))
        _read_labels(settings, period, name, learn, stop, tell)
        baseline, lines = build(period, name, chosen, learn.features, _counting(tell, stop))
    if not learn.follow_labels:
        lines += list(_unripe(period, chosen))
    finish(baseline, target, lines)
    return 0


def build(
    period: Period, name: str, model: ModelSettings, features: Sequence[str] | None, show: Callable[[float], None]
) -> tuple[Baseline, list[str]]:
    """The baseline of the rows, and what is to be said of it. Raises as `Build`."""
    # The rows have our own names, whatever the records have.
    plain = model.model_copy(
        update={"predictions": PredictionSource(topic=model.predictions.topic), "label_source": LabelSource()}
    )
    source = Build(Path(model.predictions.topic), name, plain, features, read=lambda _path: period.chunks())
    found = source.survey(show)
    found.bad, found.others = period.bad, period.others
    baseline, left_out = source.count(found, iso_ms(clock.now_ms()), show)
    lines = [*_about(period), *(line.replace("rows", "records") for line in warnings(found, left_out))]
    return baseline, lines


def _read_predictions(
    settings: Settings, period: Period, model: ModelSettings, learn: Learn, stop: Callable[[], bool], tell: Tell
) -> None:
    topic = model.predictions.topic
    # All models of the topic, so that a record of another one is not taken for a bad one.
    on_it = [(name, one) for name, one in settings.models.items() if one.predictions.topic == topic]
    fields = [model_fields(name, one, "predictions") for name, one in on_it]
    decoder = Decoder(topic, "predictions", fields, bytes_max(settings, model.predictions), FUTURE_MS)
    opens = opened(settings, model.predictions)
    with closing(TopicReader(settings, topic, stop)) as reader:
        for chunk in in_chunks(reader.messages(learn.since_ms, learn.until_ms), opens):
            period.add_predictions(chunk, decoder.decode(chunk, clock.now_ms()))
            tell("predictions", reader.done)


def _read_labels(settings: Settings, period: Period, name: str, learn: Learn, stop: Event, tell: Tell) -> None:
    model = chosen_model(settings, name)[1]
    times = [one.event_ms for one in period.rows]
    # No label that counts is older than this, and none is written long before its own time.
    since_ms = min(times) - model.label_skew_ms - FUTURE_MS
    last_ms = max(times) + model.horizon_ms
    fields = model_fields(name, model, "labels")
    decoder = Decoder(model.labels.topic, "labels", [fields], bytes_max(settings, model.labels), FUTURE_MS)
    opens = opened(settings, model.labels)
    with closing(TopicReader(settings, model.labels.topic, stop.is_set)) as reader:
        for chunk in in_chunks(reader.messages(since_ms), opens):
            period.add_labels(chunk, decoder.decode(chunk, clock.now_ms()))
            tell("labels", reader.done)
        while learn.follow_labels and clock.now_ms() <= last_ms:
            tell(f"waiting for labels until {iso_ms(last_ms)}", 1.0)
            if stop.wait(min(LABELS_EVERY_SECONDS, max(last_ms - clock.now_ms(), 0) / 1000 + 0.1)):
                raise KeyboardInterrupt
            for chunk in in_chunks(reader.later(), opens):
                period.add_labels(chunk, decoder.decode(chunk, clock.now_ms()))


def _counting(tell: Tell, stop: Event) -> Callable[[float], None]:
    def show(share: float) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        tell("counting", share)

    return show


def _nothing(period: Period, topic: str, name: str, since_ms: int) -> str:
    others = f", {period.others:,} of other models" if period.others else ""
    told = f" ({period.read:,} records: {period.bad:,} bad{others})" if period.read else ""
    return f"topic {topic}: no predictions of {name} since {iso_ms(since_ms)}{told}"


def _about(period: Period) -> Iterator[str]:
    if period.share < 1:
        yield f"there are so many predictions that the baseline is of those of a sample: {period.share:.3g} of the ids"
    if period.failed:
        yield f"requests that failed, left out: {period.failed:,}"
    if period.bad_labels:
        yield f"labels that could not be read, left out: {period.bad_labels:,}"
    if not period.has_features:
        yield "no record has an object of features: name some fields by --features, as amount,country"


def _unripe(period: Period, model: ModelSettings) -> Iterator[str]:
    now_ms = clock.now_ms()
    some = sum(not one.rank and one.event_ms + model.horizon_ms >= now_ms for one in period.rows)
    if some:
        yield (
            f"labels may still come for {some:,} predictions, whose horizon is not over: performance is of those that "
            "have come; end the period earlier by --until, or wait by --follow-labels"
        )
