"""What a comparison found, as JSON and as a table; of the records themselves nothing but keyed hashes of ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from metrics.skew import FeatureSkew
from models.id_hash import IdHash
from runtime.letter import plain
from runtime.skew_match import HELD_BYTES_MAX, Match, Side
from runtime.skew_sources import Source

SCHEMA: Final = "hindcast.skew/1"
_SHOWN_CHARS: Final = 12
_WIDTH_WITHOUT_TERMINAL: Final = 160


class Feature(msgspec.Struct, frozen=True):
    """One feature. examples: hashes of some ids that do not match, in hexadecimal; empty without a key."""

    compared: int
    mismatches: int
    mismatch_share: float | None
    missing_at_serving: int
    missing_in_reference: int
    numbers: int
    mean_absolute_difference: float | None
    max_absolute_difference: float | None
    examples: list[str]


class SideReport(msgspec.Struct, frozen=True):
    """One side. only_here: ids without a counterpart."""

    source: str
    records: int
    bad: int
    other_models: int
    duplicates: int
    only_here: int


class Report(msgspec.Struct, frozen=True):
    """The whole comparison. share_of_ids: below 1 where memory sufficed for a sample of the ids only."""

    schema: str
    model: str
    created_at: str
    tolerance: float
    compared: int
    share_of_ids: float
    serving: SideReport
    reference: SideReport
    features: dict[str, Feature]


def report(model: str, created_at: str, match: Match, sources: tuple[Source, Source], hashed: IdHash | None) -> Report:
    """The findings, the worst feature first."""
    features = sorted(match.skew.features.items(), key=lambda item: (-(item[1].mismatch_share or 0.0), item[0]))
    return Report(
        schema=SCHEMA,
        model=model,
        created_at=created_at,
        tolerance=match.skew.tolerance,
        compared=match.skew.records,
        share_of_ids=match.share,
        serving=_side(match.serving, sources[0]),
        reference=_side(match.reference, sources[1]),
        features={name: _feature(feature, hashed) for name, feature in features},
    )


def as_json(found: Report) -> str:
    """Indented, for files."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"


def show(found: Report) -> None:
    """Print the table and what is to be said of the two sides."""
    terminal = Console()
    console = terminal if terminal.is_terminal else Console(width=_WIDTH_WITHOUT_TERMINAL)
    console.print(_table(found))
    for line in _lines(found):
        console.print(Text(plain(line)), soft_wrap=True)


def _feature(found: FeatureSkew, hashed: IdHash | None) -> Feature:
    examples = [] if hashed is None else [one.hex() for one in hashed(found.examples)]
    return Feature(
        compared=found.compared,
        mismatches=found.mismatches,
        mismatch_share=found.mismatch_share,
        missing_at_serving=found.missing_at_serving,
        missing_in_reference=found.missing_in_reference,
        numbers=found.numbers,
        mean_absolute_difference=found.mean_absolute_difference,
        max_absolute_difference=found.absolute_max,
        examples=examples,
    )


def _side(side: Side, source: Source) -> SideReport:
    reader = source.reader
    return SideReport(source.name, reader.read, reader.bad, reader.others, side.duplicates, side.alone)


def _table(found: Report) -> Table:
    table = Table("feature", box=None)
    with_examples = any(feature.examples for feature in found.features.values())
    for title in ("compared", "mismatches", "share", "not served", "not in ref.", "mean |diff|", "max |diff|"):
        table.add_column(title, justify="right")
    if with_examples:
        table.add_column("an id's hash")
    for name, feature in found.features.items():
        cells = [
            name,
            f"{feature.compared:,}",
            f"{feature.mismatches:,}",
            "-" if feature.mismatch_share is None else f"{feature.mismatch_share:.4%}",
            f"{feature.missing_at_serving:,}",
            f"{feature.missing_in_reference:,}",
            _number(feature.mean_absolute_difference),
            _number(feature.max_absolute_difference),
            *([one[:_SHOWN_CHARS] for one in feature.examples[:1]] if with_examples else []),
        ]
        table.add_row(*(Text(plain(cell)) for cell in cells))
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _lines(found: Report) -> Iterator[str]:
    yield f"{found.compared:,} ids compared, numbers within {found.tolerance:g} of each other are the same"
    for side, here in ((found.serving, "served"), (found.reference, "reference")):
        told = [f"{side.records:,} records", f"{side.only_here:,} ids only here"]
        told += [f"{count:,} {what}" for count, what in (
            (side.duplicates, "of an id that had come before"), (side.other_models, "of other models"),
            (side.bad, "without an id or unreadable"),
        ) if count]  # fmt: skip
        yield f"{here} {side.source}: {', '.join(told)}"
    if found.share_of_ids < 1:
        held = HELD_BYTES_MAX >> 20
        yield f"both sides are larger than {held} MiB, so all this is of a sample: {found.share_of_ids:.3g} of the ids"
