"""The verbs ``hindcast alerts list``, ``silence``, ``test`` and ``send-test``."""

import os
from typing import Annotated

import typer

from models.errors import ConfigError
from runtime.cli_options import ConfigOption, LogOption, configured, seconds

app = typer.Typer(help="What fires, and who is told of it.", no_args_is_help=True)


@app.command("list")
def list_alerts(
    *,
    every: Annotated[bool, typer.Option("--all", help="What is resolved, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines instead of a table.")] = False,
    config: ConfigOption = None,
    log_format: LogOption = "console",
) -> int:
    """What fires now."""
    settings = configured(config, os.environ, log_format)
    from runtime.alerts_list import list_alerts as run

    return run(settings, every=every, as_json=as_json)


@app.command()
def silence(
    *,
    match: Annotated[list[str] | None, typer.Option(metavar="LABEL=VALUE", help="Alerts with these labels.")] = None,
    for_seconds: Annotated[
        float | None, typer.Option("--for", parser=seconds, metavar="DURATION", help="How long, as 2h.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; it is shown with the silence.")] = "",
    end: Annotated[str | None, typer.Option(metavar="ID", help="End this silence instead.")] = None,
    list_them: Annotated[bool, typer.Option("--list", help="Show the silences that last instead.")] = False,
    config: ConfigOption = None,
    log_format: LogOption = "console",
) -> int:
    """Tell nobody of some alerts for a while, beginning now; prints the silence's id."""
    settings = configured(config, os.environ, log_format)
    from runtime import alerts_silences as silences
    from runtime.clock import now_ms

    if end is not None:
        return silences.end(settings, end, now_ms())
    if list_them:
        return silences.list_silences(settings, now_ms())
    found = silences.matchers(match or [])
    if for_seconds is None or for_seconds <= 0:
        raise ConfigError(["--for: is needed, as 2h"])
    return silences.add(settings, found, round(for_seconds * 1000), reason, now_ms())


@app.command("test")
def replay(
    rule: Annotated[str, typer.Argument(help="Name of a rule.")],
    *,
    since: Annotated[str, typer.Option("--from", help="Since when: a duration ago (2h) or a time (ISO 8601).")] = "2h",
    config: ConfigOption = None,
    log_format: LogOption = "console",
) -> int:
    """When the rule would have fired, by the metric records that are stored."""
    settings = configured(config, os.environ, log_format)
    from runtime.alerts_replay import replay_rule
    from runtime.clock import now_ms
    from runtime.moments import moment_ms

    now = now_ms()
    return replay_rule(settings, rule, moment_ms("--from", since, now), now)


@app.command("send-test")
def send_test(
    receiver: Annotated[str, typer.Argument(help="Name of a receiver.")],
    *,
    config: ConfigOption = None,
    log_format: LogOption = "console",
) -> int:
    """Post a test message through each channel of a receiver."""
    settings = configured(config, os.environ, log_format)
    from runtime.alerts_channels import send_test as run

    return run(settings, receiver)
