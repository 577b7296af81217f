"""Which rollbacks stand, whoever wrote them, in whichever order they are read."""

from itertools import permutations
from typing import Any

import orjson
import pytest
from confluent_kafka import Producer

from hindcast_client import DecisionWatcher, UsageError
from hindcast_client.decisions import Rollbacks
from models.decision import Decision, encode_decision
from runtime.embedded_broker import EmbeddedBroker
from tests.support.ports import free_ports
from tests.unit.client.support import until


def decision(one: str, state: Any, kind: Any = "rollback", version: str = "v2", at_ms: int = 0) -> bytes:  # noqa: ANN401  # literals
    return encode_decision(
        Decision(
            decision_id=one,
            state=state,
            kind=kind,
            cause="auc",
            model="fraud",
            model_version=version,
            decided_at_ms=at_ms,
        )
    )


def held(*records: bytes | None, version: str = "v2") -> bool:
    rollbacks = Rollbacks("fraud")
    for record in records:
        rollbacks.add(record)
    return rollbacks.hold(version)


def test_a_rollback_stands_once_it_is_approved_or_done() -> None:
    assert [held(decision("1", state)) for state in ("proposed", "approved", "done", "rejected", "failed")] == [
        False,
        True,
        True,
        False,
        False,
    ]
    assert not held(decision("1", "approved"), version="v1")


def test_a_decision_that_failed_afterwards_does_not_stand_and_a_new_proposal_changes_nothing() -> None:
    assert not held(decision("1", "approved"), decision("1", "failed"))
    assert held(decision("1", "done"), decision("2", "proposed"))
    assert held(decision("1", "done"), decision("2", "approved"), decision("2", "rejected"))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_later_promotion_lifts_it_in_any_order(order: tuple[int, ...]) -> None:
    records = [
        decision("1", "done", at_ms=1_000),
        decision("2", "done", "promote", at_ms=1_500),  # in the same second
        decision("3", "done", "promote", version="v3", at_ms=9_000),
    ]
    assert not held(*(records[place] for place in order))
    assert held(*(records[place] for place in order), decision("4", "approved", at_ms=2_000))


def test_records_of_other_kinds_models_and_tombstones_change_nothing() -> None:
    other = orjson.loads(decision("1", "done")) | {"model": "churn"}
    assert not held(decision("1", "done", "retrain"), orjson.dumps(other), None)


@pytest.mark.parametrize(
    "wrong",
    [b"{", b"[]", b'{"schema": "x"}', b'{"schema": "hindcast.decision/1", "model": "fraud", "kind": "rollback"}'],
)
def test_what_is_no_decision_is_refused(wrong: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        held(wrong)


def test_the_watcher_reads_what_stands_there_and_what_comes() -> None:
    with EmbeddedBroker() as broker:
        broker.create_topic("hindcast-decisions", 3)
        producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0})

        def write(partition: int, value: bytes) -> None:
            producer.produce("hindcast-decisions", value, b"k", partition)
            producer.flush(10)

        write(2, decision("1", "done", version="v1"))
        write(2, b"not json")
        with DecisionWatcher(broker.bootstrap, "fraud") as watcher:
            assert watcher.await_caught_up(10)
            assert (watcher.rolled_back("v1"), watcher.rolled_back("v2")) == (True, False)
            write(0, decision("2", "approved"))
            until(lambda: watcher.rolled_back("v2"))
        assert watcher.rolled_back("v2")


def test_without_a_broker_nothing_is_rolled_back_and_nobody_waits() -> None:
    with DecisionWatcher(f"127.0.0.1:{free_ports(1)[0]}", "fraud") as watcher:
        assert not watcher.rolled_back("v1")
        assert not watcher.await_caught_up(0.01)


def test_wrong_settings_are_one_line() -> None:
    with pytest.raises(UsageError, match=r'^kafka: No such configuration property: "x"$'):
        DecisionWatcher("b:9092", "fraud", config={"x": 1})
