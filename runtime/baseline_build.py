"""`hindcast baseline build`: training data, or a log of predictions, into a model's baseline file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import typer

from metrics.reference import Baseline, Numeric
from models.errors import ConfigError
from runtime.baseline_passes import EVERY_MODEL, Build, Found
from runtime.model_plan import chosen_model
from runtime.progress import progress
from runtime.settings import Settings
from runtime.whole_file import write_whole

DIRECTORY: Final = Path("baselines")


def run(
    settings: Settings, file: Path, model: str | None, out: Path | None, features: Sequence[str] | None, created_at: str
) -> int:
    """Write the baseline of the model to `out` (None: ``baselines/MODEL.json``), and say what it holds.

    Raises ConfigError for an unknown model, feature or file ending, WorldError for files that cannot be read, used
    or written.
    """
    name, chosen = chosen_model(settings, model)
    target = target_of(name) if out is None else out
    build = Build(file, name, chosen, features)
    with progress() as tell:
        found = build.survey(lambda share: tell("reading", share))
        baseline, left_out = build.count(found, created_at, lambda share: tell("counting", share))
    finish(baseline, target, warnings(found, left_out))
    return 0


def finish(baseline: Baseline, target: Path, lines: Iterable[str]) -> None:
    """Write the file, and say what there is to say: warnings, and what it holds. Raises WorldError."""
    for line in lines:
        typer.echo(f"hindcast: warning: {line}", err=True)
    write(baseline, target)
    typer.echo(f"{target}: {'; '.join(summary(baseline))}")


def target_of(name: str) -> Path:
    """Where a model's baseline goes if nobody says otherwise. Raises ConfigError for a name that makes no file."""
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


def warnings(found: Found, left_out: dict[str, str]) -> Iterator[str]:
    """What the passes left out, and why."""
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
    write_whole(_readable(tree) + "\n", path)


def _readable(value: object, indent: str = "") -> str:
    """JSON with a line a key, and lists on one line: a thousand bins are one thing to look at."""
    if not isinstance(value, dict) or not value:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    inner = indent + "  "
    lines = (f"{inner}{json.dumps(key, ensure_ascii=False)}: {_readable(one, inner)}" for key, one in value.items())
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
