"""Partials reach the owner of their slice, and marks come behind all they vouch for."""

from agents.emit import MESSAGE_BYTES_MAX, messages, owner
from models.partial import Mark, Partial, decode_partials
from tables.emitter import Emission


def partial(version: str, segment: str, size: int = 10) -> Partial:
    return Partial("fraud", version, segment, 0, [(0, 1)], bytes(size))


MARKS = [Mark("fraud", 0, 5, 0, idle=False)]


def test_one_owner_sees_all_versions_of_a_slice() -> None:
    emission = Emission([partial("v1", "country=DE"), partial("v2", "country=DE")], MARKS)
    holders = [number for number, value in messages(emission, 8) if decode_partials(value).partials]
    assert holders == [owner("fraud", "country=DE", 8)]


def test_every_owner_hears_the_marks_even_without_partials() -> None:
    sent = messages(Emission([], MARKS), 4)
    assert [number for number, _ in sent] == [0, 1, 2, 3]
    assert all(decode_partials(value).marks == MARKS for _, value in sent)


def test_large_rounds_are_several_messages_and_the_marks_are_in_the_last() -> None:
    parts = [partial(f"v{i}", "", MESSAGE_BYTES_MAX // 2) for i in range(5)]
    sent = [decode_partials(v) for n, v in messages(Emission(parts, MARKS), 1) if n == 0]
    assert [p.model_version for m in sent for p in m.partials] == [f"v{i}" for i in range(5)]
    assert len(sent) == 3
    assert [bool(m.marks) for m in sent] == [False, False, True]
