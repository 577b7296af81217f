from __future__ import annotations

import pytest

from alerting.evaluator import Evaluator, Options
from alerting.rule import Condition, Rule
from models.metric_record import iso_ms
from tests.unit.alerting.rule_records import MINUTE, T0, Desk, now, record, rule, said

TRAFFIC = rule("no-traffic", "total", "absent_for", 300.0, priority="P1", cause="traffic")
LABELS = rule("no-labels", "labelled", "absent_for", 300.0, cause="labels")


def test_a_model_never_seen_is_not_missed() -> None:
    desk = Desk([TRAFFIC])
    assert desk.tick(now(0)) == []
    assert desk.tick(now(1000)) == []


def test_no_traffic_fires_once_and_is_over_with_the_next_record() -> None:
    desk = Desk([TRAFFIC])
    desk.take(record(1), record(2))
    assert desk.tick(now(6.9)) == []
    (fired,) = desk.tick(now(7))
    assert desk.tick(now(20)) == []
    assert (fired.status, fired.model_version, fired.starts_at_ms) == ("firing", "", T0 + 2 * MINUTE)
    assert fired.value is None
    assert fired.summary == "no predictions since 10:02Z (for more than 5m)"
    (over,) = desk.take(record(25))
    assert (over.incident, over.status, over.ends_at_ms) == (fired.incident, "resolved", T0 + 25 * MINUTE)
    assert over.summary == "predictions again in the window to 10:25Z"


def test_a_revision_of_an_old_window_or_an_empty_one_is_no_traffic() -> None:
    desk = Desk([TRAFFIC])
    desk.take(record(1), record(2))
    desk.take(record(1, revision=2), record(7, None, total=0, labelled=0), at=now(7))
    assert said(desk.tick(now(7))) == ["firing"]


def test_any_version_is_traffic() -> None:
    desk = Desk([TRAFFIC])
    desk.take(record(1), record(6, version="v2"))
    assert desk.tick(now(10)) == []


def test_final_records_are_no_news_of_labels() -> None:
    """They come long after, one a window, while the feed stands still."""
    desk = Desk([LABELS])
    desk.take(record(1))
    for minute in range(2, 7):
        desk.take(record(minute, None, labelled=0), record(minute - 1, final=True, revision=9), at=now(minute))
    (fired,) = desk.tick(now(6))
    assert fired.summary.startswith("no labels since ")


def test_labels_of_an_old_window_are_labels() -> None:
    desk = Desk([LABELS])
    desk.take(record(1), record(9, None, labelled=0))
    assert said(desk.tick(now(20))) == ["firing"]
    late = record(1, revision=2) | {"emitted_at": iso_ms(now(21))}
    assert said(desk.take(late, at=now(21))) == ["resolved"]
    assert said(desk.tick(now(30))) == ["firing"]
    assert len({event.incident for event in desk.told}) == 2


def test_a_copy_does_not_end_it() -> None:
    desk = Desk([LABELS])
    desk.take(record(1))
    desk.tick(now(20))
    assert desk.take(record(1), at=now(21)) == []


def test_a_metric_that_stays_undefined_is_missed() -> None:
    desk = Desk([rule("no-auc", "auc", "absent_for", 300.0)])
    desk.take(record(1, metrics={"auc": 0.0}))
    desk.take(*(record(minute, metrics={"auc": None}) for minute in range(2, 8)))
    (fired,) = desk.tick(now(7))
    assert fired.summary.startswith("auc undefined since ")


def test_time_in_which_nobody_listened_does_not_count() -> None:
    desk = Desk([TRAFFIC])
    desk.take(record(1))
    desk.restart()
    assert desk.tick(now(1000)) == []
    desk.take(record(999), at=now(1001))
    assert desk.tick(now(1004)) == []
    assert said(desk.tick(now(1006))) == ["firing"]


def test_it_goes_on_over_a_restart_and_is_told_once() -> None:
    desk = Desk([TRAFFIC])
    desk.take(record(1))
    desk.tick(now(10))
    desk.restart()
    assert desk.tick(now(20)) == []
    assert desk.tick(now(40)) == []
    assert len(desk.evaluator.firing()) == 1
    assert said(desk.take(record(41))) == ["resolved"]


def test_windows_longer_than_the_patience_are_waited_for() -> None:
    desk = Desk([TRAFFIC], Options(window_ms={"fraud": 60 * MINUTE}))
    desk.take(record(60, length_ms=60 * MINUTE, span="1h"))
    assert desk.tick(now(179)) == []
    assert said(desk.tick(now(181))) == ["firing"]


def test_it_proposes_its_decision_once() -> None:
    desk = Desk([rule("dead", "total", "absent_for", 300.0, decision="rollback")])
    desk.take(record(1))
    desk.evaluator.tick(now(10))
    desk.evaluator.tick(now(11))
    assert [d.kind for d in desk.evaluator.decisions()] == ["rollback"]


def test_a_rule_taken_out_is_over() -> None:
    desk = Desk([TRAFFIC])
    desk.take(record(1))
    desk.tick(now(10))
    desk.restart([])
    assert said(desk.commit()) == ["resolved"]
    assert desk.rows == {}


def test_absence_does_not_mix_with_conditions_on_a_record() -> None:
    mixed = Rule("mixed", (Condition("total", "absent_for", (300.0,)), Condition("auc", "below", (0.5,))))
    with pytest.raises(ValueError, match="mixed: absent_for stands alone"):
        Evaluator([mixed], Options(), {})
