from pathlib import Path

from prometheus_client import generate_latest

from telemetry.registry import Telemetry
from telemetry.series import CATALOGUE, markdown

ROOT = Path(__file__).parents[3]


def test_the_documentation_explains_every_series_and_no_other() -> None:
    assert markdown() in (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")


def test_names_follow_prometheus_customs() -> None:
    for series in CATALOGUE.values():
        assert series.name.startswith(("ml_", "hindcast_"))
        assert series.name.endswith("_total") == (series.kind == "counter")
        assert bool(series.buckets) == (series.kind == "histogram")
        assert series.help.endswith(".")


def test_everything_can_be_exposed_as_text() -> None:
    telemetry = Telemetry(10)
    for name, series in CATALOGUE.items():
        if series.kind != "histogram" and not name.startswith("ml_"):
            values: dict[tuple[str, ...], float] = {tuple('a"b\n' for _ in series.labels): 1.0}
            telemetry.watch(name, values.copy)
    telemetry.predictions.add("fraud", "v1", n=1)
    telemetry.confidence.observe_counts("fraud", "v1", counts=[1] * 8, total=5)
    text = generate_latest(telemetry.registry).decode()
    assert 'ml_predictions_total{model="fraud",version="v1"} 1.0' in text
    assert 'hindcast_records_total{fate="a\\"b\\n"} 1.0' in text
