"""Columns of decoded records: from a specialised decoder's structs or from single rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import cast

import numpy as np
from msgspec import Struct, UnsetType
from numpy.typing import NDArray

from models import carried, outcome_columns
from models import outcome as outcomes
from models.batch import Kind
from models.carried import Carried, ScoresCarrier
from models.class_scores import ClassScores
from models.combo import Combo, unite
from models.errors import DecodeError
from models.judge import ID_BYTES_MAX, Leaf, cut
from models.observed import Observed, Observer, Value
from models.outcome import Outcomes, Task
from models.profile import FIRST_OUTCOME, Models, Profile, Row, text
from models.specialise import Getter, Specialised
from models.timestamps import Time, in_range, parse_ms


@dataclass(slots=True)
class Columns:
    """Good records; `positions` [n] are their places in the chunk, the others as in a Batch."""

    positions: NDArray[np.int64]
    ids: list[bytes]
    time_ms: NDArray[np.int64]
    score: NDArray[np.float64]
    outcome: Outcomes
    combos: list[Combo]
    combo_index: NDArray[np.int32]
    observed: Observed | None = None
    classes: list[str] = field(default_factory=list)
    carried: NDArray[np.void] | None = None
    class_scores: ClassScores | None = None

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> Columns:
        """The records that a mask or an array of indexes names; combos and classes stay as they are."""
        at = np.arange(len(self.ids))[index]
        ids = self.ids
        return Columns(
            self.positions[at], [ids[i] for i in at.tolist()], self.time_ms[at],
            self.score[at] if self.score.size else self.score, self.outcome[at],
            self.combos, self.combo_index[at] if self.combo_index.size else self.combo_index,
            self.observed and self.observed.take(at),
            self.classes,
            None if self.carried is None else self.carried[at],
            self.class_scores and self.class_scores.take(at, len(ids)),
        )  # fmt: skip


def in_order(parts: Sequence[Columns]) -> Columns:
    """All parts as one, sorted by position in the chunk."""
    if len(parts) == 1:
        return parts[0]
    combos, combo_index = unite([(part.combos, part.combo_index) for part in parts])
    classes, outcome = outcomes.unite([(part.classes, part.outcome) for part in parts])
    together = Columns(
        np.concatenate([part.positions for part in parts]),
        [one for part in parts for one in part.ids],
        np.concatenate([part.time_ms for part in parts]),
        np.concatenate([part.score for part in parts]),
        outcome,
        combos,
        combo_index,
        Observed.concat([part.observed or Observed(len(part.ids)) for part in parts])
        if any(part.observed for part in parts)
        else None,
        classes,
        carried.unite([(len(part.ids), part.carried) for part in parts]),
        ClassScores.concat([(len(part.ids), part.class_scores, part.classes) for part in parts], classes)
        if any(part.class_scores for part in parts)
        else None,
    )
    return together.take(np.argsort(together.positions, kind="stable"))


def from_rows(
    kind: Kind, task: Task, positions: Sequence[int], rows: Sequence[Row], profiles: Sequence[Profile] = ()
) -> Columns:
    """Columns of rows that were judged one by one, each by its profile; labels need none."""
    number: defaultdict[Combo, int] = defaultdict(count().__next__)
    scored = rows if kind == "predictions" else ()
    column = outcome_columns.listed(task, [row.outcome for row in rows])
    return Columns(
        np.array(positions, dtype=np.int64),
        [row.id for row in rows],
        np.array([row.time_ms for row in rows], dtype=np.int64),
        np.array([row.score for row in scored], dtype=np.float64),
        column.outcome,
        list(number) if kind == "labels" else _numbered(number, scored),
        np.array([number[row.combo] for row in scored], dtype=np.int32),
        _observed_rows(rows, [profile.observer for profile in profiles]) if profiles else None,
        column.classes,
        carried.packed_rows([profile.carrier for profile in profiles], [row.carried for row in rows]),
        ClassScores.of([row.carried for row in rows], column.classes)
        if any(isinstance(profile.carrier, ScoresCarrier) for profile in profiles)
        else None,
    )


def _observed_rows(rows: Sequence[Row], observers: Sequence[Observer | None]) -> Observed | None:
    """What was seen of rows besides, each packed by its own model's observer."""
    found = Observed(len(rows))
    alike: defaultdict[tuple[Observer, tuple[int, ...]], list[int]] = defaultdict(list)
    for at, (row, observer) in enumerate(zip(rows, observers, strict=True)):
        places = tuple(place for place, _ in row.found)
        if observer is not None and max(places, default=-1) >= 0:
            alike[observer, places].append(at)
    for (observer, places), positions in alike.items():
        columns = list(zip(*([value for _, value in rows[at].found] for at in positions), strict=True))
        packed = observer.pack(columns, places)
        values = found.packed.setdefault(observer.name, np.zeros(len(rows), packed.values.dtype))
        values[positions] = packed.values
        found.errors |= {positions[i]: error for i, error in packed.errors.items()}
    return found if found.packed else None


def _numbered(number: defaultdict[Combo, int], rows: Sequence[Row]) -> list[Combo]:
    for row in rows:
        number[row.combo]
    return list(number)


