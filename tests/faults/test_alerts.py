"""F6, F63, F66, F69, F70: alerting that is killed, paused and refused tells each receiver once, and never not at all.

A kill between sent and recorded may give one more copy, under the same key.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.alert_event import AlertEvent
from models.silence import Silence
from runtime.clock import now_ms
from tests.support.alert_samples import alert
from tests.support.alert_scene import AlertScene
from tests.support.http_fakes import Answer
from tests.support.kafka_cluster import KafkaCluster
from tests.support.receivers import Receivers, wait_until
from tests.support.scene import SESSION_SECONDS
from tests.support.worker_process import WorkerProcess

QUIET_SECONDS = 2.0
"""So long nothing more may come."""
STEPS = {
    "judged, no block sent": "agents.rules:Judging._judge:after:1",
    "the rules' block sent, not acknowledged": "agents.rules:acknowledge:before:1",
    "the alert is on its topic, not marked as sent": "alerting.evaluator:Evaluator.sent:before:1",
    "marked as sent, no block sent": "alerting.evaluator:Evaluator.sent:after:1",
    "the alert is taken, no block sent": "alerting.notifier:Notifier.take_alert:after:1",
    "the notifier's block sent, not acknowledged": "agents.notify:acknowledge:before:1",
    "about to tell the first receiver": "agents.deliveries:Deliveries._attempt:before:1",
    "the first receiver told, not recorded": "agents.deliveries:Deliveries._send:after:1",
    "the last receiver told, not recorded": "agents.deliveries:Deliveries._send:after:3",
    "recorded, no block sent": "alerting.notifier:Notifier.outcome:after:1",
    "recorded, the block sent": "agents.deliveries:Deliveries._attempt:after:1",
}


@pytest.fixture
def scene(cluster: KafkaCluster, tmp_path: Path, told: Receivers) -> Iterator[AlertScene]:
    with AlertScene(cluster.bootstrap, tmp_path, told) as scene:
        yield scene


def judge(scene: AlertScene, *, copies: int) -> None:
    """One firing and one resolve for each receiver, in this order, and at most so many copies."""
    time.sleep(QUIET_SECONDS)
    told = scene.receivers
    assert told.hooked() == ["firing", "resolved"], scene.describe()
    assert (len(told.pager.pages), len(told.pager.resolved)) == (1, 1), scene.describe()
    assert max(told.hook_keys().values()) <= 1 + copies, scene.describe()
    assert told.pages().keys() == told.pages("resolve").keys()
    assert max(told.pages().values()) <= 1 + copies
    actions = [request.json()["event_action"] for request in told.pager.accepted]
    assert actions == sorted(actions, reverse=True), actions  # trigger before resolve
    assert 2 <= len(told.chatted()) <= 2 + copies


def await_death(worker: WorkerProcess) -> None:
    """Wait until it has killed itself."""
    wait_until(lambda: not worker.running, 60, lambda: f"{worker.name} goes on:\n{worker.log[-3000:]}")


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_f6_a_notifier_killed_while_it_tells_that_an_alert_fires_tells_it_once(scene: AlertScene, step: str) -> None:
    for auc in (0.9, 0.9, 0.7):
        scene.window(auc)
    await_death(scene.alerting(dies=step))
    scene.alerting()
    scene.await_fired(60)
    scene.window(0.92)
    scene.await_resolved()
    judge(scene, copies=1)


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_f6_a_notifier_killed_while_it_tells_that_an_alert_is_over_tells_it_once(scene: AlertScene, step: str) -> None:
    for auc in (0.9, 0.7):
        scene.window(auc)
    worker = scene.alerting()
    scene.await_fired(60)
    wait_until(lambda: worker.series("hindcast_notifications_total").get(("chat/slack", "sent")) == 1.0, 10, str)
    time.sleep(0.5)  # and it is in the log
    worker.kill()
    worker = scene.alerting(dies=step)
    worker.await_ready()
    scene.window(0.92)
    await_death(worker)
    scene.alerting()
    scene.await_resolved(60)
    judge(scene, copies=1)


def test_f6_a_notifier_killed_again_and_again_with_its_disk_tells_it_once_for_each_kill(scene: AlertScene) -> None:
    scene.window(0.7)
    for number in (1, 2, 3):
        worker = scene.alerting(dies=f"agents.deliveries:Deliveries._send:after:{number}")
        await_death(worker)
        worker.wipe()
    scene.alerting()
    scene.await_fired(60)
    scene.window(0.92)
    scene.await_resolved()
    judge(scene, copies=3)


def test_f63_a_chat_that_asks_for_patience_gets_it_and_is_told_both_ends_in_one_message(scene: AlertScene) -> None:
    patience_seconds = 8
    told = scene.receivers
    told.chat_faults(Answer(429, {"Retry-After": str(patience_seconds)}))
    scene.alerting().await_ready()
    scene.window(0.7)
    wait_until(lambda: bool(told.chat.received), 20, scene.describe)
    refused = time.monotonic()
    wait_until(lambda: bool(told.pages()) and told.hooked() == ["firing"], 5, scene.describe)  # nobody waits for it
    scene.window(0.92)
    wait_until(lambda: bool(told.pages("resolve")) and told.hooked() == ["firing", "resolved"], 5, scene.describe)
    assert len(told.chat.received) == 1
    wait_until(lambda: bool(told.chatted()), 20, scene.describe)
    assert time.monotonic() - refused >= patience_seconds
    time.sleep(QUIET_SECONDS)
    [message] = told.chatted()
    assert "RESOLVED" in message.upper()


def test_f66_a_pager_that_was_down_gets_the_trigger_before_the_resolve_across_a_kill(scene: AlertScene) -> None:
    told = scene.receivers
    told.pager_faults(*[Answer(503)] * 4)
    worker = scene.alerting()
    worker.await_ready()
    scene.window(0.7)
    wait_until(lambda: len(told.pager.received) >= 2, 30, scene.describe)
    worker.kill()
    scene.alerting()
    wait_until(lambda: bool(told.pages()), 60, scene.describe)
    scene.window(0.92)
    scene.await_resolved()
    judge(scene, copies=1)


@pytest.mark.parametrize("gently", [True, False], ids=["stopped", "killed"])
def test_f69_a_restart_while_an_alert_fires_is_no_second_page_and_no_lost_resolve(
    scene: AlertScene, gently: bool
) -> None:
    worker = scene.alerting()
    worker.await_ready()
    scene.window(0.7)
    scene.await_fired()
    time.sleep(1.5)  # every outcome is in the log
    if gently:
        assert worker.terminate()[0] == 0
    else:
        worker.kill()
    scene.window(0.71)
    scene.alerting().await_ready()
    time.sleep(QUIET_SECONDS)
    assert scene.receivers.hooked() == ["firing"]
    scene.window(0.92)
    scene.await_resolved()
    judge(scene, copies=0)


def test_f70_two_workers_of_which_the_telling_one_was_paused_page_once(scene: AlertScene) -> None:
    workers = [scene.alerting("one"), scene.alerting("two")]
    for worker in workers:
        worker.await_ready()
    scene.window(0.7)
    scene.await_fired()
    time.sleep(1.5)
    [teller] = [worker for worker in workers if worker.series("ml_alerts_firing")]
    teller.pause()
    scene.window(0.92)
    scene.await_resolved(SESSION_SECONDS + 30)
    teller.resume()
    time.sleep(SESSION_SECONDS)
    if not teller.running:
        assert "another worker" in teller.log
        scene.alerting(teller.name).await_ready()
    judge(scene, copies=0)


def test_old_alerts_of_the_topic_are_no_news_to_a_notifier_without_a_past(scene: AlertScene) -> None:
    def stands(fingerprint: str, status: str, started_ms: int) -> AlertEvent:
        ended = {"ends_at_ms": started_ms + 60_000} if status == "resolved" else {}
        return alert(fingerprint=fingerprint, status=status, starts_at_ms=started_ms, rule=fingerprint, **ended)

    long_ago = now_ms() - 20 * 86_400_000
    for status in ("firing", "resolved"):
        scene.alert(stands("over", status, long_ago))
    scene.alert(stands("compacted", "resolved", long_ago))
    scene.alert(stands("still", "firing", now_ms() - 60_000))
    scene.alerting().await_ready()
    told = scene.receivers
    wait_until(lambda: bool(told.hooked()), 20, scene.describe)
    time.sleep(QUIET_SECONDS)
    assert [one["rule"] for one in told.hook.alerts] == ["still"]
    assert len(told.pager.pages) == 1
    assert sum("still" in message for message in told.chatted()) == len(told.chatted()) == 1


def test_a_silence_on_the_topic_is_known_before_anything_is_told_and_ends_with_its_record(scene: AlertScene) -> None:
    silence = Silence(
        silence_id="s1", match={"model": ["fraud"]}, starts_at_ms=now_ms() - 1_000, ends_at_ms=now_ms() + 600_000
    )
    scene.window(0.7)
    scene.silence(silence, "s1")
    worker = scene.alerting()
    worker.await_ready()
    wait_until(lambda: bool(worker.series("ml_alerts_firing")), 20, scene.describe)
    time.sleep(QUIET_SECONDS)
    assert (scene.receivers.hooked(), scene.receivers.chatted()) == ([], [])
    worker.kill()
    scene.alerting().await_ready()
    time.sleep(QUIET_SECONDS)
    assert scene.receivers.hooked() == []
    scene.silence(None, "s1")
    scene.await_fired()
    scene.window(0.92)
    scene.await_resolved()
    judge(scene, copies=0)
