"""`hindcast baseline learn`: what the service would join, through the builder of files."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from metrics.reference import Baseline, Categorical
from models.codec import Decoder
from models.errors import ConfigError
from runtime.baseline_learn import build
from runtime.baseline_passes import Build
from runtime.baseline_period import ROWS_BYTES_MAX, Period
from runtime.cli import main
from runtime.id_sample import OVERHEAD_BYTES
from runtime.model_plan import model_fields
from runtime.settings import Settings
from runtime.topic_chunks import TopicRecord

T0_SECONDS = 1_700_000_000
NOW_MS = (T0_SECONDS + 86_400) * 1000


def settings(**model: object) -> Settings:
    return Settings.model_validate({"models": {"fraud": {"predictions": {"topic": "p"}, "horizon": "1h", **model}}})


def prediction(one: object, at: int = 0, score: float = 0.9, **more: object) -> dict[str, Any]:
    return {"id": one, "timestamp": T0_SECONDS + at, "score": score, **more}


def label(one: object, actual: object, at: int = 60) -> dict[str, Any]:
    return {"id": one, "actual": actual, "timestamp": T0_SECONDS + at}


def period(
    predictions: Sequence[object],
    labels: Iterable[object] = (),
    chosen: Settings | None = None,
    features: Sequence[str] | None = None,
    bytes_max: int = ROWS_BYTES_MAX,
) -> Period:
    found = chosen or settings()
    model = found.models["fraud"]
    made = Period("fraud", model, features, bytes_max)
    fields = [model_fields(name, one, "predictions") for name, one in found.models.items()]
    feed(made.add_predictions, Decoder("p", "predictions", fields), predictions)
    feed(made.add_labels, Decoder("l", "labels", [model_fields("fraud", model, "labels")]), labels)
    return made


def feed(add: Callable[..., None], decoder: Decoder, values: Iterable[object]) -> None:
    records = [
        TopicRecord(n, T0_SECONDS * 1000, None, value if isinstance(value, bytes) else json.dumps(value).encode())
        for n, value in enumerate(values)
    ]
    for at in range(0, len(records), 7):
        chunk = records[at : at + 7]
        add(chunk, decoder.decode(chunk, NOW_MS))


def built(made: Period, chosen: Settings | None = None, features: Sequence[str] | None = None) -> Baseline:
    model = (chosen or settings()).models["fraud"]
    return build(made, "fraud", model, features, lambda _: None)[0]


def truths(made: Period) -> dict[bytes, object]:
    return {one: many[0].actual for one, many in made._sample.values.items()}


def test_a_period_makes_the_baseline_that_a_file_of_the_same_rows_makes(tmp_path: Path) -> None:
    features = [{"amount": n % 13 * 1.5, "country": ("DE", "FR")[n % 2], "deep": {"x": n}} for n in range(60)]
    predictions = [prediction(n, n, n % 10 / 10 + 0.05, features=features[n]) for n in range(60)]
    labels = [label(n, int(n % 10 > 6), n + 60) for n in range(0, 60, 2)]
    path = tmp_path / "rows.jsonl"
    known = {one["id"]: one["actual"] for one in labels}
    rows = [one | ({"actual": known[one["id"]]} if one["id"] in known else {}) for one in predictions]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    of_file = Build(path, "fraud", settings().models["fraud"], None)
    expected, _ = of_file.count(of_file.survey(lambda _: None), "", lambda _: None)
    found = built(period(predictions, labels))
    assert list(found.features) == ["amount", "country", "deep.x"]
    assert (found.features, found.scores, found.performance, found.predictions, found.records) == (
        expected.features, expected.scores, expected.performance, expected.predictions, 60,
    )  # fmt: skip


def test_the_label_that_counts_is_the_one_of_the_service() -> None:
    made = period(
        [prediction(name) for name in ("late", "early", "corrected", "tie", "withdrawn", "again", "none")],
        [
            label("late", 1, 3601), label("early", 1, -1), label("corrected", 1, 90), label("corrected", 0, 120),
            label("corrected", 1, 100), label("tie", 0), label("tie", 1), label("withdrawn", 1),
            label("withdrawn", None), label("again", None, 60), label("again", 1, 61), label("unknown", 1),
        ],
    )  # fmt: skip
    assert truths(made) == {
        b"late": None, b"early": None, b"corrected": 0, b"tie": 1, b"withdrawn": None, b"again": 1, b"none": None,
    }  # fmt: skip


def test_a_label_before_its_prediction_counts_within_the_skew() -> None:
    made = period([prediction(1)], [label(1, 1, -30)], settings(label_skew="60s"))
    assert truths(made) == {b"1": 1}


def test_the_first_prediction_of_an_id_and_version_counts() -> None:
    made = period(
        [prediction(1, score=0.9), prediction(1, score=0.1), prediction(1, score=0.2, model_version="v2")],
        [label(1, 1)],
    )
    assert [json.loads(row.row)["score"] for row in made.rows] == [0.9, 0.2]
    assert [row.actual for row in made.rows] == [1, 1]


def test_what_is_bad_failed_or_of_another_model_is_left_out_and_told() -> None:
    other = {"predictions": {"topic": "p"}}
    chosen = Settings.model_validate({"models": {"fraud": {**other, "horizon": "1h"}, "churn": other}})
    values: list[object] = [
        prediction(1, model="fraud", features={"a": 1}),
        prediction(2, model="churn"),
        {"id": 3, "timestamp": T0_SECONDS, "status": "error", "model": "fraud"},
        b"{",
        prediction(5, model="fraud", score=7),
    ]
    made = period(values, [b"[]", label(1, 1)], chosen)
    assert (made.read, made.bad, made.others, made.failed, made.bad_labels) == (5, 2, 1, 1, 1)
    baseline, lines = build(made, "fraud", chosen.models["fraud"], None, lambda _: None)
    assert baseline.records == 1
    assert lines == [
        "requests that failed, left out: 1",
        "labels that could not be read, left out: 1",
        "records that could not be read, left out: 2",
        "records of other models, left out: 1",
    ]


def test_the_fields_are_those_of_the_configuration_and_only_the_chosen_ones_are_kept() -> None:
    chosen = settings(
        predictions={"topic": "p", "fields": {"score": "out.p", "features": "in", "id": "key"}},
        labels={"fields": {"actual": "truth"}},
        positive_class="fraud",
    )
    record = {"key": "k", "timestamp": T0_SECONDS, "out": {"p": 0.9}, "in": {"x": "a", "y": 2}, "name": "Ada"}
    truth = {"id": "k", "truth": "fine", "timestamp": T0_SECONDS + 1}
    made = period([record], [truth], chosen, ["x", "name"])
    assert json.loads(made.rows[0].row) == {"score": 0.9, "features": {"x": "a", "name": "Ada"}}
    found = built(made, chosen, ["x"])
    assert list(found.features) == ["x"]
    assert found.performance["precision"] == 0


def test_without_an_object_of_features_there_are_none_and_that_is_said() -> None:
    made = period([prediction(1, amount=3), prediction(2, features=None)])
    _, lines = build(made, "fraud", settings().models["fraud"], None, lambda _: None)
    assert lines == ["no record has an object of features: name some fields by --features, as amount,country"]
    assert list(built(period([prediction(1, amount=3)], features=["amount"]), features=["amount"]).features) == [
        "amount"
    ]
    with pytest.raises(ConfigError, match="--features: amout is no column"):
        built(period([prediction(1, amount=3)], features=["amout"]), features=["amout"])


def test_an_absent_key_is_missing_and_a_null_is_null() -> None:
    rows = [prediction(n, features=one) for n, one in enumerate([{"c": "x"}, {"c": None}, {}, {"c": "x"}])]
    assert built(period(rows)).features["c"] == Categorical(categories=["x"], counts=[1, 1, 0, 0, 0, 2])


def test_more_than_memory_holds_is_a_sample_by_id_with_its_labels() -> None:
    predictions = [prediction(n, features={"a": n}) for n in range(400)]
    made = period(predictions, [label(n, 1) for n in range(400)], bytes_max=100 * (OVERHEAD_BYTES + 50))
    assert 0 < made.share < 1
    assert 20 < len(made.rows) <= 100
    assert all(row.actual == 1 for row in made.rows)
    _, lines = build(made, "fraud", settings().models["fraud"], None, lambda _: None)
    assert lines[0].startswith(
        "there are so many predictions that the baseline is of those of a sample: 0.25 of the ids"
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("--since yesterday", "hindcast: --since: neither a duration"),
        ("--until 8d", "hindcast: --until: must be later than --since"),
        ("--features ,", "hindcast: --features: name some, as a,b"),
        ("--model churn", "hindcast: --model: churn is not configured, known are fraud"),
    ],
)
def test_wrong_use_is_one_line(
    arguments: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HINDCAST_CONFIG", raising=False)
    assert main(["baseline", "learn", *arguments.split()]) == 2
    [said] = capsys.readouterr().err.splitlines()
    assert said.startswith(line)
