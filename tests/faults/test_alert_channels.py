"""F64, F65, F67, F68, F71: channels that fail, refuse, cannot keep up or cannot be worded, across a kill -9."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from models.alert_event import AlertEvent
from runtime.clock import now_ms
from tests.support.alert_samples import alert
from tests.support.alert_scene import ROUTE, AlertScene
from tests.support.http_fakes import Answer, Hang, Received, Reset
from tests.support.kafka_cluster import KafkaCluster
from tests.support.receivers import Receivers, wait_until

QUIET_SECONDS = 2.0
"""So long nothing more may come."""
ATTEMPTS = "hindcast_notifications_total"
FAILED_TEMPLATES = "hindcast_failed_templates_total"
NewAlertScene = Callable[..., AlertScene]


@pytest.fixture
def open_scene(cluster: KafkaCluster, tmp_path: Path, told: Receivers) -> Iterator[NewAlertScene]:
    """Open scenes: open_scene(**options of AlertScene)."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(AlertScene(cluster.bootstrap, tmp_path, told, **options))


def test_f64_what_fails_is_tried_again_ever_more_slowly_under_its_key_until_everybody_knows(
    open_scene: NewAlertScene, told: Receivers
) -> None:
    scene = open_scene()
    address = scene.directory / "secrets" / "chat"
    address.write_text("https://hooks.example.invalid/SECRET")  # a name that nobody knows
    told.pager_faults(Answer(503), Reset(), Answer(500), Answer(503))
    told.hook_faults(Hang(), Hang(taken=True))
    worker = scene.alerting()
    worker.await_ready()
    scene.window(0.7)
    wait_until(lambda: len(told.pager.received) == 2 and bool(told.hook.received), 20, scene.describe)
    worker.kill()
    worker = scene.alerting()
    wait_until(lambda: ("chat/slack", "unreachable") in worker.series(ATTEMPTS), 30, scene.describe)
    address.write_text(told.chat.url)
    wait_until(lambda: ("hook/webhook", "sent") in worker.series(ATTEMPTS), 45, scene.describe)
    assert worker.series(ATTEMPTS)["hook/webhook", "timeout"] == 1
    scene.await_fired()
    scene.window(0.92)
    scene.await_resolved()
    time.sleep(QUIET_SECONDS)

    gaps = [later.at - earlier.at for earlier, later in pairwise(told.pager.received)]
    assert 0.8 <= gaps[0] < 4.0  # 1 s is meant, the machine may be busy
    # What failed before the kill counts, though the last of it may not have been written down.
    assert gaps[2] >= 1.6
    assert gaps[3] >= 3.2
    assert [event["event_action"] for event in _events(told.pager.received)] == ["trigger"] * 5 + ["resolve"]
    assert len({event["dedup_key"] for event in _events(told.pager.received)}) == 1
    assert len({request.headers["Idempotency-Key"] for request in told.hook.received[:3]}) == 1
    assert list(told.hook_keys().values()) == [2, 1]  # the one that was taken, and timed out, came twice
    assert told.hooked() == ["firing", "resolved"]
    assert [title.split()[0] for title in map(_title, told.chatted())] == ["[FIRING", "[RESOLVED"]