def from_structs(
    decoder: Specialised,
    structs: Sequence[Struct],
    positions: NDArray[np.int64],
    kafka_ms: Callable[[], Sequence[int]],
    models: Models,
    now_ms: int,
    future_ms: int,
) -> tuple[Columns, NDArray[np.bool_]]:
    """Columns, and which of them stand; the others are to be judged one by one.

    `kafka_ms` gives the Kafka timestamps of these records, for labels without a time.
    """
    profile = decoder.shape.profile
    get_id, get_time, *others = decoder.getters
    assert get_id is not None
    ids = _ids(_column(get_id, structs))
    time_ms = parse_ms(kafka_ms() if get_time is None else cast("list[Time]", _column(get_time, structs)))
    stands = in_range(time_ms, now_ms, future_ms)
    if max(map(len, ids)) > ID_BYTES_MAX:
        stands &= np.fromiter(map(len, ids), dtype=np.int64, count=len(ids)) <= ID_BYTES_MAX
    if profile.kind == "labels":
        (get_actual,) = others
        assert get_actual is not None
        actual = outcome_columns.actuals(profile.reading, _column(get_actual, structs))
        no_score, no_combo = np.empty(0, dtype=np.float64), np.empty(0, dtype=np.int32)
        columns = Columns(positions, ids, time_ms, no_score, actual.outcome, [], no_combo, classes=actual.classes)
        return columns, stands if actual.fits is None else stands & actual.fits
    after, watched = profile.after_outcome - FIRST_OUTCOME, profile.watched_from - FIRST_OUTCOME
    score, column = outcome_columns.predictions(profile.reading, others[:after], structs)
    if column.fits is not None:
        stands &= column.fits
    combos, combo_index, known = _combos(profile, models, others[after:watched], structs)
    columns = Columns(
        positions, ids, time_ms, score, column.outcome, combos, combo_index, _observed(decoder, structs), column.classes
    )
    _carry(columns, decoder, structs)
    return columns, stands & known


def _observed(decoder: Specialised, structs: Sequence[Struct]) -> Observed | None:
    profile = decoder.shape.profile
    wanted, observer = slice(profile.watched_from, profile.carried_from), profile.observer
    if observer is None or not any(decoder.attributes[wanted]):
        return None
    columns = cast("list[list[Value]]", list(decoder.columns(structs, wanted)))
    packed = observer.pack(columns, [place.at for place in decoder.shape.places[wanted]])
    return Observed(len(structs), {observer.name: packed.values}, packed.errors)


def _carry(columns: Columns, decoder: Specialised, structs: Sequence[Struct]) -> None:
    """Add what these records carry; scores bring the names of their classes with them."""
    carrier = decoder.shape.profile.carrier
    if carrier is None:
        return
    (values,) = cast("list[list[Carried]]", list(decoder.columns(structs, slice(-1, None))))
    if isinstance(carrier, ScoresCarrier):
        columns.class_scores = ClassScores.of(values, columns.classes)
    else:
        columns.carried = carrier.pack(values)


def _column(getter: Getter, structs: Sequence[Struct]) -> list[Leaf | UnsetType]:
    return list(map(getter, structs))


def _ids(values: Sequence[Leaf | UnsetType]) -> list[bytes]:
    strings = cast("Iterable[str]", values) if isinstance(values[0], str) else map(str, values)
    return list(map(str.encode, strings))


def _combos(
    profile: Profile, models: Models, getters: Sequence[Getter | None], structs: Sequence[Struct]
) -> tuple[list[Combo], NDArray[np.int32], NDArray[np.bool_]]:
    """Distinct combos, each record's index into them, and where the model is of this profile."""
    number: defaultdict[Hashable, int] = defaultdict(count().__next__)
    seen = [getter for getter in getters if getter is not None]
    size = len(structs)
    if len(seen) == 1:
        raw = np.fromiter(map(number.__getitem__, map(seen[0], structs)), np.int32, size)
        distinct = [(value,) for value in number]
    else:
        columns = [_column(getter, structs) for getter in seen] or [[None] * size]
        raw = np.fromiter(map(number.__getitem__, zip(*columns, strict=True)), np.int32, size)
        distinct = cast("list[tuple[Hashable]]", list(number))
    rendered = [_combo(profile, models, getters, values) for values in distinct]
    known = np.array([combo is not None for combo in rendered])[raw]
    unique: defaultdict[Combo, int] = defaultdict(count().__next__)
    table = np.array([unique[combo or ()] for combo in rendered], dtype=np.int32)
    return list(unique), table[raw], known


def _combo(
    profile: Profile, models: Models, getters: Sequence[Getter | None], values: tuple[Hashable, ...]
) -> Combo | None:
    """The combo of raw values, one for each getter there is; None if the model is another one's."""
    left = iter(cast("tuple[Leaf | UnsetType, ...]", values))
    model, *texts = (None if getter is None else next(left) for getter in getters)
    try:
        chosen, name = models.resolve(cast("Leaf", model))
    except DecodeError:
        return None
    if chosen is not profile:
        return None
    return (cut(name), *("" if isinstance(value, UnsetType) else text(value) for value in texts))
