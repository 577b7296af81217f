"""What is usual for a model: from its baseline file, else learned from its first final windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from alerting.computed import BASELINES_OF, Lookup, Record
from alerting.journal import Journal
from alerting.judge import RELATIVE
from alerting.keys import join, split
from alerting.paths import Path, compile_path, weight
from alerting.rule import Rule

PREFIX: Final = "baseline|"


class Learned(msgspec.Struct, array_like=True):
    """A weighted mean over final windows; ``counted`` names them until there are enough."""

    weight: float = 0.0
    total: float = 0.0
    windows: int = 0
    counted: list[str] = []


class Shown(NamedTuple):
    """A learned baseline; ``value`` is used once ``windows`` are enough."""

    model: str
    segment: str
    path: str
    value: float
    windows: int


_decode = msgspec.msgpack.Decoder(Learned).decode


class Baselines:
    """Over all versions of a model, for the whole and each segment that is judged; a file's word goes first."""

    def __init__(
        self,
        rules: Sequence[Rule],
        files: Mapping[str, Mapping[str, float]],
        windows: int,
        rows: Mapping[str, bytes],
        journal: Journal,
    ) -> None:
        self._rules = [(rule, wanted) for rule in rules if (wanted := _wanted(rule))]
        self._files = files
        self._windows = windows
        self._journal = journal
        self._learned = {split(key): _decode(row) for key, row in rows.items() if key.startswith(PREFIX)}
        self._readers: dict[tuple[str, bool], list[Path]] = {}

    def of(self, model: str, segment: str) -> Lookup:
        """The usual value of a path; a file holds the whole model's only."""
        file = {} if segment else self._files.get(model, {})
        return lambda path: file[path] if path in file else self._mean(model, segment, path)

    def _mean(self, model: str, segment: str, path: str) -> float | None:
        learned = self._learned.get(("baseline", model, segment, path))
        return None if learned is None or learned.windows < self._windows else learned.total / learned.weight

    def learn(self, record: Record, model: str, segment: str) -> None:
        """Count one final window of the model's own length; a copy of one that is counted adds nothing."""
        name = f"{record.get('model_version')}|{record.get('window_end')}"
        for one in self._paths(model, segment):
            for path, value, _ in one.read(record, _no_baseline):
                if value is not None:
                    self._count(("baseline", model, segment, path), value, weight(record, path), name)

    def learns(self, model: str, segment: str) -> bool:
        """Whether there is anything to learn from the windows of that model and segment."""
        return bool(self._paths(model, segment))

    def _paths(self, model: str, segment: str) -> list[Path]:
        readers = self._readers.get((model, bool(segment)))
        if readers is None:
            readers = self._readers[model, bool(segment)] = self._compile(model, whole=not segment)
        return readers

    def _count(self, key: tuple[str, ...], value: float, worth: int, name: str) -> None:
        learned = self._learned.get(key) or Learned()
        if worth <= 0 or learned.windows >= self._windows or name in learned.counted:
            return
        learned.weight += worth
        learned.total += worth * value
        learned.windows += 1
        learned.counted = [*learned.counted, name] if learned.windows < self._windows else []
        self._learned[key] = learned
        self._journal.put(join(*key), learned)

    def forget(self, model: str, segment: str) -> None:
        """A segment that sends nothing any more."""
        for key in [key for key in self._learned if key[1:3] == (model, segment)]:
            del self._learned[key]
            self._journal.drop(join(*key))

    def _compile(self, model: str, *, whole: bool) -> list[Path]:
        file = self._files.get(model, {}) if whole else {}
        rules = [wanted for rule, wanted in self._rules if rule.is_for(model) and (whole or rule.segments == "all")]
        paths = sorted({path for wanted in rules for path in wanted if path not in file})
        return [compile_path(path) for path in paths]

    def shown(self) -> list[Shown]:
        """What has been learned so far."""
        return [
            Shown(model, segment, path, one.total / one.weight, one.windows)
            for (_, model, segment, path), one in sorted(self._learned.items())
        ]


def _wanted(rule: Rule) -> set[str]:
    relative = {c.metric for c in rule.conditions if c.kind in RELATIVE}
    return relative.union(*(BASELINES_OF.get(c.metric, ()) for c in rule.conditions))


def _no_baseline(_: str) -> None:
    return None
