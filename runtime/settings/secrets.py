"""Environment references, and secrets that must not stand in the file as text."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from runtime.settings.problem import KeyPath, Problem

_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET_KEYS: Final = frozenset(
    {
        "password", "secret", "client_secret", "token", "key", "api_key", "routing_key", "webhook_url",
        "integration_key",
    }
)  # fmt: skip
_URL_WITH_PASSWORD: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@", re.IGNORECASE)


def is_secret_key(name: object) -> bool:
    """Whether a value under this key is a secret by its name."""
    return name in _SECRET_KEYS


def leaves(tree: object, at: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    """Every scalar of a parsed file with its key path."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves(value, (*at, key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from leaves(value, (*at, index))
    else:
        yield at, tree


def literal_secrets(tree: object) -> list[Problem]:
    """One problem for each secret written into the file as text, in every section."""
    return [
        Problem(path, "a secret may not stand in the file, write ${ENV_VAR} or use …_file")
        for path, value in leaves(tree)
        if path and value is not None and _is_literal_secret(path, value)
    ]


def _is_literal_secret(path: KeyPath, value: object) -> bool:
    key = path[-2] if isinstance(path[-1], int) and len(path) > 1 else path[-1]
    if is_secret_key(key) or (key == "urls" and "apprise" in path):  # tokens stand in the URLs of Apprise
        return not (isinstance(value, str) and _REFERENCE.fullmatch(value))
    return isinstance(value, str) and _URL_WITH_PASSWORD.search(value) is not None


def substitute(tree: object, env: Mapping[str, str], at: KeyPath = ()) -> tuple[object, list[Problem]]:
    """The tree with every ``${NAME}`` replaced; a problem for each variable that is not set."""
    if isinstance(tree, dict):
        pairs = {key: substitute(value, env, (*at, key)) for key, value in tree.items()}
        return {key: new for key, (new, _) in pairs.items()}, [p for _, found in pairs.values() for p in found]
    if isinstance(tree, list):
        items = [substitute(value, env, (*at, index)) for index, value in enumerate(tree)]
        return [new for new, _ in items], [p for _, found in items for p in found]
    if isinstance(tree, str):
        return _substitute_text(tree, env, at)
    return tree, []


def _substitute_text(text: str, env: Mapping[str, str], at: KeyPath) -> tuple[str, list[Problem]]:
    names = dict.fromkeys(_REFERENCE.findall(text))
    problems = [Problem(at, f"the environment variable {name} is not set") for name in names if not env.get(name)]
    return _REFERENCE.sub(lambda match: env.get(match[1], ""), text), problems


def references(tree: object) -> frozenset[KeyPath]:
    """Key paths of the values that come from the environment: they are never echoed."""
    return frozenset(path for path, value in leaves(tree) if isinstance(value, str) and _REFERENCE.search(value))


def read_secret(path: str) -> str:
    """The first line's worth of a secret file, without its line end; ValueError in readable words."""
    try:
        text = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"cannot read {path}: not UTF-8 text") from None
    if not text:
        raise ValueError(f"{path} is empty")
    return text


def unreadable(at: KeyPath, path: str) -> Iterator[Problem]:
    """The problem of a secret file that gives nothing, if it is one."""
    try:
        read_secret(path)
    except ValueError as error:
        yield Problem(at, str(error))
