"""`hindcast evaluate`: the final metric records of predictions and labels in files, by the service's own code."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO

import numpy as np
import orjson
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from models.batch import MIN_MS, Batch, Kind, Source
from models.codec import Decoder
from models.errors import WorldError
from runtime import clock
from runtime.files import read_chunks
from runtime.model_plan import chosen_model, model_fields, model_plan, text_columns
from runtime.settings import ModelSettings, Settings
from tables import offline
from tables.dimensions import Admissions
from tables.fates import DEAD, FATES
from tables.plan import ModelPlan, Plan
from tables.records import ClassNames, no_names

FUTURE_MS = 300_000
FatesByKind = Mapping[str, Mapping[str, int]]


@dataclass(slots=True)
class Input:
    """One file as batches; counts what it reads and refuses. Kafka knows nothing of it: partition 0, no watermark."""

    path: Path
    kind: Kind
    name: str
    model: ModelSettings
    record_bytes_max: int
    class_codes: Callable[[Sequence[str]], NDArray[np.int64]]
    read: int = 0
    bad: Counter[str] = field(default_factory=Counter)

    def batches(self, show: Callable[[int], None]) -> Iterator[Batch]:
        """The good records, chunk by chunk. Raises ConfigError and WorldError as `read_chunks`."""
        fields = model_fields(self.name, self.model, self.kind)
        topic = self.model.predictions.topic if self.kind == "predictions" else self.model.labels.topic
        decoder = Decoder(topic, self.kind, [fields], self.record_bytes_max, FUTURE_MS)
        source = Source(topic, 0)
        for chunk in read_chunks(self.path, text_columns(fields)):
            found = decoder.decode(chunk, clock.now_ms())
            if found.classes:
                found = found.coded(self.class_codes(found.classes), self.model.classes_max)
            base, last = chunk[0].offset - 1, chunk[-1].offset
            self.read += len(chunk)
            self.bad.update(bad.code for bad in found.bad)
            yield Batch(
                self.kind,
                source,
                base,
                last,
                MIN_MS,
                idle=False,
                ids=found.ids,
                offsets=found.offsets,
                time_ms=found.time_ms,
                score=found.score,
                outcome=found.outcome,
                combos=found.combos,
                combo_index=found.combo_index,
                observed=found.observed,
                carried=found.carried,
            )
            show(len(chunk))


def run(settings: Settings, predictions: Path, labels: Path, model: str | None, out: Path | None) -> int:
    """Write the final records as JSON lines to `out` (None: standard output), the fates as the last line on stderr.

    Raises ConfigError for an unknown model or file ending, WorldError for files that cannot be read or written.
    """
    name, chosen = chosen_model(settings, model)
    limit, plan = settings.limits.record_bytes_max, model_plan(name, chosen)
    admissions = Admissions(Plan({name: plan}), models_max=0, segment_values_max={})
    class_codes = partial(admissions.admit_classes, plan.labels_topic)
    inputs = [
        Input(predictions, "predictions", name, chosen, limit, class_codes),
        Input(labels, "labels", name, chosen, limit, class_codes),
    ]
    for path in (predictions, labels):
        if not path.is_file():
            raise WorldError(f"{path}: No such file")
    with _progress() as show:
        batches = chain.from_iterable(each.batches(show) for each in inputs)
        records, counted = evaluate(plan, batches, admissions.class_names)
    _write(records, out)
    line = _fates_line(counted, inputs)
    sys.stderr.write(line + "\n")
    return 0


def evaluate(
    plan: ModelPlan, batches: Iterable[Batch], class_names: ClassNames = no_names
) -> tuple[Iterable[bytes], FatesByKind]:
    """The one call into the core: final metric records as JSON, and where every good record ended."""
    records, counted = offline.evaluate(Plan({plan.name: plan}), batches, class_names)
    emitted_at_ms = clock.now_ms()
    return (record.encode(emitted_at_ms) for record in records), counted


def _write(records: Iterable[bytes], out: Path | None) -> None:
    if out is None:
        _write_lines(records, sys.stdout.buffer)
        return
    try:
        with out.open("wb") as file:
            _write_lines(records, file)
    except OSError as error:
        raise WorldError(f"{out}: {error.strerror or error}") from None


def _write_lines(records: Iterable[bytes], file: IO[bytes]) -> None:
    for record in records:
        file.write(record + b"\n")
    file.flush()


def _fates_line(counted: FatesByKind, inputs: list[Input]) -> str:
    """`{"predictions": {fate: n}, "labels": {fate: n}, "dead_letters": {code: n}}`, zeros left out."""
    found: dict[str, dict[str, int]] = {
        kind: {fate: records for fate, records in by_fate.items() if records} for kind, by_fate in counted.items()
    }
    for each in inputs:
        if each.bad:
            found[each.kind][FATES[DEAD]] = each.bad.total()
    found["dead_letters"] = dict(sum((each.bad for each in inputs), Counter[str]()))
    return orjson.dumps(found).decode()


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _rows: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} rows read"))
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("rows", total=None)
        yield lambda rows: bars.advance(task, rows)
