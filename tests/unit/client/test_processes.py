"""Exit and fork: what was logged is sent before the interpreter ends, by the process that logged it."""

from pathlib import Path

import orjson

from tests.unit.client.support import run

AT_EXIT = """
import sys
from hindcast_client import JsonLinesTransport, PredictionLog
log = PredictionLog("fraud", "v1", transport=JsonLinesTransport(sys.argv[1]))
for number in range(5000):
    log.prediction(number, score=0.5)
if sys.argv[2] == "raise":
    raise RuntimeError("the service broke down")
"""

FORKED = """
import os, sys
from hindcast_client import JsonLinesTransport, PredictionLog
log = PredictionLog("fraud", "v1", transport=JsonLinesTransport(sys.argv[1]))
log.prediction("before", score=0.5)          # the sender's thread runs when the fork comes
children = []
for child in range(3):
    pid = os.fork()
    if pid == 0:
        assert log.counts.offered == 0, log.counts
        for number in range(100):
            log.prediction(f"child-{child}-{number}", score=0.5)
        sys.exit(0)
    children.append(pid)
log.prediction("after", score=0.5)
assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0]
"""

KAFKA_FORKED = """
import os, sys, time
from confluent_kafka import Consumer
from hindcast_client import KafkaTransport, PredictionLog
from runtime.embedded_broker import EmbeddedBroker
with EmbeddedBroker() as broker:
    broker.create_topic("fraud_labels", 1)
    log = PredictionLog("fraud", "v1", transport=KafkaTransport(broker.bootstrap))
    log.label("parent", 1)
    while log.counts.sent < 1:
        time.sleep(0.01)
    pid = os.fork()
    if pid == 0:
        log.label("child", 1)
        counts = log.close()
        os._exit(0 if counts.sent == 1 else 1)
    assert os.waitpid(pid, 0)[1] == 0
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "g", "auto.offset.reset": "earliest"})
    consumer.subscribe(["fraud_labels"])
    print(sorted(message.key() for message in consumer.consume(2, 10)))
    consumer.close()
"""

SEVERAL_BEHIND_ONE_PORT = """
import os, sys
os.environ["PROMETHEUS_MULTIPROC_DIR"] = sys.argv[1]
from hindcast_client import ServingMetrics
from hindcast_client.exposition import expose
metrics = ServingMetrics("v1")
pid = os.fork()
metrics.measured(lambda: None)()
if pid == 0:
    metrics.settle()
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
body, _ = expose(metrics, "")
print([line for line in body.decode().splitlines() if line.startswith("predictions_total{")])
"""


def test_one_process_answers_for_all_that_share_a_directory(tmp_path: Path) -> None:
    ended = run(SEVERAL_BEHIND_ONE_PORT, str(tmp_path))
    line = 'predictions_total{model_version="v1",status="success"} 2.0'
    assert (ended.returncode, ended.stdout) == (0, f"['{line}']\n"), ended.stderr


def ids(directory: Path) -> list[str]:
    lines = (directory / "fraud_predictions.jsonl").read_bytes().splitlines()
    return [orjson.loads(line)["prediction_id"] for line in lines]


def test_what_is_queued_is_sent_at_the_interpreters_exit(tmp_path: Path) -> None:
    for ending, code in (("return", 0), ("raise", 1)):
        ended = run(AT_EXIT, str(tmp_path / ending), ending)
        assert ended.returncode == code, ended.stderr
        assert ids(tmp_path / ending) == [str(number) for number in range(5000)]


def test_each_process_sends_its_own_records_after_a_fork(tmp_path: Path) -> None:
    ended = run(FORKED, str(tmp_path))
    assert ended.returncode == 0, ended.stderr
    expected = [f"child-{child}-{number}" for child in range(3) for number in range(100)]
    assert sorted(ids(tmp_path)) == sorted([*expected, "before", "after"])


def test_a_forked_child_has_a_kafka_producer_of_its_own() -> None:
    ended = run(KAFKA_FORKED)
    assert (ended.returncode, ended.stdout) == (0, "[b'child', b'parent']\n"), ended.stderr
