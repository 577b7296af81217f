"""The verb ``hindcast skew``."""

import os
from pathlib import Path
from typing import Annotated

import typer

from runtime.cli_options import ConfigOption, LogOption, chosen_features, configured

app = typer.Typer()


@app.command()
def skew(
    *,
    model: Annotated[str | None, typer.Option(help="The configured model [default: the only one].")] = None,
    topic: Annotated[
        str | None, typer.Option(help="Topic with an id and features a record, from the store or training pipeline.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="The same as a file instead: CSV, Parquet or JSON lines.")] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="File of what was served [default: the model's predictions topic].")
    ] = None,
    since: Annotated[
        str, typer.Option(help="Since when topics are read: a duration ago (1d) or a time (ISO 8601).")
    ] = "1d",
    features: Annotated[
        str | None, typer.Option(help="Features to compare, as a,b [default: all that are found].")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(help="Numbers match that differ by no more than this share of the greater one.")
    ] = 1e-6,
    fail_over: Annotated[
        float | None, typer.Option(help="Exit with 1 if more than this share of a feature's values mismatch.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write the findings to, as JSON.")] = None,
    config: ConfigOption = None,
    log_format: LogOption = "console",
) -> int:
    """Compare features as they were served with what training has for the same ids."""
    chosen = chosen_features(features)
    settings = configured(config, os.environ, log_format, baselines=False)
    from runtime.clock import now_ms
    from runtime.moments import moment_ms
    from runtime.skew import Asked, run

    now = now_ms()
    since_ms = moment_ms("--since", since, now)
    asked = Asked(model, topic, file, predictions, since_ms, tolerance, chosen, fail_over)
    return run(settings, asked, out, now)
