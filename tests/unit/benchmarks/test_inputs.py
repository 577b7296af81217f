import json
from pathlib import Path

from benchmarks.harness import events, inputs

TRAFFIC = events.draw(2_000, 1_760_000_000_000, 600_000, seed=1)
RECORDS = [json.loads(message.value) for message in inputs.predictions(TRAFFIC, seed=1, batch=700)]


def test_a_prediction_is_the_same_as_without_inputs_but_for_what_it_carries() -> None:
    without = [json.loads(message.value) for message in events.predictions(TRAFFIC)]
    carried = {"features", "latency_ms", "status"}
    assert [{name: value for name, value in one.items() if name not in carried} for one in RECORDS] == without


def test_there_are_ten_numbers_and_five_categories_of_which_few_are_null() -> None:
    kinds: dict[str, set[type]] = {}
    for record in RECORDS:
        for name, value in record["features"].items():
            kinds.setdefault(name, set()).add(float if isinstance(value, int) else type(value))
    assert tuple(kinds) == inputs.NAMES
    assert [name for name, found in kinds.items() if type(None) in found] == ["balance", "device"]
    assert sum(float in found for found in kinds.values()) == 10
    assert sum(str in found for found in kinds.values()) == 5


def test_the_training_file_holds_other_predictions_with_their_outcomes(tmp_path: Path) -> None:
    inputs.training_file(tmp_path / "training.jsonl", records=100, seed=2)
    lines = [json.loads(line) for line in (tmp_path / "training.jsonl").read_text().splitlines()]
    assert [line["actual_fraud"] for line in lines] == events.draw(100, 0, 10_000, seed=2).fraud.tolist()
    assert all(line.keys() == RECORDS[0].keys() | {"actual_fraud"} for line in lines)
