"""What a reader copies out of a page works: configuration, commands, links."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml

from docs.cli_page import PAGE, verbs, written
from runtime.alert_plan import alert_plan
from runtime.cli import app, main
from runtime.settings import load
from tests.support.pages import ROOT, Block, anchors, blocks, links, tracked_pages

PAGES = tracked_pages()
SETTINGS_FILES = {"", "hindcast.yaml"}
"""A YAML block with another title is another program's."""
VALUES = {"BROKER": "localhost:9092", "SLACK_WEBHOOK": "https://hooks.example.com/services/x"}
"""What the environment variables on the pages may hold."""
WITHOUT_A_VERB = typer.main.get_command(app)
VERBS = dict(verbs(WITHOUT_A_VERB))


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _settings() -> Iterator[tuple[str, str]]:
    for path in PAGES:
        for block in blocks(path.read_text(encoding="utf-8")):
            if block.language == "yaml" and block.title in SETTINGS_FILES:
                yield f"{_named(path)}:{block.line}", block.text


@pytest.mark.parametrize(("where", "text"), list(_settings()), ids=lambda value: str(value).partition("\n")[0])
def test_every_configuration_on_a_page_is_one_that_a_worker_takes(where: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "hindcast.yaml"
    for name in re.findall(r"/secrets/([\w.-]+)", text):
        (tmp_path / name).write_text("0123456789abcdef" * 2)
    file.write_text(text.replace("/secrets/", f"{tmp_path}/"), encoding="utf-8")
    settings = load(file, {name: VALUES[name] for name in re.findall(r"\$\{(\w+)\}", text)}, baselines=False)
    rules = (yaml.safe_load(text).get("alerts") or {}).get("rules", [])
    own = {rule["name"] for rule in rules if not rule.get("disabled")}
    assert own <= {rule.name for rule in alert_plan(settings).rules}, where


@pytest.mark.parametrize("page", ["own-topics", "multiclass", "regression"])
def test_the_records_of_a_guide_meet_under_its_configuration(
    page: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = list(blocks((ROOT / f"docs/how-to/{page}.md").read_text(encoding="utf-8")))
    (tmp_path / "h.yaml").write_text(next(block.text for block in shown if block.language == "yaml"))
    prediction, label = next(block.text for block in shown if block.language == "json").splitlines()
    (tmp_path / "p.jsonl").write_text(prediction)
    (tmp_path / "l.jsonl").write_text(label)
    files = ["--predictions", str(tmp_path / "p.jsonl"), "--labels", str(tmp_path / "l.jsonl")]
    assert main(["evaluate", "--config", str(tmp_path / "h.yaml"), *files]) == 0
    fates = {"predictions": {"joined": 1}, "labels": {"joined": 1}, "dead_letters": {}}
    assert json.loads(capsys.readouterr().err.splitlines()[-1]) == fates


def test_the_pages_have_configurations_of_every_kind() -> None:
    text = "\n".join(text for _, text in _settings())
    assert [
        word for word in ("task: multiclass", "task: regression", "segments:", "receivers:") if word not in text
    ] == []


def _typed() -> Iterator[tuple[str, str]]:
    """Commands in blocks for a shell; of a `console` block the lines with a prompt."""
    for path in PAGES:
        for block in blocks(path.read_text(encoding="utf-8")):
            for line in _lines(block):
                if line.startswith("hindcast "):
                    yield f"{_named(path)}:{block.line}", line


def _lines(block: Block) -> Iterator[str]:
    text = block.text.replace("\\\n", " ")
    if block.language == "console":
        yield from (line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ "))
    elif block.language in {"", "sh"}:
        yield from text.splitlines()


@pytest.mark.parametrize(("where", "line"), sorted(set(_typed())))
def test_every_command_in_a_block_is_one_that_hindcast_takes(where: str, line: str) -> None:
    words = shlex.split(re.split(r"\s[<>&|]|\s2>", line)[0], comments=True)
    verb = _verb(words)
    assert verb is not None, where
    VERBS[verb].make_context(verb, words[len(verb.split()) :])  # raises what would be printed


def _verb(words: list[str]) -> str | None:
    return next((verb for verb in VERBS if words[: len(verb.split())] == verb.split()), None)


def test_every_verb_and_option_that_a_sentence_names_exists() -> None:
    unknown = []
    for path in PAGES:
        prose = re.sub(r"^ *```.*?^ *```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        for said in re.findall(r"`hindcast ((?!VERB)[^`]+)`", prose):
            words = ["hindcast", *said.replace("[", " ").replace("]", " ").split()]
            verb = _verb(words) or ("" if words[1].startswith("--") else None)
            options = {word.split("=")[0] for word in words if word.startswith("--")} - {"--help"}
            known = {name for param in (VERBS.get(verb or "") or WITHOUT_A_VERB).params for name in param.opts}
            if verb is None or options - known:
                unknown.append(f"{_named(path)}: hindcast {said}")
    assert unknown == []


def test_the_page_of_the_command_line_says_what_the_command_line_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == written(), "run python -m docs.cli_page"


@pytest.mark.parametrize("path", PAGES, ids=_named)
def test_every_link_on_a_page_leads_somewhere(path: Path) -> None:
    dead = []
    for link in links(path.read_text(encoding="utf-8")):
        target, _, anchor = link.partition("#")
        file = (path.parent / target) if target else path
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            dead.append(link)
    assert dead == []


def test_the_glossary_is_in_the_order_of_the_alphabet() -> None:
    words = re.findall(r"^\| (.+?) \|", (ROOT / "docs/glossary.md").read_text(encoding="utf-8"), re.MULTILINE)[1:]
    assert words == sorted(words, key=str.casefold)


def test_every_runbook_is_in_the_list_of_runbooks() -> None:
    folder = ROOT / "docs/runbooks"
    listed = set(links((folder / "index.md").read_text(encoding="utf-8")))
    assert {page.name for page in folder.glob("*.md")} - {"index.md"} <= listed
