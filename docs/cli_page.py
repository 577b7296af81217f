"""Writes docs/cli.md from the command line itself: `python -m docs.cli_page`. A test keeps the two equal."""

from __future__ import annotations

from collections.abc import Iterator

import typer
from typer.core import TyperCommand, TyperGroup

from docs.markers import DOCS, markdown_table
from runtime.cli import app

PAGE = DOCS / "cli.md"
INTRODUCTION = """\
# Command line

Made from the command line itself (`python -m docs.cli_page`), and a test keeps it equal. `hindcast VERB --help` says
the same. Exit codes: 0 fine, 1 the world is wrong (broker, partition layout, a file that cannot be read), 2 wrong use
or configuration (also a file that is not there). Problems are told one a line, all at once, on standard error.
"""
EVERYWHERE = {
    "--config": "Every verb takes `--config FILE`, else `HINDCAST_CONFIG` names the file, else it is `hindcast.yaml`.",
    "--log-format": "Every verb takes `--log-format console` or `json`: how log lines look on standard error.",
    "--help": "",
}


def verbs(command: object, path: str = "hindcast") -> Iterator[tuple[str, TyperCommand]]:
    """Every verb with all its words, in the order in which `--help` shows them."""
    if isinstance(command, TyperGroup):
        for name, one in command.commands.items():
            yield from verbs(one, f"{path} {name}")
    elif isinstance(command, TyperCommand):
        yield path, command


def written() -> str:
    """The whole page."""
    everything = typer.main.get_command(app)
    found = dict(verbs(everything))
    parts = [INTRODUCTION, " ".join(text for text in EVERYWHERE.values() if text)]
    rows = [[f"[`{path}`](#{path.replace(' ', '-')})", _prose(one.help)] for path, one in found.items()]
    rows += [[f"`hindcast {_cell(name)}`", _cell(text)] for name, text in _options(everything, "hindcast")]
    parts.append(markdown_table(["Verb", "What it does"], rows))
    parts += [_section(path, one) for path, one in found.items()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _section(path: str, command: TyperCommand) -> str:
    usage = " ".join([path, *command.collect_usage_pieces(typer.Context(command, info_name=path))])
    shown = _options(command, path)
    parts = [f"## {path}", _prose(command.help), f"```text\n{usage}\n```"]
    if shown:
        parts.append(markdown_table(["Option", "Meaning"], [[f"`{_cell(name)}`", _cell(text)] for name, text in shown]))
    return "\n\n".join(parts)


def _options(command: object, path: str) -> list[tuple[str, str]]:
    """How they are written and what they mean, those that every verb takes left out."""
    assert isinstance(command, (TyperGroup, TyperCommand))
    context = typer.Context(command, info_name=path)
    records = (param.get_help_record(context) for param in command.get_params(context))
    return [record for record in records if record is not None and record[0].split()[0] not in EVERYWHERE]


def _prose(text: str | None) -> str:
    return " ".join((text or "").split())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<int range>", "INTEGER")


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
