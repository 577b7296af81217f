"""`hindcast skew` on files, and what it is made of."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.skew import Skew
from runtime.cli import main
from runtime.id_sample import OVERHEAD_BYTES
from runtime.settings import ModelSettings
from runtime.skew_match import Match, Side
from runtime.skew_records import Item, Reader

MODEL = ModelSettings.model_validate({"predictions": {"topic": "p"}})
KEY = "0123456789abcdef"
SERVED = [
    {
        "prediction_id": f"secret-{n}",
        "score": 0.5,
        "features": {"amount": n * 1.5, "country": "DE", "member": n % 2 == 0},
    }
    for n in range(40)
]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HINDCAST_CONFIG", raising=False)


def json_lines(name: str, rows: Sequence[Mapping[str, object]]) -> str:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return name


def run(*arguments: str, code: int = 0) -> dict[str, Any]:
    json_lines("served.jsonl", SERVED)
    assert main(["skew", "--predictions", "served.jsonl", "--out", "found.json", *arguments]) == code
    return json.loads(Path("found.json").read_text()) if Path("found.json").exists() else {}


def flat(row: Mapping[str, Any]) -> dict[str, object]:
    return {"id": row["prediction_id"], **row["features"]}


def reference(kind: str) -> str:
    """What was served, but for a fifth of the amounts, one country that is null and one id."""
    rows = [flat(row) for row in SERVED[1:]]
    for row in rows[:8]:
        row["amount"] += 3.0  # type: ignore[operator]
    rows[9]["country"] = None
    if kind == "jsonl":
        return json_lines("ref.jsonl", [{"id": row.pop("id"), "features": row} for row in rows])
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), "ref.parquet")
    else:
        lines = [",".join("" if cell is None else str(cell) for cell in row.values()) for row in rows]
        Path("ref.csv").write_text("\n".join([",".join(rows[0]), *lines]) + "\n")
    return f"ref.{kind}"


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_every_kind_of_file_tells_the_same(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = run("--file", reference(kind))
    assert found["compared"] == 39
    assert (found["serving"]["only_here"], found["reference"]["only_here"]) == (1, 0)
    assert list(found["features"]) == ["amount", "country", "member"]
    amount, country = found["features"]["amount"], found["features"]["country"]
    assert (amount["compared"], amount["mismatches"], amount["max_absolute_difference"]) == (39, 8, 3.0)
    assert amount["mismatch_share"] == 8 / 39
    assert amount["mean_absolute_difference"] == pytest.approx(24 / 39)
    assert (country["compared"], country["mismatches"], country["missing_in_reference"]) == (38, 0, 1)
    assert found["features"]["member"]["mismatches"] == 0
    assert "39 ids compared, numbers within 1e-06" in capsys.readouterr().out


def test_nothing_of_a_record_leaves_but_hashes_of_ids_with_a_key(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"id": row["prediction_id"], "country": "ATLANTIS"} for row in SERVED]
    json_lines("ref.jsonl", rows)
    assert run("--file", "ref.jsonl")["features"]["country"]["examples"] == []
    monkeypatch.setenv("KEY", KEY)
    Path("hindcast.yaml").write_text("privacy: {key: '${KEY}'}\n")
    found = run("--file", "ref.jsonl")
    hashes = {blake2b(f"secret-{n}".encode(), digest_size=16, key=KEY.encode()).hexdigest() for n in range(40)}
    examples = found["features"]["country"]["examples"]
    assert len(examples) == 5
    assert set(examples) <= hashes
    said = capsys.readouterr()
    everything = said.out + said.err + Path("found.json").read_text()
    assert not [word for word in ("ATLANTIS", "secret", '"DE"') if word in everything]
    assert examples[0][:12] in said.out


def test_too_many_mismatches_end_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    file = reference("jsonl")
    run("--file", file, "--fail-over", "0.21")
    run("--file", file, "--fail-over", "0.2", code=1)
    assert "hindcast: amount: 20.5128% mismatch, over 20.0000%" in capsys.readouterr().err
    run("--file", file, "--fail-over", "0.2", "--features", "country")
    run("--file", file, "--fail-over", "0.2", "--features", "contry", code=1)
    run("--file", file, "--fail-over", "0.01", "--tolerance", "0.99")


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        ("", 2, "--topic, --file: give one of the two"),
        ("--file a.csv --topic t", 2, "--topic, --file: give one of the two"),
        ("--file a.xls", 2, "a.xls: unknown ending, must be one of .csv"),
        ("--file a.csv", 1, "a.csv: No such file"),
        ("--file a.csv --tolerance 2", 2, "--tolerance: must lie within 0 and 1"),
        ("--file a.csv --fail-over 2", 2, "--fail-over: must lie within 0 and 1"),
        ("--file a.csv --since soon", 2, "--since: neither a duration"),
        (
            "--file other.jsonl",
            1,
            "no id is on both sides, nothing can be compared (served.jsonl: 40 records, 0 of them",
        ),
    ],
)
def test_what_is_wrong_is_one_line(arguments: str, code: int, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    json_lines("other.jsonl", [{"id": "x", "amount": 1}])
    run(*arguments.split(), code=code)
    [said] = capsys.readouterr().err.splitlines()
    assert said.startswith(f"hindcast: {line}")


def test_features_that_may_not_be_watched_are_not_compared(capsys: pytest.CaptureFixture[str]) -> None:
    Path("hindcast.yaml").write_text("models: {fraud: {predictions: {topic: p}, features: [country]}}\n")
    file = reference("jsonl")
    assert list(run("--file", file)["features"]) == ["country"]
    run("--file", file, "--features", "amount", code=2)
    assert "hindcast: --features: amount is not among the features that may be watched" in capsys.readouterr().err


def reader(features: Sequence[str] | None = None, **fields: str) -> Reader:
    model = ModelSettings.model_validate({"predictions": {"topic": "p", "fields": fields}})
    return Reader("fraud", model, features, 1000)


def test_features_are_those_of_the_object_else_all_without_another_meaning() -> None:
    inner = b'{"id": 7, "score": 1, "host": "a", "input": {"x": 1, "deep": {"y": [1]}, "none": null}}'
    outer = b'{"id": "7", "timestamp": 5, "model_version": "v", "actual": 1, "x": 1}'
    assert reader().value(inner) == Item(b"7", {"x": 1, "deep.y": [1]})
    assert reader().value(outer) == Item(b"7", {"x": 1})
    assert reader(["x", "host"]).value(inner) == Item(b"7", {"x": 1, "host": "a"})
    assert reader(id="k.id").value(b'{"k": {"id": 1}, "id": 5}') == Item(b"1", {})
    both = reader()
    assert [both.value(one) for one in (outer, inner, outer)] == [
        Item(b"7", {"x": 1}), Item(b"7", {"x": 1, "deep.y": [1]}), Item(b"7", {}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "value", [None, b"", b"[1]", b"{", b'{"x": 1}', b'{"id": [1]}', b'{"id": 1.5}', b" " * 2000, b"\xff"]
)
def test_what_cannot_be_read_is_counted(value: bytes | None) -> None:
    one = reader()
    assert one.value(value) is None
    assert (one.read, one.bad, one.others) == (1, 1, 0)


def test_records_of_other_models_are_counted() -> None:
    one = reader()
    assert one.value(b'{"id": 1, "model": "churn"}') is None
    assert one.value(b'{"id": 1, "model": "fraud", "x": 1}') == Item(b"1", {"x": 1})
    assert (one.read, one.bad, one.others) == (2, 0, 1)


def pieces(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[at : at + size] for at in range(0, len(items), size))


sides = st.lists(st.builds(Item, st.integers(0, 15).map(lambda n: b"%d" % n), st.just({"a": 1})), max_size=30)


@given(sides, sides, st.integers(1, 9), st.integers(1, 9))
@settings(deadline=None)
def test_however_the_two_sides_come_each_pair_is_compared_once(
    served: list[Item], known: list[Item], size: int, other: int
) -> None:
    match = Match(Skew(0), Side(pieces(served, size)), Side(pieces(known, other)))
    match.run()
    here, there = Counter(one.id for one in served), Counter(one.id for one in known)
    assert match.skew.records == len(here.keys() & there.keys())
    assert match.serving.alone == len(here.keys() - there.keys())
    assert match.reference.alone == len(there.keys() - here.keys())
    assert (match.serving.items, match.reference.items) == (len(served), len(known))
    assert match.serving.duplicates == len(served) - len(here)
    assert match.reference.duplicates == len(known) - len(there)


@pytest.mark.parametrize("small_first", [True, False])
def test_the_smaller_side_is_held_whole_however_large_the_other_is(small_first: bool) -> None:
    small = [Item(b"%d" % (n * 100), {"a": n}) for n in range(50)]
    large = [Item(b"%d" % n, {"a": n / 100}) for n in range(5000)]
    served, known = (small, large) if small_first else (large, small)
    match = Match(Skew(1e-9), Side(pieces(served, 10)), Side(pieces(known, 10)), 200 * (OVERHEAD_BYTES + 20))
    match.run()
    assert (match.share, match.skew.records, match.skew.features["a"].mismatches) == (1.0, 50, 0)
    assert max(match.serving.alone, match.reference.alone) == 4950


def test_two_sides_that_are_both_too_large_are_compared_by_the_same_sample_of_ids() -> None:
    served = [Item(b"%d" % n, {"a": n}) for n in range(2000)]
    known = [Item(b"%d" % n, {"a": n + n % 2}) for n in reversed(range(2000))]
    match = Match(Skew(0), Side(pieces(served, 100)), Side(pieces(known, 100)), 300 * (OVERHEAD_BYTES + 20))
    match.run()
    assert match.share in {1 / 8, 1 / 16}
    assert abs(match.skew.records - 2000 * match.share) < 5 * (2000 * match.share) ** 0.5
    assert match.skew.features["a"].mismatch_share == pytest.approx(0.5, abs=0.15)
