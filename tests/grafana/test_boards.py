"""Dashboards as code: their files are up to date, fit Grafana's own types, and ask only for series that we have."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError

from dashboards.__main__ import FOLDERS, written
from telemetry.series import CATALOGUE
from tests.support.boards import BOARDS, exposed, expressions, filled, load, panels, selectors, variables

SCHEMA: Final[dict[str, Any]] = json.loads((Path(__file__).parent / "schema" / "schema.json").read_text("utf-8"))
"""From @grafana/schema by `make grafana-schema`."""
ALL = pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)


def wrong(found: object, definition: dict[str, Any]) -> list[str]:
    """What Grafana's types say against it."""
    validator = Draft7Validator(definition | {"definitions": SCHEMA["definitions"]})
    errors: list[ValidationError] = list(validator.iter_errors(found))
    return [f"{error.json_path}: {error.message[:300]}" for error in errors]


def wrong_panel(panel: dict[str, Any]) -> list[str]:
    """Against the frame that all panels have, and against what is its own kind's."""
    if panel["type"] == "row":
        return wrong(panel, {"$ref": "#/definitions/RowPanel"})
    custom = panel.get("fieldConfig", {}).get("defaults", {}).get("custom")
    own = {"options": panel["options"]} | ({} if custom is None else {"custom": custom})
    kind = SCHEMA["definitions"]["Panels"]["properties"][panel["type"]]
    return [*wrong(panel, {"$ref": "#/definitions/Panel"}), *wrong(own, kind)]


@pytest.mark.parametrize("folder", FOLDERS, ids=["dashboards", "chart"])
def test_files_are_what_the_code_writes(folder: Path) -> None:
    on_disk = {path.name: path.read_text("utf-8") for path in folder.glob("*.json")}
    assert on_disk.keys() == written().keys()
    assert [name for name, content in written().items() if on_disk[name] != content] == [], "run python -m dashboards"


def test_there_is_one_of_each() -> None:
    assert {path.stem for path in BOARDS} == {"overview", "model", "segments", "drift", "service", "pipeline"}
    assert len({load(path)["uid"] for path in BOARDS}) == len(BOARDS)


@ALL
def test_boards_fit_the_types_of_grafana(path: Path) -> None:
    board = load(path)
    # panel by panel first: it says what is wrong, where the whole only says that no kind of panel fits
    assert {panel["title"]: found for panel in board["panels"] if (found := wrong_panel(panel))} == {}
    assert wrong(board, {"$ref": "#/definitions/Dashboard"}) == []


def test_the_types_of_grafana_refuse_what_is_wrong() -> None:
    board = load(BOARDS[0])
    panel = panels(board)[0]
    panel["gridPos"]["w"] = "6"
    assert wrong_panel(panel) == ["$.gridPos.w: '6' is not of type 'number'"]
    assert wrong(board, {"$ref": "#/definitions/Dashboard"})
    panel["gridPos"]["w"] = 6
    panel["titel"] = panel.pop("title")
    panel["options"]["graphMood"] = "area"
    found = wrong_panel(panel)
    assert ["titel" in found[0], "graphMood" in found[1], len(found)] == [True, True, 2]


@ALL
def test_every_expression_asks_for_series_and_labels_that_we_have(path: Path) -> None:
    labels = {name: found for series in CATALOGUE.values() for name, found in exposed(series).items()}
    for where, expression in expressions(load(path)):
        asked = list(selectors(filled(expression)))
        assert asked, where
        assert [(name, by) for name, by in asked if name not in labels or not by <= labels[name]] == [], where


@ALL
def test_every_variable_is_one_of_the_board_and_is_used(path: Path) -> None:
    board = load(path)
    asked = set().union(*(variables(expression) for _, expression in expressions(board)))
    assert asked - {"__rate_interval"} == {variable["name"] for variable in board["templating"]["list"]} - {
        "datasource"
    }


@ALL
def test_nothing_stands_twice_and_nothing_overlaps(path: Path) -> None:
    board = load(path)
    ids = [panel["id"] for panel in board["panels"]]
    titles = [panel["title"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    assert len(set(titles)) == len(titles)
    for panel in panels(board):
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references), panel["title"]
        assert panel["description"], panel["title"]
    assert [(a["title"], b["title"]) for a, b in combinations(board["panels"], 2) if overlap(a, b)] == []
    assert [panel["title"] for panel in board["panels"] if panel["gridPos"]["x"] + panel["gridPos"]["w"] > 24] == []


def overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    a, b = one["gridPos"], other["gridPos"]
    beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
    return not beside and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]


@ALL
def test_all_of_it_asks_the_chosen_data_source(path: Path) -> None:
    board = load(path)
    asked = [*panels(board), *(target for panel in panels(board) for target in panel["targets"])]
    asked += [variable for variable in board["templating"]["list"] if variable["type"] == "query"]
    assert {(one["datasource"]["type"], one["datasource"]["uid"]) for one in asked} == {("prometheus", "${datasource}")}
    assert board["templating"]["list"][0]["name"] == "datasource"
