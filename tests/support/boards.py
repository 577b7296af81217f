"""Our Grafana dashboards as a reader of their JSON sees them: panels, and PromQL with every variable replaced."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import promql_parser

from telemetry.series import Series

BOARDS: Final = sorted((Path(__file__).parents[2] / "dashboards").glob("*.json"))
VALUES: Final[Mapping[str, str]] = {
    "model": "fraud", "version": ".*", "segment": "^$", "span": "60s", "__rate_interval": "5m",
}  # fmt: skip
_VARIABLE: Final = re.compile(r"\$\{?(\w+)\}?")
_LABEL_VALUES: Final = re.compile(r"label_values\((?P<series>.*), (?P<label>\w+)\)")


def load(path: Path) -> dict[str, Any]:
    """A dashboard as it is written."""
    board: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return board


def panels(board: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Its panels, rows apart."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions(board: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(where, PromQL as it stands) of every panel's targets and of every variable that asks for label values."""
    for panel in panels(board):
        for target in panel["targets"]:
            yield f"{board['title']}: {panel['title']} {target['refId']}", target["expr"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            asked = _LABEL_VALUES.fullmatch(variable["query"])
            assert asked is not None, variable["query"]
            yield f"{board['title']}: ${variable['name']}", f"count by ({asked['label']}) ({asked['series']})"


def filled(expression: str, values: Mapping[str, str] = VALUES) -> str:
    """The expression as Grafana would send it. Raises KeyError for a variable without a value."""
    return _VARIABLE.sub(lambda found: values[found[1]], expression)


def exposed(series: Series) -> dict[str, set[str]]:
    """Name on /metrics -> its labels."""
    if series.kind != "histogram":
        return {series.name: {*series.labels}}
    more = {f"{series.name}_{part}": {*series.labels} for part in ("sum", "count")}
    return more | {f"{series.name}_bucket": {*series.labels, "le"}}


def variables(expression: str) -> set[str]:
    """The variables of the board that stand in it."""
    return set(_VARIABLE.findall(expression))


def selectors(expression: str) -> Iterator[tuple[str, frozenset[str]]]:
    """(series, labels that it is chosen by) of each selector in it. Raises ValueError if it is no PromQL."""
    return _selectors(promql_parser.parse(expression))


def _selectors(node: Any) -> Iterator[tuple[str, frozenset[str]]]:  # noqa: ANN401  # the parser's nodes share no base
    match node:
        case promql_parser.VectorSelector():
            yield str(node.name), frozenset(matcher.name for matcher in node.matchers.matchers)
        case promql_parser.MatrixSelector():
            yield from _selectors(node.vector_selector)
        case promql_parser.Call():
            for argument in node.args:
                yield from _selectors(argument)
        case promql_parser.BinaryExpr():
            yield from _selectors(node.lhs)
            yield from _selectors(node.rhs)
        case promql_parser.NumberLiteral() | promql_parser.StringLiteral():
            pass
        case _:
            yield from _selectors(node.expr)
