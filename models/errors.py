"""The error tree of Hindcast.

HindcastError
├── ConfigError    wrong use or configuration; exit code 2, all problems at once
├── WorldError     broker, file or partition layout; exit code 1, one readable line
│   └── RegistryError  the schema registry gives no answer; to be asked again
└── DecodeError    one record that can never be processed; becomes a dead letter
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable


class HindcastError(Exception):
    """Everything that Hindcast raises on purpose."""


class ConfigError(HindcastError):
    """Wrong use or configuration: every problem found, one line each as `key.path: what`."""

    exit_code = 2

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems: list[str] = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class WorldError(HindcastError):
    """The world is wrong (broker, file, partition layout); the text is one readable line."""

    exit_code = 1


class RegistryError(WorldError):
    """The schema registry gives no answer, or none that can be used: what needs a schema has to wait.

    refused: it is there and will not speak with us, so waiting alone will hardly help.
    """

    def __init__(self, text: str, *, refused: bool = False) -> None:
        super().__init__(text)
        self.refused = refused


class DecodeError(HindcastError):
    """A record that can never be processed: a code for machines, a message without payload."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[type[DecodeError], tuple[str, str]]:
        """Keep both parts through pickle and copy."""
        return type(self), (self.code, self.message)


def told(error: Exception) -> str:
    """An exception in one line for the log, without what a record says.

    What the world has to say is repeated (ours, the system's, Kafka's, and RocksDB's, which are of no class of their
    own). The message of any other may quote a value, as a KeyError does: of it, kind and place have to do.
    """
    if isinstance(error, HindcastError | OSError | RuntimeError) or type(error) is Exception:
        return repr(error)
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at {frames[-1].filename}:{frames[-1].lineno}" if frames else type(error).__name__
