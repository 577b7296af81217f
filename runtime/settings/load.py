"""From a file to checked settings, or to the list of everything that is wrong with it."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from models.errors import ConfigError
from runtime.settings.checks import check
from runtime.settings.explain import explain
from runtime.settings.problem import KeyPath, Problem
from runtime.settings.root import Settings
from runtime.settings.secrets import literal_secrets, references, substitute

_OPAQUE: Final = ("sinks",)
_DROPS_MAX: Final = 4


def load(path: Path | None, env: Mapping[str, str], *, baselines: bool = True) -> Settings:
    """Read the file (None: defaults). Raises ConfigError with all problems, one line each.

    Without `baselines` the models' baseline files are not read: they may be what is to be made.
    """
    tree = {} if path is None else _read(path)
    return parse(tree if baselines else _without_baselines(tree), env)


def _without_baselines(tree: object) -> object:
    models = tree.get("models") if isinstance(tree, dict) else None
    if not isinstance(tree, dict) or not isinstance(models, dict):
        return tree
    kept = {
        name: {key: value for key, value in model.items() if key != "baseline"} if isinstance(model, dict) else model
        for name, model in models.items()
    }
    return tree | {"models": kept}


def parse(tree: object, env: Mapping[str, str]) -> Settings:
    """Check what a YAML parser made of the file. Raises ConfigError with all problems."""
    if not isinstance(tree, dict):
        raise ConfigError(["the configuration must be a mapping of keys to values"])
    problems = literal_secrets(tree)
    acted_on = {key: value for key, value in tree.items() if key not in _OPAQUE}
    filled, unset = substitute(acted_on, env)
    problems += unset
    whole = tree | filled if isinstance(filled, dict) else tree
    settings, found = _validate(whole, references(tree))
    problems += [p for p in found if p.path not in {q.path for q in problems}]
    if problems or settings is None:
        raise ConfigError([str(problem) for problem in problems])
    return settings


def _validate(tree: dict[Any, Any], unspoken: frozenset[KeyPath]) -> tuple[Settings | None, list[Problem]]:
    """Settings and problems. Faulty keys do not hide the checks across the others."""
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        problems = explain(error, Settings, unspoken)
    else:
        return settings, check(settings)
    bad, faulty = set[KeyPath](), problems
    for _ in range(_DROPS_MAX):
        bad |= _drop_all(tree, faulty)
        try:
            rest = check(Settings.model_validate(tree))
        except ValidationError as error:
            faulty = explain(error, Settings, unspoken)  # a key that was dropped is needed: what it stands in goes, too
        else:
            return None, problems + [p for p in rest if not _touches(p, bad)]
    return None, problems


def _drop_all(tree: dict[Any, Any], problems: list[Problem]) -> set[KeyPath]:
    dropped = set[KeyPath]()
    for problem in problems:
        if all(problem.path[: len(path)] != path for path in dropped):  # else it is gone with what it stood in
            dropped.add(_drop(tree, problem.path))
    return dropped


def _touches(problem: Problem, bad: set[KeyPath]) -> bool:
    keys = {problem.path, *problem.depends}
    return any(key[: len(path)] == path or path[: len(key)] == key for key in keys for path in bad)


def _drop(tree: dict[Any, Any], path: KeyPath) -> KeyPath:
    """Take the faulty value out and return its path: the whole list of a faulty item (the others would
    move), the whole mapping when a key is missing in it.
    """
    at: Any = tree
    for depth, part in enumerate(path):
        if not _holds(at, part):
            return _drop(tree, path[:depth])
        if isinstance(at, dict) and (depth == len(path) - 1 or not isinstance(at[part], dict | list)):
            at.pop(part)
            return path[: depth + 1]
        at = at[part]
    return _drop(tree, path[:-1]) if path else path


def _holds(at: object, part: str | int) -> bool:
    if isinstance(at, list):
        return isinstance(part, int) and part < len(at)
    return isinstance(at, dict) and part in at


class _Loader(yaml.SafeLoader):
    """YAML without two traps: a key that stands twice is an error, and a date stays the text it is."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(None, None, "a key must be text", key_node.start_mark)
            if key in seen and key_node.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _read(path: Path) -> object:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"cannot read {path}: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"cannot read {path}: not UTF-8 text"]) from None
    try:
        tree = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}, line {mark.line + 1}, column {mark.column + 1}" if mark else str(path)
        raise ConfigError([f"{where}: {error.problem or 'not YAML'}"]) from None
    except yaml.YAMLError:
        raise ConfigError([f"{path}: not YAML"]) from None
    return {} if tree is None else tree
