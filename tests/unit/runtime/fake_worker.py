"""A stand-in for the worker of the demo: announces windows, serves /metrics, and ends as it is told.

`python fake_worker.py CONFIG MODE`, MODE one of works, stubborn (ignores SIGTERM), breaks (after two seconds).
"""

import http.server
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import orjson
import yaml
from confluent_kafka import Producer

PAGE = b"""# TYPE hindcast_records_consumed_total counter
hindcast_records_consumed_total{topic="fraud_predictions"} 4321.0
# TYPE hindcast_records_total counter
hindcast_records_total{fate="joined"} 1234.0
"""


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def record(minute: int, revision: int) -> bytes:
    return orjson.dumps(
        {
            "model": "fraud",
            "model_version": "rf_v1",
            "segment": "",
            "window_start": f"2026-11-21T10:{minute:02d}:00Z",
            "window_end": f"2026-11-21T10:{minute + 1:02d}:00Z",
            "span": "60s",
            "revision": revision,
            "final": False,
            "total": 1500,
            "labelled": 1200,
            "label_coverage": 0.8,
            "metrics": {"accuracy": 0.98, "f1": 0.4, "auc": 0.9},
            "intervals": {"accuracy": [0.97, 0.99], "f1": None, "auc": None},
            "label_latency_seconds": None,
        }
    )


def main() -> None:
    assert os.environ["HINDCAST_EMBEDDED"] == "1"
    config, mode = yaml.safe_load(Path(sys.argv[1]).read_text()), sys.argv[2]
    helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    sys.stdout.write(f"helper {helper.pid}\n")
    sys.stdout.flush()
    if mode == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    server = http.server.HTTPServer(("127.0.0.1", config["web"]["port"]), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    producer = Producer({"bootstrap.servers": config["kafka"]["bootstrap_servers"], "log_level": 0})
    for second in range(50):
        producer.produce("hindcast-metrics", record(second, 1))
        producer.flush(1)
        time.sleep(1)
        if mode == "breaks" and second == 1:
            sys.exit("the disk is full")


main()
