"""Options that several verbs share, and how their values are read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from models.errors import ConfigError
from models.moments import parse_duration_ms
from runtime.logs import LogFormat, setup
from runtime.settings import Settings, load

DEFAULT_FILE: Final = Path("hindcast.yaml")
ROLES: Final = ("ingest", "alerts", "sinks")


def seconds(text: str) -> float:
    """``60s`` or ``500ms`` as seconds; wrong use if it is neither."""
    try:
        return parse_duration_ms(text) / 1000
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def names(text: str) -> tuple[str, ...]:
    """``a,b`` as a tuple, without empty parts."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def chosen_features(text: str | None) -> tuple[str, ...] | None:
    """``--features a,b`` as a tuple; None if it is not given. Raises ConfigError if it names none."""
    chosen = None if text is None else names(text)
    if chosen == ():
        raise ConfigError(["--features: name some, as a,b"])
    return chosen


def roles(text: str) -> tuple[str, ...]:
    """The roles of a worker; wrong use if one is unknown."""
    chosen = names(text)
    unknown = [role for role in chosen if role not in ROLES]
    if unknown or not chosen:
        raise typer.BadParameter(f"must be some of {', '.join(ROLES)}")
    if set(chosen) == {"sinks"}:
        raise typer.BadParameter("sinks has nothing to do in this version: name ingest or alerts, too")
    return chosen


ConfigOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--config", help="Configuration file [default: hindcast.yaml].", envvar="HINDCAST_CONFIG"),
]
LogOption: TypeAlias = Annotated[LogFormat, typer.Option("--log-format", help="How log lines look on standard error.")]
SeedOption: TypeAlias = Annotated[int, typer.Option(help="Seed of everything random.", min=0)]
ForOption: TypeAlias = Annotated[
    float | None,
    typer.Option("--for", parser=seconds, metavar="DURATION", help="How long, as 60s [default: until ^C]."),
]


def configured(
    config: Path | None, env: Mapping[str, str], log_format: LogFormat, *, baselines: bool = True
) -> Settings:
    """Set up logging and read the settings: of the named file, else of the default file if it is there.

    Without `baselines`, not the models' baseline files.
    """
    setup(log_format)
    return load(config_file(config), env, baselines=baselines)


def config_file(config: Path | None) -> Path | None:
    """The file to read; None if none was named and the default one is not there. Raises ConfigError."""
    if config is None:
        return DEFAULT_FILE if DEFAULT_FILE.exists() else None
    if not config.is_file():
        raise ConfigError([f"cannot read {config}: No such file"])
    return config