def test_f65_a_refusal_for_good_is_not_tried_again_and_the_fallback_knows_within_10_seconds(
    open_scene: NewAlertScene, told: Receivers
) -> None:
    scene = open_scene(route={"receivers": ["pager"]})
    scene.settings["alerts"]["receivers"]["pager"]["fallback"] = "hook"
    alerts = [_alert(number, "fraud") for number in range(4)]
    told.pager_faults(Answer(400), Answer(401), Answer(403), Answer(404))
    told.hook_faults(Hang())
    worker = scene.alerting()
    worker.await_ready()
    scene.alert(alerts[0])
    wait_until(lambda: bool(told.hook.received), 20, scene.describe)
    assert worker.series(ATTEMPTS)["pager/pagerduty", "invalid"] == 1
    worker.kill()  # the refusal is written down, or the fallback would not be on its way
    worker = scene.alerting()
    wait_until(lambda: len(told.hook.alerts) == 1, 60, scene.describe)
    scene.alert(*alerts[1:])
    wait_until(lambda: len(told.hook.alerts) == 4, 30, scene.describe)
    scene.alert(*map(_over, alerts))
    wait_until(lambda: len(told.hook.alerts) == 8, 30, scene.describe)
    time.sleep(QUIET_SECONDS)

    refused = {request.json()["dedup_key"]: request.at for request in told.pager.received}
    assert len(told.pager.received) == len(refused) == 4
    heard = {one["fingerprint"]: r.at for r in reversed(told.hook.received) for one in r.json()}
    assert max(heard[fingerprint] - at for fingerprint, at in refused.items()) < 10
    assert Counter(told.hooked()) == {"firing": 4, "resolved": 4}
    outcomes = {outcome: n for (channel, outcome), n in worker.series(ATTEMPTS).items() if channel.startswith("pager")}
    assert outcomes == {"unauthorised": 2, "not_found": 1, "fallback": 3}
    assert all(f"pager/pagerduty fails: 127.0.0.1 answered {status}" in worker.log for status in (400, 401))


def test_f67_ten_thousand_alerts_are_told_together_once_a_second_and_none_is_dropped(
    open_scene: NewAlertScene, told: Receivers
) -> None:
    storm = [_alert(number, f"model-{number % 400}") for number in range(10_000)]
    sample = {event.fingerprint for event in storm if event.model.startswith("model-1")}
    scene = open_scene()
    scene.settings["alerts"]["routes"] = [
        ROUTE | {"receivers": ["hook"], "match": {"model": ["model-1*"]}, "continue": True},
        ROUTE | {"receivers": ["pager", "chat"]},
    ]
    worker = scene.alerting()
    worker.await_ready()
    scene.alert(*storm[:5_000])
    wait_until(lambda: min(len(told.hook.alerts), len(told.pager.pages), len(told.chatted())) > 1, 20, scene.describe)
    worker.kill()
    scene.alert(*storm[5_000:])
    scene.alerting()

    def amounts() -> list[int]:
        """How many alerts each heard of; a copy has its original's key, or is the same word for word."""
        pages = {event["dedup_key"]: event["payload"]["summary"] for event in _events(told.pager.accepted)}
        chat = [_title(message) for message in set(told.chatted())]
        return [sum(map(_amount, pages.values())), sum(map(_amount, chat)), len(told.hook.alerts)]

    everything = [len(storm), len(storm), len(sample)]
    wait_until(lambda: amounts() == everything, 60, lambda: f"{amounts()}\n{scene.describe()}")
    time.sleep(QUIET_SECONDS)
    assert amounts() == everything
    assert {one["fingerprint"] for one in told.hook.alerts} == sample
    assert sum(told.pages().values()) <= len(told.pages()) + 1
    for fake in (told.pager, told.chat, told.hook):
        assert len(fake.received) < 60
        came = enumerate(request.at for request in fake.received)
        assert all(later - earlier >= n - m - 0.5 for (m, earlier), (n, later) in combinations(came, 2))


