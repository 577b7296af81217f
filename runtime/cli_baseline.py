"""The verb ``hindcast baseline build``."""

import os
from pathlib import Path
from typing import Annotated

import typer

from models.errors import ConfigError
from runtime.cli_options import ConfigOption, LogOption, configured, names

app = typer.Typer(help="What is usual for a model.", no_args_is_help=True)


@app.callback()
def baseline() -> None:
    """What is usual for a model."""  # keeps the verb's name in the command, although it is the only one


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
    chosen = None if features is None else names(features)
    if chosen == ():
        raise ConfigError(["--features: name some, as a,b"])
    # The configured baseline may be what is to be made.
    settings = configured(config, os.environ, log_format, baselines=False)
    from models.metric_record import iso_ms
    from runtime.baseline_build import run
    from runtime.clock import now_ms

    return run(settings, file, model, out, chosen, iso_ms(now_ms()))
