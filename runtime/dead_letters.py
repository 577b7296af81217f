"""The verbs ``hindcast dead-letters list`` and ``replay``.

Replaying does not take a letter out of its topic. A record that is replayed twice counts as a duplicate.
"""

import base64
import json
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import closing

import typer
from confluent_kafka import Message
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from models.errors import ConfigError
from models.letter import Letter
from runtime.dead_letter_topic import LetterReader, sender, topic_of
from runtime.letter import Selection, plain, time_text
from runtime.settings import Settings
from runtime.source_records import SourceRecords

_WIDTH_WITHOUT_TERMINAL = 160


def list_letters(settings: Settings, wanted: Selection, *, as_json: bool, show: bool) -> int:
    """Print the newest letters that are wanted, oldest first; their bytes only when asked to."""
    newest: deque[tuple[Letter, bytes]] = deque(maxlen=wanted.limit)
    codes: Counter[str] = Counter()
    with closing(LetterReader(settings)) as reader:
        for letter, message in reader.letters(wanted.since_ms):
            if wanted.wants(letter):
                codes[letter.code] += 1
                newest.append((letter, (message.value() or b"") if show else b""))
    rows = sorted(newest, key=lambda row: (row[0].at_ms, row[0].partition, row[0].offset))
    if as_json:
        for letter, value in rows:
            typer.echo(json.dumps(_as_json(letter, value, show=show), ensure_ascii=False))
        return 0
    _print_table(rows, show=show)
    told = ", ".join(f"{code or '?'} {count}" for code, count in codes.most_common())
    typer.echo(f"{len(rows)} of {codes.total()} dead letters{f' ({told})' if told else ''}")
    return 0


def _as_json(letter: Letter, value: bytes, *, show: bool) -> dict[str, object]:
    line: dict[str, object] = {
        "code": letter.code,
        "message": letter.message,
        "source": {
            "topic": letter.source_topic,
            "partition": letter.source_partition,
            "offset": letter.source_offset,
            "time": time_text(letter.source_ms) or None,
        },
        "model": letter.model or None,
        "at": time_text(letter.at_ms),
        "size_bytes": letter.size_bytes,
        "redacted": letter.redacted,
    }
    return line | {"value_base64": base64.b64encode(value).decode()} if show else line


def _print_table(rows: list[tuple[Letter, bytes]], *, show: bool) -> None:
    # Cells are Text: what stands in records may look like rich's markup, or steer a terminal.
    table = Table("code", "source", "time", "bytes", "model", "why", *(["value"] if show else []), box=None)
    for letter, value in rows:
        cells = [
            letter.code,
            f"{letter.source_topic}/{letter.source_partition}@{letter.source_offset}",
            time_text(letter.at_ms),
            str(letter.size_bytes),
            letter.model,
            letter.message,
            *([value.decode("utf-8", "backslashreplace")] if show else []),
        ]
        table.add_row(*(Text(plain(cell), overflow="fold") for cell in cells))
    terminal = Console()
    (terminal if terminal.is_terminal else Console(width=_WIDTH_WITHOUT_TERMINAL)).print(table)


def replay(settings: Settings, wanted: Selection, *, yes: bool) -> int:
    """Send the wanted letters back to where they came from; 0 if all of them were acknowledged."""
    with closing(LetterReader(settings)) as reader:
        chosen = list(_choose(reader, wanted))
        able = [letter for letter in chosen if _can_return(letter)]
        for line in _plan(chosen, able, settings):
            typer.echo(line, err=True)
        if not able:
            return 0
        _confirm(len(able), yes=yes)
        return _send(settings, reader, wanted, {(letter.partition, letter.offset) for letter in able})


def _choose(reader: LetterReader, wanted: Selection) -> Iterator[Letter]:
    count = 0
    for letter, _ in reader.letters(wanted.since_ms):
        if wanted.limit is not None and count >= wanted.limit:
            return
        if wanted.wants(letter):
            count += 1
            yield letter


def _can_return(letter: Letter) -> bool:
    # Of a record that was too large only a description was kept: sending that would be another record.
    return bool(letter.source_topic) and (letter.redacted or letter.code != "too_large")


def _plan(chosen: list[Letter], able: list[Letter], settings: Settings) -> Iterator[str]:
    if not chosen:
        yield f"no such dead letters in {topic_of(settings)}"
    for (topic, code), count in sorted(Counter((letter.source_topic, letter.code) for letter in able).items()):
        yield f"{count} of {code} back to {topic}"
    if len(chosen) > len(able):
        yield f"{len(chosen) - len(able)} cannot go back: their bytes or their source were not kept"


def _confirm(count: int, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError(["dead-letters replay: nobody is there to answer, use --yes"])
    typer.confirm(f"Send {count} records?", abort=True, err=True)


def _chosen(reader: LetterReader, wanted: Selection, places: set[tuple[int, int]]) -> Iterator[tuple[Letter, Message]]:
    left = len(places)
    for letter, message in reader.letters(wanted.since_ms):
        if (letter.partition, letter.offset) in places:
            yield letter, message
            left -= 1
        if not left:
            return


def _originals(settings: Settings, letters: Iterable[tuple[Letter, Message]]) -> Iterator[tuple[Letter, Message]]:
    """The records as they were; those of redacted letters come last, from the source topic."""
    redacted = []
    for letter, message in letters:
        if letter.redacted:
            redacted.append(letter)
        else:
            yield letter, message
    if redacted:
        with closing(SourceRecords(settings)) as source:
            yield from source.of(redacted)


def _send(settings: Settings, reader: LetterReader, wanted: Selection, places: set[tuple[int, int]]) -> int:
    with Progress(console=Console(stderr=True)) as progress:
        found, task = 0, progress.add_task("replaying", total=len(places))
        out = sender(settings, lambda: progress.advance(task))
        for letter, message in _originals(settings, _chosen(reader, wanted, places)):
            out.send(letter, message)
            found += 1
        out.finish()
    if found < len(places):
        gone = len(places) - found
        typer.echo(f"hindcast: {gone} redacted letters: their records are not on the source topic any more", err=True)
    for fault in out.faults:
        typer.echo(f"hindcast: {plain(fault)}", err=True)
    typer.echo(f"replayed {out.sent} of {len(places)} records", err=True)
    return 0 if out.sent == len(places) else 1
