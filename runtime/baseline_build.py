"""`hindcast baseline build`: training data, or a log of predictions, into a model's baseline file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from metrics.reference import Baseline, Numeric
from models.errors import ConfigError, WorldError
from runtime.baseline_passes import EVERY_MODEL, Build, Found, Show
from runtime.model_plan import chosen_model
from runtime.settings import Settings

DIRECTORY: Final = Path("baselines")


def run(
    settings: Settings, file: Path, model: str | None, out: Path | None, features: Sequence[str] | None, created_at: str
) -> int:
    """Write the baseline of the model to `out` (None: ``baselines/MODEL.json``), and say what it holds.

    Raises ConfigError for an unknown model, feature or file ending, WorldError for files that cannot be read, used
    or written.
    """
    name, chosen = chosen_model(settings, model)
    target = _target(name) if out is None else out
    build = Build(file, name, chosen, features)
    with _progress() as show:
        found = build.survey(show)
        baseline, left_out = build.count(found, created_at, show)
    for line in _warnings(found, left_out):
        typer.echo(f"hindcast: warning: {line}", err=True)
    write(baseline, target)
    typer.echo(f"{target}: {'; '.join(summary(baseline))}")
    return 0


def _target(name: str) -> Path:
    if name == EVERY_MODEL:
        raise ConfigError(["--model: a baseline is of one model, name it"])
    if "/" in name or name.startswith("."):
        raise ConfigError([f"--out: is needed, {name} makes no file name"])
    return DIRECTORY / f"{name}.json"


def summary(baseline: Baseline) -> Iterator[str]:
    """What the file holds, in words."""
    numeric = sum(isinstance(feature, Numeric) for feature in baseline.features.values())
    yield f"{baseline.records:,} records"
    yield f"{numeric} numeric and {len(baseline.features) - numeric} categorical features"
    if baseline.scores is not None:
        yield "scores"
    if baseline.predictions or baseline.prediction is not None:
        yield "predictions"
    if baseline.centroid:
        yield f"centroid of {len(baseline.centroid)} numbers"
    told = ", ".join(f"{name} {value:.4g}" for name, value in baseline.performance.items())
    yield f"performance: {told}" if told else "no performance, because no predictions with labels are in it"


def _warnings(found: Found, left_out: dict[str, str]) -> Iterator[str]:
    if found.bad:
        yield f"rows that could not be read, left out: {found.bad:,}"
    if found.others:
        yield f"rows of other models, left out: {found.others:,}"
    sampled = [name for name, survey in found.surveys.items() if survey.sampled]
    if sampled:
        yield f"there are so many rows that quantiles are those of a sample: {', '.join(sampled)}"
    for name, reason in left_out.items():
        yield f"{name} is left out: {reason}"


def write(baseline: Baseline, path: Path) -> None:
    """Write the file as a whole or not at all. Raises WorldError."""
    tree = {name: value for name, value in msgspec.to_builtins(baseline).items() if value not in (None, [], {})}
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            unfinished.write_text(_readable(tree) + "\n", encoding="utf-8")
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise WorldError(f"{path}: {error.strerror or error}") from None


def _readable(value: object, indent: str = "") -> str:
    """JSON with a line a key, and lists on one line: a thousand bins are one thing to look at."""
    if not isinstance(value, dict) or not value:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    inner = indent + "  "
    lines = (f"{inner}{json.dumps(key, ensure_ascii=False)}: {_readable(one, inner)}" for key, one in value.items())
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"


@contextmanager
def _progress() -> Iterator[Show]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _share: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("reading", total=1.0)
        yield lambda share: bars.update(task, completed=share, description="reading" if share <= 0.5 else "counting")
