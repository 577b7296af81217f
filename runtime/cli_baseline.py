"""The verbs ``hindcast baseline build`` and ``learn``."""

import os
from pathlib import Path
from typing import Annotated

import typer

from runtime.cli_options import ConfigOption, LogOption, chosen_features, configured

app = typer.Typer(help="What is usual for a model.", no_args_is_help=True)


@app.command()
def build(
    file: Annotated[Path, typer.Argument(help="Training data or logged predictions: CSV, Parquet or JSON lines.")],
    *,
    model: Annotated[str | None, typer.Option(help="The configured model [default: the only one].")] = None,
    out: Annotated[Path | None, typer.Option(help="The file to write [default: baselines/MODEL.json].")] = None,
    features: Annotated[
        str | None, typer.Option(help="Columns to take as features, as a,b [default: all without another meaning].")
    ] = None,
    config: ConfigOption = None,
    log_format: LogOption = "console",
) -> int:
    """Write a model's baseline file: features, scores, predictions and performance of a file's rows."""
    chosen = chosen_features(features)
    # The configured baseline may be what is to be made.
    settings = configured(config, os.environ, log_format, baselines=False)
    from models.metric_record import iso_ms
    from runtime.baseline_build import run
    from runtime.clock import now_ms

    return run(settings, file, model, out, chosen, iso_ms(now_ms()))


@app.command()
def learn(
    *,
    model: Annotated[str | None, typer.Option(help="The configured model [default: the only one].")] = None,
    since: Annotated[str, typer.Option(help="Since when: a duration ago (7d) or a time (ISO 8601).")] = "7d",
    until: Annotated[
        str | None, typer.Option(help="Until when, for predictions; labels are read until now [default: now].")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The file to write [default: baselines/MODEL.json].")] = None,
    features: Annotated[
        str | None, typer.Option(help="Fields to take as features, as a,b [default: all of the object of features].")
    ] = None,
    follow_labels: Annotated[
        bool, typer.Option("--follow-labels", help="Wait until no label can come for the last predictions any more.")
    ] = False,
    config: ConfigOption = None,
    log_format: LogOption = "console",
) -> int:
    """Write a model's baseline file of what its topics hold: predictions of a good period, and their labels."""
    chosen = chosen_features(features)
    settings = configured(config, os.environ, log_format, baselines=False)
    from runtime.baseline_learn import Learn, run
    from runtime.clock import now_ms
    from runtime.moments import moment_ms

    now = now_ms()
    since_ms = moment_ms("--since", since, now)
    until_ms = None if until is None else moment_ms("--until", until, now)
    return run(settings, model, Learn(since_ms, until_ms, chosen, follow_labels), out)
