import orjson
import pytest

from models.metric_record import ms_of_iso
from models.pipeline_record import PipelineRecord, decode_pipeline, encode_pipeline

AT_MS = ms_of_iso("2026-11-21T12:00:00Z")
RECORD = PipelineRecord(
    partition=3,
    worker="worker-0",
    fates={"predictions": {"joined": 5, "pending": 2}, "labels": {"joined": 5}},
    watermarks_ms={"fraud": AT_MS},
    rows=7,
    open_windows=2,
    emitted_at_ms=AT_MS + 1_500,
)


def test_a_pipeline_record_is_json_with_times_as_in_all_records() -> None:
    told = orjson.loads(encode_pipeline(RECORD))
    assert told["schema"] == "hindcast.pipeline/1"
    assert (told["watermarks"], told["emitted_at"]) == ({"fraud": "2026-11-21T12:00:00Z"}, "2026-11-21T12:00:01.500Z")
    assert decode_pipeline(encode_pipeline(RECORD)) == RECORD
    assert RECORD.key() == b"3"


@pytest.mark.parametrize("value", [b"[]", b"{}", b'{"schema": "hindcast.alert/1"}', b"nonsense"])
def test_what_is_no_pipeline_record_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a|malformed"):
        decode_pipeline(value)
