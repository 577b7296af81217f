"""Many models on one topic on a real broker: those that are only named by their records count as the configured one."""

import zlib
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from runtime.clock import now_ms
from runtime.traffic import TimedRecord
from tests.support.load import RULES, make_load
from tests.support.recount import recount
from tests.support.recount_records import BadRecordError, Raw, read_prediction
from tests.support.scene import Scene

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]
MODELS = (None, "churn", "credit")


def of_some_model(record: TimedRecord) -> TimedRecord:
    """The prediction as one of the model that its id falls to; of the configured one where no model is named."""
    if record.topic != "predictions":
        return record
    try:
        found = read_prediction(Raw(record.topic, 0, 0, record.value), RULES)
    except BadRecordError:
        return record
    model = MODELS[zlib.crc32(found.id.encode()) % len(MODELS)]
    said = orjson.loads(record.value) | ({} if model is None else {"model": model})
    return record._replace(value=orjson.dumps(said))


def test_every_model_of_a_topic_has_exact_records_of_its_own(broker: str, tmp_path: Path) -> None:
    load = make_load(2_000, seed=8, now_ms=now_ms()).without_keys()
    records = [of_some_model(record) for record in load.records]
    raw = [Raw(r.topic, 0, at, r.value, r.timestamp_ms) for at, r in enumerate(records)]
    load = replace(load, records=records, expected=recount(raw, RULES))
    assert {key[1] for key in load.expected.windows} == {"fraud", "churn", "credit"}
    with Scene(broker, tmp_path, load) as scene:
        scene.settings["models"]["*"] = scene.settings["models"]["fraud"]
        scene.start(2)
        scene.feed(4).finish()
        scene.judge()
