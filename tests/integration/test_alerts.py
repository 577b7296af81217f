"""A worker on a real broker tells three receivers of a model that gets worse, once, and of its recovery, once.

What it does when it is killed meanwhile is in tests/faults/test_alerts.py.
"""

from pathlib import Path

import pytest

from tests.support.alert_scene import AlertScene
from tests.support.receivers import Receivers

pytestmark = [pytest.mark.broker, pytest.mark.timeout(120)]
SPEED = 8.0
"""How much faster than the wall clock event time runs."""
DEGRADE_SECONDS = 60.0


def test_an_alert_is_told_once_to_each_receiver_and_so_is_its_end(broker: str, tmp_path: Path) -> None:
    with Receivers() as told, AlertScene(broker, tmp_path, told) as scene:
        worker = scene.alerting()
        worker.await_ready()
        for auc in (0.9, 0.9, 0.7):
            scene.window(auc)
        scene.await_fired(20)
        assert worker.series("ml_alerts_firing") == {("fraud", "ranking-lost", "critical"): 1.0}
        scene.window(0.91)
        scene.await_resolved(20)
        [firing, resolved] = scene.alerts()
        assert (firing.status, firing.value, resolved.status) == ("firing", 0.7, "resolved")
        assert told.hooked() == ["firing", "resolved"]
        assert list(told.pages().values()) == list(told.pages("resolve").values()) == [1]
        assert len(told.chatted()) == 2
        assert worker.series("ml_alerts_firing") == {}
        assert worker.series("hindcast_notifications_total")["pager/pagerduty", "sent"] == 2.0
        code, seconds = worker.terminate()
        assert (code, seconds < 20) == (0, True)
        assert "SECRET" not in worker.log


def test_a_simulated_degradation_fires_once_and_its_recovery_resolves_it_once(broker: str, tmp_path: Path) -> None:
    rule = {"over": "30s", "certain": True, "min_labelled": 500}
    model = {"segments": [], "horizon": "1m", "allowed_lateness": "10s", "out_of_orderness": "2s", "emit_every": "1s"}
    with Receivers() as told, AlertScene(broker, tmp_path, told, rule=rule, model=model) as scene:
        scene.alerting(roles="ingest,alerts").await_ready()
        scene.simulate(
            rate=150,
            speed=SPEED,
            seconds=280,
            degrade_at=DEGRADE_SECONDS,
            recover_at=150,
            fraud_rate=0.1,
            label_delay=2,
        )
        scene.await_fired(40)
        scene.await_resolved(40)
        [firing, resolved] = scene.alerts()
        assert (firing.status, resolved.status) == ("firing", "resolved")
        late_seconds = (firing.starts_at_ms - scene.simulated_from_ms()) / 1000 - DEGRADE_SECONDS
        assert 0 < late_seconds <= 60
        assert told.hooked() == ["firing", "resolved"]
        assert list(told.pages().values()) == list(told.pages("resolve").values()) == [1]
        assert len(told.chatted()) == 2
