"""The repo checks itself: import arrows, file sizes, what is never used, what is never written down."""

import ast
import importlib.util
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINES_MAX = 400

# What each of our packages may import besides itself. `tables` and `alerting` never meet: the metrics topic joins
# them. A package that does not exist yet is ready to be held to its line.
MAY_IMPORT = {
    "models": set[str](),
    "metrics": {"models"},
    "tables": {"metrics", "models"},
    "alerting": {"models"},
    "transport": {"models"},
    "telemetry": {"models"},
    "web": {"models", "telemetry"},
    # It reads topics, so it knows records and nothing of what makes them.
    "dashboard": {"models"},
    "agents": {"tables", "alerting", "transport", "telemetry", "metrics", "models"},
    "runtime": {"agents", "tables", "alerting", "transport", "telemetry", "web", "dashboard", "metrics", "models"},
}
# What is installed for itself, in other people's processes, or only writes files, knows none of it, and none of it
# knows that.
APART = {"client/hindcast_client": "hindcast_client", "examples": "examples", "dashboards": "dashboards"}
# Glue between our tables and the transport, which may know both.
EXCEPTIONS = {("tables", "transport")}

# Written apart, so that this file does not find itself.
_HOSTS = ["pypi" + r"\.org", "python" + "hosted", r"repo1?\.maven", "registry" + r"\.npmjs", "proxy" + r"\.golang"]
_HOSTS += ["crates" + r"\.io", r"(?<!no-emit)-index-" + "url"]
_PATHS = [r"(?<![\w.$}/])/(?:wor" + r"k|ro" + r"ot|home/\w+)/"]
HOST_OR_PATH = re.compile("|".join(_HOSTS + _PATHS))


def _sources(package: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        yield path.relative_to(ROOT), ast.parse(path.read_text(), str(path))


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""


def _tracked_or_new() -> list[Path]:
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [path for name in names if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_follow_the_arrows(package: str) -> None:
    allowed = MAY_IMPORT[package] | {package} | {to for source, to in EXCEPTIONS if source == package}
    forbidden = (set(MAY_IMPORT) | {"tests", "benchmarks"}) - allowed
    against = [
        f"{path}:{line} imports {name}"
        for path, tree in _sources(package)
        for line, name in _imports(tree)
        if name.partition(".")[0] in forbidden
    ]
    assert against == []


@pytest.mark.parametrize("folder", APART)
def test_what_is_installed_apart_shares_nothing_with_the_service(folder: str) -> None:
    service = set(MAY_IMPORT) | {"tests", "benchmarks"}
    inward = [(path, line, name) for path, tree in _sources(folder) for line, name in _imports(tree)]
    outward = [
        (path, line, name) for one in MAY_IMPORT for path, tree in _sources(one) for line, name in _imports(tree)
    ]
    assert [found for found in inward if found[2].partition(".")[0] in service] == []
    assert [found for found in outward if found[2].partition(".")[0] == APART[folder]] == []


def test_the_arrows_name_every_package_that_is_installed() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    included = settings["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {name for name in included if not name.endswith(".*")} == set(MAY_IMPORT)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_every_folder_with_code_is_a_package(package: str) -> None:
    folders = {path.parent for path in (ROOT / package).rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


@pytest.mark.parametrize("package", [*MAY_IMPORT, *APART])
def test_no_file_grows_past_its_limit(package: str) -> None:
    lengths = {path: len((ROOT / path).read_text().splitlines()) for path, _ in _sources(package)}
    assert {path: length for path, length in lengths.items() if length > LINES_MAX} == {}


@pytest.mark.parametrize("package", [*MAY_IMPORT, *APART])
def test_what_loses_or_endangers_data_is_not_used(package: str) -> None:
    found = [f"{path}:{line} {what}" for path, tree in _sources(package) for line, what in _dangers(tree)]
    assert found == []


def test_the_dangers_are_recognised() -> None:
    tree = ast.parse(
        "import pickle\n"
        "async for chunk in stream.take(9, within=1): pass\n"
        "table = app.Table('t').tumbling(60)\n"
        "app.conf.update(processing_guarantee='exactly_once')\n"
        "topic = app.topic('t', value_serializer='pickle')\n"
    )
    assert [line for line, _ in _dangers(tree)] == [1, 2, 3, 4, 5]


def _dangers(tree: ast.Module) -> list[tuple[int, str]]:
    return sorted({danger for node in ast.walk(tree) for danger in _danger(node)})


def _danger(node: ast.AST) -> Iterator[tuple[int, str]]:
    match node:
        case ast.Attribute(attr="take_events" | "noack_take", lineno=line):
            yield line, "take* acknowledges on error, close and cancel"
        # numpy's take(index) goes without keywords; Faust's always has its time limit
        case ast.Call(func=ast.Attribute(attr="take"), keywords=words, lineno=line) if any(
            word.arg == "within" for word in words
        ):
            yield line, "take acknowledges on error, close and cancel"
        case ast.Attribute(attr="tumbling" | "hopping", lineno=line):
            yield line, "Faust's windowed tables expire by wall clock and forget at restart"
        case ast.keyword(arg="processing_guarantee", value=ast.Constant(value="exactly_once"), lineno=line):
            yield line, "Faust's transactions count some records twice after a kill"
        case ast.Constant(value="pickle" | "raw|pickle", lineno=line):
            yield line, "pickle runs code that comes from a topic"
        case ast.Import(names=names, lineno=line) if any(name.name in {"pickle", "cloudpickle"} for name in names):
            yield line, "pickle runs code that comes from a topic"
        case ast.ImportFrom(module="pickle" | "cloudpickle", lineno=line):
            yield line, "pickle runs code that comes from a topic"


def test_no_registry_and_no_path_of_one_machine_is_written_down() -> None:
    found = []
    for path in _tracked_or_new():
        try:
            text = path.read_text()
        except UnicodeDecodeError:  # a picture
            continue
        lines = enumerate(text.splitlines(), 1)
        found += [f"{path.relative_to(ROOT)}:{number}" for number, line in lines if HOST_OR_PATH.search(line)]
    assert found == []


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_our_package_names_resolve_to_this_checkout(package: str) -> None:
    # `agents`, for one, is also the import name of somebody else's distribution
    if not (ROOT / package / "__init__.py").exists():
        return
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).resolve() == (ROOT / package / "__init__.py").resolve()