def test_f68_flapping_is_one_incident_within_the_hysteresis_and_one_page_in_each_repeat_interval_beyond(
    open_scene: NewAlertScene, told: Receivers
) -> None:
    repeat_seconds, incident = 10, (0.9, 0.9, 0.7, 0.7, 0.9, 0.9)
    rule = {"resolve_above": 0.8, "for": "10s", "keep_firing": "10s"}
    scene = open_scene(rule=rule, route={"repeat_every": f"{repeat_seconds}s"})
    worker = scene.alerting()
    worker.await_ready()
    _windows(scene, 0.77, 0.9, 0.9, 0.77, 0.79, 0.77, 0.9, 0.9)  # never below 0.78 for two windows
    _windows(scene, 0.77, 0.77)
    scene.await_fired()
    _windows(scene, 0.79, 0.79, 0.77, 0.77, 0.9, 0.77, 0.77, 0.9, 0.79, 0.77, 0.77)  # never above 0.8 for two
    _windows(scene, 0.9, 0.9)
    wait_until(lambda: bool(told.pager.resolved), 20, scene.describe)
    worker.kill()
    _windows(scene, *incident, *incident)
    scene.alerting().await_ready()
    for _ in range(4):
        _windows(scene, *incident)
        time.sleep(1.0)  # the pace of the flapping
    _windows(scene, 0.7, 0.7)
    wait_until(lambda: bool(told.pager.open), 30, scene.describe)
    _windows(scene, 0.9, 0.9)
    wait_until(lambda: not told.pager.open, 30, scene.describe)
    time.sleep(QUIET_SECONDS)

    assert len({event.starts_at_ms for event in scene.alerts()}) == 1 + 2 + 4 + 1
    paged = _paged(told.pager.accepted)
    assert len(paged) >= 2
    assert min(later - earlier for earlier, later in pairwise(paged)) >= repeat_seconds - 0.5


def test_f71_a_template_that_fails_is_replaced_by_plain_text_and_counted(
    open_scene: NewAlertScene, told: Receivers
) -> None:
    scene = open_scene()
    receivers = scene.settings["alerts"]["receivers"]
    receivers["pager"]["pagerduty"] |= {"title": "{{ nobody.knows }}", "body": "{{ alerts[0].value / 0 }}"}
    receivers["chat"]["slack"] |= {"title": "{{ firing[0].rule }} is lost"}  # of what is over, there is none
    told.pager_faults(Hang())
    worker = scene.alerting()
    worker.await_ready()
    scene.window(0.7)
    wait_until(lambda: bool(told.pager.received and told.chatted() and told.hooked()), 20, scene.describe)
    assert worker.series(FAILED_TEMPLATES).keys() == {("pager/pagerduty",)}
    worker.kill()
    worker = scene.alerting()
    scene.await_fired()
    assert worker.series(FAILED_TEMPLATES).keys() == {("pager/pagerduty",)}
    scene.window(0.92)
    scene.await_resolved()
    assert worker.series(FAILED_TEMPLATES).keys() == {("pager/pagerduty",), ("chat/slack",)}
    pages = [event["payload"] for event in _events(told.pager.received) if event["event_action"] == "trigger"]
    assert [page["summary"] for page in pages] == ["[FIRING P1] ranking-lost: fraud v1"] * 2
    assert not any("message" in page["custom_details"] for page in pages)
    titles = list(dict.fromkeys(map(_title, told.chatted())))
    assert titles == ["ranking-lost is lost", "[RESOLVED P1] ranking-lost: fraud v1"]


def _alert(number: int, model: str) -> AlertEvent:
    started_ms = now_ms() - 60_000
    return alert(fingerprint=f"{number:016x}", model=model, starts_at_ms=started_ms, window_start_ms=started_ms)


def _over(event: AlertEvent) -> AlertEvent:
    return msgspec.structs.replace(event, status="resolved", ends_at_ms=now_ms())


def _windows(scene: AlertScene, *aucs: float) -> None:
    for auc in aucs:
        scene.window(auc)


def _events(requests: Sequence[Received]) -> list[dict[str, Any]]:
    return [request.json() for request in list(requests)]


def _paged(requests: Sequence[Received]) -> list[float]:
    """When each trigger came that opened an incident."""
    times, is_open = [], False
    for request in requests:
        triggers = request.json()["event_action"] == "trigger"
        if triggers and not is_open:
            times.append(request.at)
        is_open = triggers
    return times


def _title(message: str) -> str:
    return str(orjson.loads(message)["attachments"][0]["title"])


def _amount(title: str) -> int:
    """Of how many firing alerts it tells."""
    if title.startswith("[FIRING"):
        return 1
    shown = re.search(r"(\d+) firing, 0 resolved(?:, (\d+) more)?", title)
    assert shown is not None, title
    return int(shown[1]) + int(shown[2] or 0)
