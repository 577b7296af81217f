"""Rows of files in the shape of records."""

import json
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.errors import ConfigError, WorldError
from runtime import files_arrow
from runtime.files import CHUNK_RECORDS, read_chunks


def values(path: Path, *text: str) -> list[bytes]:
    return [record.value for chunk in read_chunks(path, text) for record in chunk]


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_json_lines_stay_as_they_are_bad_ones_too(tmp_path: Path) -> None:
    content = b'{"id":"a", "score": 0.5}\r\n{"id":\n\n  \n\xff\xfe\n{"id":"b"}'
    path = written(tmp_path / "p.jsonl", content)
    assert values(path) == [b'{"id":"a", "score": 0.5}', b'{"id":', b"\xff\xfe", b'{"id":"b"}']


def test_records_are_numbered_in_order_across_chunks(tmp_path: Path) -> None:
    path = written(tmp_path / "p.ndjson", "{}\n" * (CHUNK_RECORDS + 5))
    chunks = list(read_chunks(path))
    assert [len(chunk) for chunk in chunks] == [CHUNK_RECORDS, 5]
    assert [record.offset for chunk in chunks for record in chunk] == list(range(CHUNK_RECORDS + 5))
    assert (chunks[0][0].timestamp, chunks[0][0].key) == (-1, None)


def test_csv_cells_get_their_types_and_empty_ones_are_absent(tmp_path: Path) -> None:
    path = written(
        tmp_path / "p.csv",
        "id,score,predicted,amount,timestamp,country\n"
        "a,0.25,true,7,2025-11-13T02:14:00.123456Z,DE\n"
        'b,,false,,2025-11-13T02:14:01Z,"Paris, FR"\n',
    )
    assert [orjson.loads(value) for value in values(path)] == [
        {
            "id": "a",
            "score": 0.25,
            "predicted": True,
            "amount": 7,
            "timestamp": "2025-11-13T02:14:00.123456Z",
            "country": "DE",
        },
        {"id": "b", "predicted": False, "timestamp": "2025-11-13T02:14:01Z", "country": "Paris, FR"},
    ]


def test_csv_ids_named_as_text_keep_their_zeros(tmp_path: Path) -> None:
    path = written(tmp_path / "p.csv", "id,score\n007,1\n")
    assert orjson.loads(values(path, "id")[0]) == {"id": "007", "score": 1}


def test_a_csv_cell_that_does_not_fit_spoils_its_own_row_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_arrow, "BLOCK_BYTES", 4096)
    rows = [f"tx{i},0.5" for i in range(3000)]
    rows[2000] = "tx2000,high"
    path = written(tmp_path / "p.csv", "id,score\n" + "\n".join(rows) + "\n")
    found = [orjson.loads(value) for value in values(path)]
    assert len(found) == 3000
    assert found[2000] == {"id": "tx2000", "score": "high"}
    assert found[1999] == {"id": "tx1999", "score": 0.5}


def test_a_csv_row_with_too_few_cells_or_no_utf8_stays_bad_bytes(tmp_path: Path) -> None:
    path = written(tmp_path / "p.csv", b"id,country,score\na,DE,0.5\nb,0.7\nc,\xff\xfe,0.9\nd,FR,0.1\n")
    found = values(path)
    assert len(found) == 4
    good = [orjson.loads(value) for value in found if value.startswith(b"{")]
    assert [row["id"] for row in good] == ["a", "d"]
    assert sorted(value for value in found if not value.startswith(b"{")) == [b"b,0.7", b"c,\xff\xfe,0.9"]


def test_a_csv_nan_stays_nan_for_the_decoder_to_refuse(tmp_path: Path) -> None:
    _, value = values(written(tmp_path / "p.csv", "id,score\na,0.5\nb,nan\n"))
    assert b"NaN" in value
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(value)


def test_parquet_keeps_types_nulls_and_nested_features(tmp_path: Path) -> None:
    at = datetime(2025, 11, 13, 2, 14, 0, 123456, UTC)
    table = pa.table(
        {
            "id": pa.array(["a", "b"]),
            "timestamp": pa.array([at, at], pa.timestamp("us", "UTC")),
            "score": pa.array([0.25, None]),
            "actual": pa.array([True, None]),
            "country": pa.array(["DE", "DE"]).dictionary_encode(),
            "features": pa.array([{"amount": 7.5}, None]),
        }
    )
    pq.write_table(table, tmp_path / "p.parquet")
    first, second = (orjson.loads(value) for value in values(tmp_path / "p.parquet"))
    assert first == {
        "id": "a",
        "timestamp": "2025-11-13T02:14:00.123456Z",
        "score": 0.25,
        "actual": True,
        "country": "DE",
        "features": {"amount": 7.5},
    }
    assert second["actual"] is None


def test_every_format_says_the_same(tmp_path: Path) -> None:
    rows = [{"id": f"tx{i}", "score": i / 100, "predicted": i > 50} for i in range(100)]
    written(tmp_path / "p.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    written(tmp_path / "p.csv", "id,score,predicted\n" + "".join(f"{','.join(map(str, r.values()))}\n" for r in rows))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "p.parquet")
    for ending in ("jsonl", "csv", "parquet"):
        assert [orjson.loads(value) for value in values(tmp_path / f"p.{ending}")] == rows


def test_a_missing_file_and_a_lying_ending_are_one_line_each(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match=r"^[^\n]*none\.csv: No such file"):
        values(tmp_path / "none.csv")
    with pytest.raises(WorldError, match=r"^[^\n]*lie\.parquet: [^\n]+$"):
        values(written(tmp_path / "lie.parquet", "id,score\n"))
    with pytest.raises(WorldError, match=r"^[^\n]*empty\.csv: [^\n]+$"):
        values(written(tmp_path / "empty.csv", ""))
    with pytest.raises(ConfigError, match=r"xlsx: unknown ending"):
        values(written(tmp_path / "p.xlsx", ""))
