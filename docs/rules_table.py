"""Writes the tables of docs/alerting.md: `python -m docs.rules_table`. A test keeps them true to the rules."""

from __future__ import annotations

from collections.abc import Iterator

from alerting.explain import explain
from alerting.packs import PACKS
from alerting.packs.tiers import RUNBOOKS
from docs.markers import DOCS, markdown_table, write


def rows() -> Iterator[list[str]]:
    """Every rule of every pack."""
    for pack, rules in PACKS.items():
        for rule in rules:
            said = explain(rule).partition(": fires when ")[2].removesuffix(".")
            page = rule.runbook.removeprefix(RUNBOOKS)
            link = f"[{page.removesuffix('.md')}](runbooks/{page})"
            yield [f"`{pack}`", f"`{rule.name}`", rule.priority, rule.severity, rule.cause, said, link]


def table() -> str:
    """All of them in one table."""
    heads = ["Pack", "Rule", "Priority", "Severity", "Cause", "Fires when", "Runbook"]
    return markdown_table(heads, list(rows()))


def main() -> None:
    """Write the table."""
    write(DOCS / "alerting.md", "rules", table())


if __name__ == "__main__":
    main()
