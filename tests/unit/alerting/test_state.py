from __future__ import annotations

import pytest

from alerting.judge import Verdict
from alerting.state import INACTIVE, Incident, State, fold

LETTERS = {"U": Verdict.UNKNOWN, "F": Verdict.FINE, "H": Verdict.HOLDING, "B": Verdict.BREACHED}


@pytest.mark.parametrize(
    ("story", "for_ms", "keep_ms", "state", "closed"),
    [
        ("FFF", 0, 0, INACTIVE, []),
        ("FB", 0, 0, State(1, True), []),
        ("FBF", 0, 0, INACTIVE, [(1, 2)]),
        ("BBF", 2, 0, INACTIVE, []),
        ("BUB", 2, 0, State(0, True), []),
        ("BB", 2, 0, State(0), []),
        ("HH", 0, 0, INACTIVE, []),
        ("BHH", 0, 0, State(0, True), []),
        ("BH", 1, 0, INACTIVE, []),
        ("BFF", 0, 2, State(0, True, 1), []),
        ("BFFF", 0, 2, INACTIVE, [(0, 3)]),
        ("BFUUF", 0, 2, INACTIVE, [(0, 4)]),
        ("BFBFF", 0, 2, State(0, True, 3), []),
        ("BFHFF", 0, 2, State(0, True, 3), []),
        ("BFBFB", 0, 0, State(4, True), [(0, 1), (2, 3)]),
    ],
)
def test_the_state_after_a_story(
    story: str, for_ms: int, keep_ms: int, state: State, closed: list[tuple[int, int]]
) -> None:
    found = fold(INACTIVE, ((n, LETTERS[letter]) for n, letter in enumerate(story)), for_ms, keep_ms)
    assert found == (state, [Incident(*one) for one in closed])
