"""`hindcast baseline build`: the same baseline from every kind of file, readable complaints, one whole file."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq
import pytest

from metrics.reference import Baseline, Categorical, Numeric, decode_baseline
from models.errors import ConfigError, HindcastError, WorldError
from runtime import baseline_build, baseline_files
from runtime.baseline_passes import Build
from runtime.cli import main
from runtime.settings import Settings, load
from runtime.settings.baseline import performance_by_path

Row = Mapping[str, object]

ROWS: list[dict[str, Any]] = [
    {
        "transaction_id": f"t-{i}",
        "timestamp": "2026-11-21T10:00:00Z",
        "model_version": "v1",
        "predicted_fraud_score": (i % 10) / 10 + 0.05,
        "actual_fraud": int(i % 10 > 6),
        "features": {
            "amount": None if i % 9 == 0 else i * 1.5,
            "visits": i % 4,
            "country": None if i % 11 == 0 else ("DE", "FR", "NA")[i % 3],
            "member": i % 2 == 0,
            "comment": f"free text {i}",
            "since": "2020-01-31",
        },
    }
    for i in range(60)
]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HINDCAST_CONFIG", raising=False)


def settings(**model: object) -> Settings:
    return Settings.model_validate({"models": {"fraud": {"predictions": {"topic": "p"}, **model}}})


def flat(rows: Sequence[dict[str, Any]]) -> list[Row]:
    return [{name: cell for name, cell in row.items() if name != "features"} | row["features"] for row in rows]


def json_lines(rows: Sequence[Row], name: str = "train.jsonl") -> Path:
    path = Path(name)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def csv(text: str) -> Path:
    path = Path("train.csv")
    path.write_text(text)
    return path


def build(path: Path, features: Sequence[str] | None = None, model: Settings | None = None) -> Baseline:
    assert baseline_build.run(model or settings(), path, None, Path("out.json"), features, "2026-11-21T10:00:00Z") == 0
    return decode_baseline(Path("out.json").read_bytes())


def written(kind: str) -> Path:
    if kind == "jsonl":
        return json_lines(ROWS)
    path = Path(f"train.{kind}")
    if kind == "csv":
        pc_csv.write_csv(pa.Table.from_pylist(flat(ROWS)), path)
    else:
        pq.write_table(pa.Table.from_pylist(ROWS), path, row_group_size=13)
    return path


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_every_kind_of_file_makes_the_same_baseline(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = build(written(kind))
    assert (found.model, found.records, found.created_at) == ("fraud", 60, "2026-11-21T10:00:00Z")
    assert list(found.features) == ["amount", "visits", "country", "member"]
    amount, country, member = (found.features[name] for name in ("amount", "country", "member"))
    assert isinstance(amount, Numeric)
    assert (amount.min, amount.max, amount.counts[:4]) == (1.5, 88.5, [0, 7, 0, 0])
    assert isinstance(found.features["visits"], Numeric)
    assert country == Categorical(categories=["DE", "FR", "NA"], counts=[0, 6, 0, 0, 0, 18, 18, 18])
    assert member == Categorical(categories=["false", "true"], counts=[0, 0, 0, 0, 0, 30, 30])
    assert found.performance["accuracy"] == 0.8  # scores of 0.55 and 0.65 are called frauds and are none
    assert found.predictions == {"0": 30, "1": 30}
    assert found.scores is not None
    assert found.scores.positives is not None
    assert sum(found.scores.positives) == 18
    said = capsys.readouterr()
    assert "hindcast: warning: comment is left out: 60 of its 60 values are distinct" in said.err
    assert "hindcast: warning: since is left out: it holds times" in said.err
    assert said.out.startswith("out.json: 60 records; 2 numeric and 2 categorical features; scores; predictions; perf")


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_small_chunks_change_nothing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(kind)
    whole = build(path)
    monkeypatch.setattr(baseline_files, "CHUNK_BYTES", 1000)
    monkeypatch.setattr(baseline_files, "LINES_BYTES", 1000)
    monkeypatch.setattr(baseline_files, "CHUNK_ROWS", 7)
    pieces = build(path)
    assert pieces.scores == whole.scores
    assert pieces.features.keys() == whole.features.keys()
    for one, other in zip(pieces.features.values(), whole.features.values(), strict=True):
        assert one.counts == other.counts


def test_an_absent_key_is_missing_and_a_null_is_null() -> None:
    rows: list[Row] = [{"features": {"a": 1}}, {"features": {"a": None}}, {"features": {}}, {"features": None}, {}]
    assert build(json_lines(rows)).features["a"].counts[:4] == [3, 1, 0, 0]


def test_numbers_of_a_csv_file_may_have_words_for_null_and_blanks() -> None:
    found = build(csv("amount,n\nNA,1\n 2.5,1\nnan,1\n,1\n"))
    assert found.features["amount"].counts[:4] == [0, 2, 0, 1]


def test_a_type_that_shows_late_holds_for_the_whole_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline_files, "CHUNK_BYTES", 64)
    found = build(csv("code,amount\n" + "1,5\n" * 40 + "A7,5.5\n"))
    assert found.features["code"] == Categorical(categories=["1", "A7"], counts=[0, 0, 0, 0, 0, 40, 1])
    assert isinstance(found.features["amount"], Numeric)


def test_the_chosen_features_only() -> None:
    assert list(build(written("csv"), ["visits", "comment"]).features) == ["visits", "comment"]


def test_what_is_configured_says_which_column_means_what() -> None:
    model = settings(
        predictions={"topic": "p", "fields": {"score": "out.p", "features": "in"}},
        labels={"fields": {"actual": "truth"}},
        positive_class="fraud",
    )
    truth = ["fraud", "fine", "fine", None]
    rows: list[Row] = [{"out": {"p": 0.9}, "truth": name, "in": {"x": i}, "score": 7} for i, name in enumerate(truth)]
    found = build(json_lines(rows), model=model)
    assert found.performance["precision"] == pytest.approx(1 / 3)
    assert found.predictions == {"fraud": 4}
    assert list(found.features) == ["score", "x"]


@pytest.mark.parametrize(
    ("positive", "classes"),
    [(1, "1 0 1.0"), (1, "True False true"), (True, "1 0 1"), (True, "true false TRUE"), ("yes", "yes no yes")],
)
def test_classes_are_read_however_they_are_written(positive: object, classes: str) -> None:
    found = build(csv("prediction,x\n" + "".join(f"{name},1\n" for name in classes.split())),
                  model=settings(positive_class=positive))  # fmt: skip
    assert found.performance == {"positive_rate": pytest.approx(2 / 3)}
    assert sorted(found.predictions.values()) == [1, 2]


def test_rows_of_other_models_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[Row] = [{"model": name, "x": i} for i, name in enumerate(["fraud", "churn", None, "fraud", "churn"])]
    assert build(json_lines(rows)).records == 3
    assert "rows of other models, left out: 2" in capsys.readouterr().err


def test_several_classes_and_numbers() -> None:
    model = settings(task="multiclass")
    found = build(csv("prediction,actual\ncar,car\nbus,car\nbus,bus\n"), model=model)
    assert found.predictions == {"bus": 2, "car": 1}
    assert found.performance["accuracy"] == pytest.approx(2 / 3)
    found = build(csv("prediction,actual,x\n1,2,0\n2,2,0\n4,,0\n"), model=settings(task="regression"))
    assert (found.performance["mae"], found.performance["bias"], found.predictions) == (0.5, -0.5, {})
    assert found.prediction is not None
    assert (found.prediction.min, found.prediction.max) == (1, 4)


def test_the_centroid_is_the_mean_of_the_directions_of_embeddings(capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[Row] = [{"embedding": [3, 4.0], "x": 1}, {"embedding": None}, {"embedding": [3.0, 0]}]
    rows.append({"embedding": [0.0, 0.0]})
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), "e.parquet")
    for path in (json_lines(rows), Path("e.parquet")):
        found = build(path)
        assert found.centroid == pytest.approx([0.8, 0.4])
        assert found.centroid_scatter is not None
        assert found.centroid_scatter.records == 2
        assert found.centroid_scatter.variance == pytest.approx(0.2)  # both are sin(26.57 degrees) off
        assert "embedding is left out: in 1 rows, where it is 0 or not finite" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("score,x\n3.5,1\n", "train.csv: score: 3.5 is no score"),
        ("score,x\nhigh,1\n", "train.csv: score: its values are not all numbers"),
        ("score,actual\n0.5,maybe\n", "train.csv: actual: 'maybe' is not of the kind of the positive class 1"),
        ("x,x\n1,2\n", "train.csv: x: two columns have this name"),
        ("x,y\n", "train.csv: no rows that can be read"),
        ("model,y\nchurn,1\n", "train.csv: no rows of model fraud"),
        ("", "train.csv: Empty CSV file"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_the_column(text: str, said: str) -> None:
    with pytest.raises(WorldError) as caught:
        build(csv(text))
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
    assert not Path("out.json").exists()


def test_a_csv_cell_that_is_no_text_names_its_column() -> None:
    Path("train.csv").write_bytes(b"x,name\n1,\xff\xfe\n")
    with pytest.raises(WorldError, match=r"train\.csv: name: invalid UTF8"):
        build(Path("train.csv"))


@pytest.mark.parametrize(("vectors", "said"), [([[1], [1, 2]], "of 1 and of 2"), ([[1], "x"], "not all lists")])
def test_embeddings_that_do_not_fit(vectors: list[object], said: str) -> None:
    with pytest.raises(WorldError, match=f"embedding: .*{said}"):
        build(json_lines([{"embedding": vector} for vector in vectors]))


@pytest.mark.parametrize(
    ("features", "said"),
    [(["visit"], "visit is no column, did you mean visits?"), (["timestamp"], "timestamp: it holds times")],
)
def test_a_feature_that_cannot_be_one_is_wrong_use(features: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=f"--features: {said.replace('?', '.')}"):
        build(written("csv"), features)


def test_lines_and_rows_that_cannot_be_read_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    Path("train.jsonl").write_bytes(b'{"x": 1}\n[]\n{"x":\n\n{"x": 2}\n\xff\n')
    assert build(Path("train.jsonl")).records == 2
    assert "rows that could not be read, left out: 3" in capsys.readouterr().err
    assert build(csv("x,y\n1,2\n3\n5,6\n")).records == 2
    assert "left out: 1" in capsys.readouterr().err


def test_a_sample_is_said_to_be_one(capsys: pytest.CaptureFixture[str]) -> None:
    path = csv("x\n" + "".join(f"{i}\n" for i in range(500)))
    one = Build(path, "fraud", settings().models["fraud"], None, numbers_max=100)
    found = one.survey(lambda _share: None)
    assert found.surveys["x"].sampled
    baseline, _ = one.count(found, "", lambda _share: None)
    assert sum(baseline.features["x"].counts) == 500


def test_an_old_file_stays_whole_when_the_new_one_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Path("out.json")
    target.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(WorldError, match=r"out\.json: No space left"):
        build(written("jsonl"))
    assert target.read_text() == "old"
    assert sorted(path.name for path in Path().iterdir()) == ["out.json", "train.jsonl"]


@pytest.mark.parametrize(("name", "said"), [("*", "name it"), ("a/b", "--out: is needed")])
def test_a_model_whose_name_makes_no_file_name(name: str, said: str) -> None:
    several = Settings.model_validate({"models": {"*": {"predictions": {"topic": "p"}}}})
    with pytest.raises(ConfigError, match=said):
        baseline_build.run(several, csv("x\n1\n"), name, None, None, "")


def test_the_command_makes_the_file_that_the_configuration_names() -> None:
    Path("hindcast.yaml").write_text(
        "models: {fraud: {predictions: {topic: fraud_predictions}, baseline: baselines/fraud.json}}\n"
    )
    assert main(["baseline", "build", str(written("csv")), "--model", "fraud"]) == 0
    text = Path("baselines/fraud.json").read_text()
    assert text.startswith('{\n  "schema": "hindcast.baseline/1",\n  "model": "fraud",\n')
    assert len(text.splitlines()) < 80
    found = load(Path("hindcast.yaml"), {}).models["fraud"].baseline
    assert found == decode_baseline(text.encode())
    assert performance_by_path(found)["metrics.accuracy"] == 0.8


@pytest.mark.parametrize(("arguments", "code"), [("none.csv", 1), ("none.xls", 2)])
def test_the_command_ends_with_its_code_and_one_line(
    arguments: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["baseline", "build", arguments]) == code
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_directory_is_no_file() -> None:
    Path("dir.csv").mkdir()
    with pytest.raises(HindcastError, match="No such file"):
        build(Path("dir.csv"))
