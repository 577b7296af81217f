"""The verb ``hindcast topics create``."""

import typer

from runtime.settings import Settings
from runtime.world import create_missing, inspect


def run(settings: Settings) -> int:
    """Create what is missing, say what was done and what else is wrong with our topics; 0, or 1 with errors."""
    found = inspect(settings, will_create=True)
    made = create_missing(settings, found)
    for name in made:
        typer.echo(f"created {name}")
    if not made:
        typer.echo("all of Hindcast's topics exist already")
    for problem in found.problems:
        typer.echo(f"hindcast: {problem}", err=True)
    return 1 if found.errors else 0
