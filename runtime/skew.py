"""`hindcast skew`: features as they were served against what a store or pipeline gives for the same ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import typer

from metrics.skew import Skew
from models.errors import ConfigError, WorldError
from models.metric_record import iso_ms
from runtime.baseline_fields import check_allowed
from runtime.interrupts import stop_event
from runtime.model_plan import chosen_model
from runtime.privacy import keyed_hash
from runtime.progress import Tell, progress
from runtime.settings import PredictionSource, Settings
from runtime.skew_match import Match, Side
from runtime.skew_records import Item, Reader
from runtime.skew_report import Report, as_json, report, show
from runtime.skew_sources import Source, file_source, topic_source
from runtime.topic_opener import bytes_max, opened
from runtime.topic_reader import TopicReader
from runtime.whole_file import write_whole


@dataclass(frozen=True, slots=True)
class Asked:
    """What is compared, and how. predictions: a file in place of the model's topic; fail_over: a share."""

    model: str | None
    topic: str | None
    file: Path | None
    predictions: Path | None
    since_ms: int
    tolerance: float
    features: Sequence[str] | None = None
    fail_over: float | None = None


def run(settings: Settings, asked: Asked, out: Path | None, now_ms: int) -> int:
    """Compare, print the table, write the JSON to `out`; 1 if a feature mismatches in more than `fail_over`, else 0.

    Raises ConfigError for wrong use, WorldError for what cannot be read or written, or has no id in common.
    """
    _check(asked)
    hashed, (name, model) = keyed_hash(settings.privacy), chosen_model(settings, asked.model)
    check_allowed(model, asked.features)
    served, reference = model.predictions, PredictionSource(topic=asked.topic or "-")  # in a topic: JSON
    with ExitStack() as stack:
        stop, tell = stack.enter_context(stop_event()), stack.enter_context(progress())

        def check() -> None:
            if stop.is_set():
                raise KeyboardInterrupt

        def source(file: Path | None, stream: PredictionSource) -> Source:
            limit = bytes_max(settings, stream)
            reader = Reader(name, model, model.features if asked.features is None else asked.features, limit)
            if file is not None:
                return file_source(file, reader, check)
            read = stack.enter_context(closing(TopicReader(settings, stream.topic, stop.is_set)))
            return topic_source(stream.topic, reader, read, asked.since_ms, opened(settings, stream))

        sources = source(asked.predictions, served), source(asked.file, reference)
        match = compare(sources, asked.tolerance, tell)
    if not match.skew.records:
        raise WorldError(_nothing(sources))
    found = report(name, iso_ms(now_ms), match, sources, hashed)
    show(found)
    if out is not None:
        write_whole(as_json(found), out)
        typer.echo(f"{out}: written", err=True)
    over = list(too_many(found, asked))
    for line in over:
        typer.echo(f"hindcast: {line}", err=True)
    return 1 if over else 0


def compare(sources: tuple[Source, Source], tolerance: float, tell: Tell = lambda _what, _share: None) -> Match:
    """Bring the two sides, serving and reference, together."""

    def told(source: Source) -> Iterator[list[Item]]:
        for chunk in source.chunks:
            tell("reading", (sources[0].done + sources[1].done) / 2)
            yield chunk

    serving, reference = sources
    skew = Skew(tolerance, (serving.untyped, reference.untyped))
    match = Match(skew, Side(told(serving)), Side(told(reference)))
    match.run()
    return match


def too_many(found: Report, asked: Asked) -> Iterator[str]:
    """Why the verb ends with 1: a share that is too great, or a feature asked for that nothing could be told of."""
    if asked.fail_over is None:
        return
    for name, feature in found.features.items():
        if feature.mismatch_share is not None and feature.mismatch_share > asked.fail_over:
            yield f"{name}: {feature.mismatch_share:.4%} mismatch, over {asked.fail_over:.4%}"
    for name in asked.features or ():
        if name not in found.features or not found.features[name].compared:
            yield f"{name}: never on both sides, so nothing could be compared"


def _check(asked: Asked) -> None:
    if (asked.topic is None) == (asked.file is None):
        raise ConfigError(["--topic, --file: give one of the two"])
    if not 0 <= asked.tolerance < 1:
        raise ConfigError(["--tolerance: must lie within 0 and 1"])
    if asked.fail_over is not None and not 0 <= asked.fail_over <= 1:
        raise ConfigError(["--fail-over: must lie within 0 and 1"])


def _nothing(sources: tuple[Source, Source]) -> str:
    told = "; ".join(f"{one.name}: {one.reader.read:,} records, {one.reader.bad:,} of them bad" for one in sources)
    return f"no id is on both sides, nothing can be compared ({told})"
