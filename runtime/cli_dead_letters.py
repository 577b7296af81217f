"""The verbs ``hindcast dead-letters list`` and ``hindcast dead-letters replay``."""

import os
from typing import Annotated, TypeAlias

import typer

from runtime.cli_options import ConfigOption, LogOption, configured

app = typer.Typer(help="Records that could not be processed.", no_args_is_help=True)

CodeOption: TypeAlias = Annotated[str | None, typer.Option(help="Only records with one of these codes, as a,b.")]
SinceOption: TypeAlias = Annotated[
    str | None, typer.Option(help="Only records dead-lettered since: a duration ago (1h) or a time (ISO 8601).")
]
LimitOption: TypeAlias = Annotated[int | None, typer.Option(help="At most so many records.", min=1)]


@app.command("list")
def list_dead_letters(
    *,
    code: CodeOption = None,
    since: SinceOption = None,
    limit: LimitOption = 100,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines instead of a table.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Show the records' bytes, too.")] = False,
    config: ConfigOption = None,
    log_format: LogOption = "console",
) -> int:
    """What was dead-lettered, why, and where it came from."""
    settings = configured(config, os.environ, log_format)
    from runtime.clock import now_ms
    from runtime.dead_letters import list_letters
    from runtime.letter import selection

    return list_letters(settings, selection(code, since, limit, now_ms()), as_json=as_json, show=show)


@app.command("replay")
def replay_dead_letters(
    *,
    code: CodeOption = None,
    since: SinceOption = None,
    limit: LimitOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    config: ConfigOption = None,
    log_format: LogOption = "console",
) -> int:
    """Send dead-lettered records back to the topics they came from, as they were."""
    settings = configured(config, os.environ, log_format)
    from runtime.clock import now_ms
    from runtime.dead_letters import replay
    from runtime.letter import selection

    return replay(settings, selection(code, since, limit, now_ms()), yes=yes)
