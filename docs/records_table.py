"""Writes the tables of docs/records.md and docs/operations.md that the code knows: `python -m docs.records_table`."""

from __future__ import annotations

from docs.markers import DOCS, markdown_table, write
from models.dead_letter import CODES
from models.mapping import NAMES, RESOURCES
from models.topics import DAY_MS, catalogue

READ = {
    "predictions": (
        "id",
        "model",
        "version",
        "event_time",
        "score",
        "prediction",
        "scores",
        "features",
        "embedding",
        "latency_ms",
        "status",
        "error_type",
        *RESOURCES,
        "value",
    ),
    "labels": ("id", "actual", "label_time"),
}


def codes() -> str:
    """Codes of dead letters and what they mean."""
    return markdown_table(
        ["Code", "Meaning"], [[f"`{code}`", f"{text[0].upper()}{text[1:]}."] for code, text in CODES.items()]
    )


def names() -> str:
    """Under which names a meaning is looked for."""
    rows = [
        [kind, f"`{meaning}`", ", ".join(f"`{name}`" for name in NAMES[kind][meaning])]
        for kind in ("predictions", "labels")
        for meaning in READ[kind]
    ]
    return markdown_table(["Record", "Meaning", "Read from the first of"], rows)


def topics() -> str:
    """Our topics as they are created with the defaults."""
    rows = []
    for topic in catalogue("hindcast-", 8, 0).values():
        kept = "for ever" if topic.retention_ms < 0 else f"{topic.retention_ms // DAY_MS} d"
        key = topic.key.replace("|", "\\|")
        rows.append([f"`{topic.name}`", topic.record, key, str(topic.partitions), topic.cleanup, kept])
    return markdown_table(["Topic", "Record", "Key", "Partitions", "Cleanup", "Kept"], rows)


def main() -> None:
    """Write all tables."""
    write(DOCS / "records.md", "codes", codes())
    write(DOCS / "records.md", "names", names())
    write(DOCS / "operations.md", "topics", topics())


if __name__ == "__main__":
    main()
