"""Files in, final records and fates out, equal to the recount."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from models.errors import ConfigError, WorldError
from runtime import evaluate
from runtime.settings import Settings
from runtime.simulate_options import SimulateOptions
from runtime.traffic import TimedRecord, traffic
from tests.simulation.counts import worth as expected_worth
from tests.support.compare import compare_all, record_key
from tests.support.recount import Recount, recount
from tests.support.recount_records import Raw, Rules

MODEL: dict[str, object] = {
    "predictions": {"topic": "fraud_predictions"},
    "horizon": "10m",
    "segments": ["country"],
    "segment_values_max": 100,
}
SETTINGS = Settings.model_validate({"models": {"fraud": MODEL}})
RULES = Rules(horizon_ms=600_000, segments=("country",))


def simulated(**others: float) -> list[TimedRecord]:
    options = SimulateOptions(
        rate=30,
        seconds=200,
        fraud_rate=0.2,
        label_delay_seconds=200,
        disorder=0.2,
        duplicates=0.05,
        early=0.05,
        corrections=0.05,
        withdrawals=0.02,
        shadow=0.1,
        wait_for_labels=True,
        **others,  # type: ignore[arg-type]
    )
    # A line of a file cannot be empty.
    return [r for r in traffic(options, 1_763_000_040_000) if r.value]


def files(tmp_path: Path, records: list[TimedRecord]) -> tuple[Path, Path]:
    paths = (tmp_path / "predictions.jsonl", tmp_path / "labels.jsonl")
    for path, kind in zip(paths, ("predictions", "labels"), strict=True):
        path.write_bytes(b"\n".join(r.value for r in records if r.topic == kind))
    return paths


def csv_files(tmp_path: Path, records: list[TimedRecord]) -> tuple[Path, Path]:
    paths = (tmp_path / "predictions.csv", tmp_path / "labels.csv")
    for path, kind in zip(paths, ("predictions", "labels"), strict=True):
        rows = [orjson.loads(r.value) for r in records if r.topic == kind]
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return paths


def counted(records: list[TimedRecord]) -> Recount:
    return recount([Raw(r.topic, 0, i, r.value, r.timestamp_ms) for i, r in enumerate(records)], RULES)


def lines(path: Path) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def last_line(captured: pytest.CaptureFixture[str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = orjson.loads(captured.readouterr().err.splitlines()[-1])
    return found


def test_final_records_equal_the_recount(tmp_path: Path) -> None:
    records, out = simulated(bad=0.05), tmp_path / "out.jsonl"
    assert evaluate.run(SETTINGS, *files(tmp_path, records), None, out) == 0
    expected = counted(records)
    assert len(expected.windows) > 80
    assert compare_all(lines(out), expected) == []


def test_outcomes_are_worth_what_a_recount_says_that_reads_the_amounts(tmp_path: Path) -> None:
    records, out = simulated(), tmp_path / "out.jsonl"
    worth = {"per_record": {"fp": -5.0}, "per_value": {"fn": -1.0, "tp": 0.9}}
    predictions = {"topic": "fraud_predictions", "fields": {"value": "amount"}}
    settings = Settings.model_validate({"models": {"fraud": {**MODEL, "predictions": predictions, "business": worth}}})
    assert evaluate.run(settings, *files(tmp_path, records), None, out) == 0
    raw = [Raw(r.topic, 0, i, r.value, r.timestamp_ms) for i, r in enumerate(records)]
    expected = expected_worth(raw, replace(RULES, value=("amount",)), worth["per_record"], worth["per_value"])
    found = {record_key(record): record["business"] for record in lines(out)}
    assert found.keys() == expected.keys()
    for key, window in expected.items():
        assert found[key] == {n: v if v is None else pytest.approx(v) for n, v in window.items()}


def test_csv_files_say_the_same(tmp_path: Path) -> None:
    records = [r for r in simulated() if b"null" not in r.value]  # a withdrawal cannot be written as a CSV cell
    assert evaluate.run(SETTINGS, *csv_files(tmp_path, records), "fraud", tmp_path / "out") == 0
    assert compare_all(lines(tmp_path / "out"), counted(records)) == []


def test_fates_are_the_last_line_and_add_up_to_the_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = simulated(bad=0.05)
    assert evaluate.run(SETTINGS, *files(tmp_path, records), None, tmp_path / "out") == 0
    fates = last_line(capsys)
    for kind in ("predictions", "labels"):
        assert sum(fates[kind].values()) == sum(r.topic == kind for r in records)
    assert fates["predictions"]["duplicate"] > 200
    assert fates["labels"]["corrected"] > 50


def test_exactly_the_records_that_the_recount_refuses_are_dead_letters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = simulated(bad=0.1)
    bad = counted(records).bad
    assert evaluate.run(SETTINGS, *files(tmp_path, records), "fraud", tmp_path / "out") == 0
    fates = last_line(capsys)
    for kind in ("predictions", "labels"):
        assert fates[kind]["dead_lettered"] == sum(place[0] == kind for place in bad)
    assert sum(fates["dead_letters"].values()) == len(bad)
    assert len(fates["dead_letters"]) > 5


def test_without_a_file_the_records_go_to_standard_output(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert evaluate.run(SETTINGS, *files(tmp_path, simulated()), None, None) == 0
    assert orjson.loads(capfdbinary.readouterr().out.splitlines()[0])["model"] == "fraud"


def test_csv_ids_that_look_like_numbers_stay_text_on_both_sides(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("id,score,event_time,version\n007,0.5,2025-11-13T02:14:00Z,2\n")
    (tmp_path / "l.csv").write_text("id,actual,label_time\n007,1,2025-11-13T02:15:00Z\n7,0,2025-11-13T02:16:00Z\n")
    assert evaluate.run(SETTINGS, tmp_path / "p.csv", tmp_path / "l.csv", None, tmp_path / "out") == 0
    whole = next(record for record in lines(tmp_path / "out") if record["segment"] == "")
    assert whole["confusion"] == {"tp": 1, "fp": 0, "fn": 0, "tn": 0}
    assert whole["model_version"] == "2"


def test_what_is_wrong_is_said_in_one_line(tmp_path: Path) -> None:
    predictions, labels = files(tmp_path, simulated()[:10])
    with pytest.raises(WorldError, match=r"none\.csv: No such file"):
        evaluate.run(SETTINGS, predictions, tmp_path / "none.csv", None, None)
    with pytest.raises(ConfigError, match="price is not configured, known are fraud"):
        evaluate.run(SETTINGS, predictions, labels, "price", None)
    with pytest.raises(WorldError, match=r"no/out: No such file"):
        evaluate.run(SETTINGS, predictions, labels, None, tmp_path / "no" / "out")
    several = Settings.model_validate({"models": {n: {"predictions": {"topic": f"{n}s"}} for n in ("a", "b")}})
    with pytest.raises(ConfigError, match="name one of a, b"):
        evaluate.run(several, predictions, labels, None, None)


PETS = Settings.model_validate(
    {"models": {"pets": {"task": "multiclass", "predictions": {"topic": "p"}, "classes_max": 2}}}
)


def test_several_classes_are_evaluated_by_their_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at_ms = 1_763_000_040_000
    predicted: list[object] = ["cat", "cat", 3, "cow", 3.0, "3"]
    predictions: list[dict[str, object]] = [
        {"id": n, "event_time": at_ms, "prediction": name} for n, name in enumerate(predicted)
    ]
    predictions.append({"id": "best", "event_time": at_ms, "scores": {"cat": 0.7, "cow": 0.3}})
    truths: list[object] = ["cat", "3", 3, "dog", "cat", None]
    labels: list[dict[str, object]] = [
        {"id": n, "label_time": at_ms + 1_000, "actual": truth} for n, truth in enumerate(truths)
    ]
    labels.append({"id": 4, "label_time": at_ms + 2_000, "actual": "3"})
    paths = write_lines(tmp_path / "p.jsonl", predictions), write_lines(tmp_path / "l.jsonl", labels)
    assert evaluate.run(PETS, *paths, None, tmp_path / "out") == 0
    assert last_line(capsys)["labels"]["corrected"] == 1
    [whole] = cast("list[dict[str, Any]]", lines(tmp_path / "out"))
    assert (whole["task"], whole["total"], whole["labelled"], whole["correct"]) == ("multiclass", 7, 5, 4)
    assert whole["confusion"] == {"cat": {"cat": 1}, "3": {"cat": 1, "3": 2}, "__other__": {"__other__": 1}}
    assert whole["predicted_counts"] == {"cat": 3, "3": 3, "__other__": 1}
    assert whole["metrics"]["accuracy"] == pytest.approx(0.8)
    assert whole["per_class"]["3"]["recall"] == pytest.approx(2 / 3)


PRICE = Settings.model_validate(
    {"models": {"price": {"task": "regression", "predictions": {"topic": "p"}, "segments": ["city"]}}}
)


def write_lines(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    return path


def test_a_regression_is_evaluated_with_corrections_and_without_requests_that_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at_ms = 1_763_000_040_000
    predictions: list[dict[str, object]] = [
        {"id": "a", "event_time": at_ms, "prediction": 100.0, "city": "Ulm", "latency_ms": 12},
        {"id": "b", "event_time": at_ms, "score": 250, "city": "Ulm"},
        {"id": "c", "event_time": at_ms, "prediction": -2.0, "city": "Bonn"},
        {"id": "d", "event_time": at_ms, "status": "error", "error_type": "timeout", "city": "Ulm"},
        {"id": "e", "event_time": at_ms, "prediction": "dear", "city": "Ulm"},
    ]
    labels: list[dict[str, object]] = [
        {"id": "a", "label_time": at_ms + 1_000, "actual": 70},
        {"id": "a", "label_time": at_ms + 2_000, "actual": 90},
        {"id": "b", "label_time": at_ms + 1_000, "actual": 250.5},
        {"id": "d", "label_time": at_ms + 1_000, "actual": 1},
    ]
    paths = write_lines(tmp_path / "p.jsonl", predictions), write_lines(tmp_path / "l.jsonl", labels)
    assert evaluate.run(PRICE, *paths, None, tmp_path / "out") == 0
    assert last_line(capsys) == {
        "predictions": {"joined": 2, "expired": 1, "failed": 1, "dead_lettered": 1},
        "labels": {"joined": 2, "corrected": 1, "expired": 1},
        "dead_letters": {"type": 1},
    }
    found = {str(record["segment"]): record for record in lines(tmp_path / "out")}
    whole = cast("dict[str, Any]", found[""])
    assert (whole["task"], whole["total"], whole["labelled"], whole["failed"]) == ("regression", 3, 2, 1)
    assert whole["errors"] == {"timeout": 1}
    assert whole["metrics"]["mse"] == pytest.approx((10**2 + 0.5**2) / 2)
    assert whole["metrics"]["mae"] == pytest.approx(5.25)
    assert whole["metrics"]["bias"] == pytest.approx(4.75)
    assert whole["metrics"]["mape"] == pytest.approx((10 / 90 + 0.5 / 250.5) / 2)
    assert whole["metrics"]["mean_prediction"] == pytest.approx(116)
    assert whole["label_latency_seconds"]["mean"] == pytest.approx(1.5)
    bonn = cast("dict[str, Any]", found["city=Bonn"])
    assert (bonn["total"], bonn["labelled"], bonn["metrics"]["rmse"]) == (1, 0, None)
