"""Simulated traffic: what its options promise is what comes out."""

from collections import Counter
from itertools import islice

import orjson
import pytest

from models.errors import ConfigError
from runtime.simulate_options import SimulateOptions
from runtime.traffic import TimedRecord, traffic
from runtime.traffic_bad import KINDS
from tests.support.recount import Recount, recount
from tests.support.recount_records import Raw, Rules

START_MS = 1_763_000_040_000
WHOLE_DAY = Rules(window_ms=86_400_000, horizon_ms=86_400_000)


def run(**options: object) -> list[TimedRecord]:
    defaults: dict[str, object] = {"rate": 1000, "seconds": 10, "wait_for_labels": True}
    return list(traffic(SimulateOptions(**defaults | options), START_MS))  # type: ignore[arg-type]


def raw(records: list[TimedRecord]) -> list[Raw]:
    return [Raw(r.topic, 0, offset, r.value, r.timestamp_ms) for offset, r in enumerate(records)]


def values(records: list[TimedRecord], topic: str) -> list[dict[str, object]]:
    return [orjson.loads(r.value) for r in records if r.topic == topic]


def counted(records: list[TimedRecord]) -> Recount:
    return recount(raw(records), WHOLE_DAY)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    everything = {"disorder": 0.2, "duplicates": 0.1, "corrections": 0.1, "bad": 0.05, "shadow": 0.1}
    assert run(**everything) == run(**everything)
    assert run() != run(seed=2)


def test_records_come_in_publish_order_across_stretches() -> None:
    times = [r.publish_ms for r in run(seconds=15, disorder=0.3, early=0.1, duplicates=0.1, bad=0.1, rate=1333.3)]
    assert times == sorted(times)


def test_a_prediction_reads_like_the_examples() -> None:
    first = orjson.loads(run()[0].value)
    assert list(first) == [
        "transaction_id",
        "timestamp",
        "amount",
        "merchant",
        "country",
        "predicted_fraud_score",
        "predicted_fraud",
        "model_version",
    ]
    assert first["timestamp"].endswith("Z")
    assert run()[0].key is None


def test_keyed_records_carry_their_id() -> None:
    assert all(r.key == orjson.loads(r.value)["transaction_id"].encode() for r in run(keyed=True, shadow=0.2))


def test_counts_follow_rate_and_shares() -> None:
    records = run(labelled=0.5, duplicates=0.1)
    topics = Counter(r.topic for r in records)
    assert counted(records).predictions == 10_000
    assert topics["predictions"] == pytest.approx(11_000, rel=0.03)
    assert topics["labels"] == pytest.approx(5_500, rel=0.05)


def test_scores_rank_frauds_about_as_well_as_a_real_model() -> None:
    aucs = [found.metrics["auc"] for found in counted(run(rate=400, seconds=60, fraud_rate=0.1)).windows.values()]
    assert len(aucs) == 2
    assert all(auc is not None and 0.85 < auc < 0.94 for auc in aucs)


def test_degradation_starts_when_it_shall() -> None:
    records = raw(run(rate=200, seconds=120, fraud_rate=0.2, degrade_at_seconds=60, versions=("v",)))
    before, after = (w.metrics["auc"] for _, w in sorted(recount(records, Rules()).windows.items()))
    assert before is not None
    assert after is not None
    assert before - after > 0.15


def test_a_recovered_model_is_as_good_as_before() -> None:
    options = {"rate": 200, "seconds": 180, "fraud_rate": 0.2, "versions": ("v",)}
    records = run(**options, degrade_at_seconds=60, recover_at_seconds=120)
    before, during, after = (w.metrics["auc"] for _, w in sorted(recount(raw(records), Rules()).windows.items()))
    assert before is not None
    assert during is not None
    assert after == pytest.approx(before, abs=0.05)
    assert before - during > 0.15


@pytest.mark.parametrize("degrade_at", [None, 60.0, 90.0])
def test_a_recovery_needs_something_to_recover_from(degrade_at: float | None) -> None:
    with pytest.raises(ConfigError, match="recover_at: must be later than degrade_at"):
        SimulateOptions(degrade_at_seconds=degrade_at, recover_at_seconds=60.0)


def test_frauds_are_found_sooner_than_the_median_and_nothing_before_its_event() -> None:
    records = run(fraud_rate=0.5, label_delay_seconds=100, labelled=1.0)
    (latencies,) = [w.latency_seconds for w in recount(raw(records), WHOLE_DAY).windows.values()][:1]
    assert min(latencies) >= 0
    assert 70 < latencies[len(latencies) // 2] < 90  # the middle of 60 and 100 of two log-normal halves


def test_disorder_holds_back_its_share_of_the_records() -> None:
    records = [r for r in run(disorder=0.2) if r.topic == "predictions"]
    times = [orjson.loads(r.value)["timestamp"] for r in records]
    overtaken = sum(time < max(times[max(0, i - 5000) : i + 1]) for i, time in enumerate(times))
    assert overtaken / len(times) == pytest.approx(0.2, abs=0.03)
    assert run(disorder=0)[0].publish_ms == START_MS


def test_early_labels_come_before_their_prediction_and_still_join() -> None:
    records = run(early=0.2, labelled=1.0)
    seen: dict[str, str] = {}
    for record in records:
        seen.setdefault(orjson.loads(record.value)["transaction_id"], record.topic)
    assert Counter(seen.values())["labels"] == pytest.approx(2_000, rel=0.1)
    assert counted(records).joined == 10_000


def test_corrections_flip_and_withdrawals_unlabel() -> None:
    plain, corrected = run(labelled=1.0), run(labelled=1.0, corrections=0.1, withdrawals=0.05)
    assert counted(plain).joined == 10_000
    assert counted(corrected).joined == pytest.approx(9_500, rel=0.02)
    truths: dict[str, list[object]] = {}
    for value in values(corrected, "labels"):
        truths.setdefault(str(value["transaction_id"]), []).append(value["actual_fraud"])
    pairs = [pair for pair in truths.values() if len(pair) == 2]
    assert len(pairs) == pytest.approx(1_500, rel=0.1)
    assert all(a != b for a, b in pairs)


def test_copies_never_change_what_is_counted() -> None:
    records = run(duplicates=0.3, shadow=0.1)
    spread = [
        Raw(r.topic, offset % 5, offset, r.value, r.timestamp_ms) for offset, r in enumerate(records)
    ]  # any partition
    assert recount(spread, WHOLE_DAY).windows == counted(records).windows
    predictions = [r.value for r in records if r.topic == "predictions"]
    ids = Counter((v["transaction_id"], v["model_version"]) for v in map(orjson.loads, predictions))
    conflicting = len(set(predictions)) - len(ids)
    assert conflicting == pytest.approx(300, rel=0.25)


def test_shadowed_ids_are_predicted_by_both_versions() -> None:
    versions: dict[object, set[object]] = {}
    for value in values(run(shadow=0.1), "predictions"):
        versions.setdefault(value["transaction_id"], set()).add(value["model_version"])
    assert sum(len(both) == 2 for both in versions.values()) == pytest.approx(1_000, rel=0.15)


def test_exactly_the_bad_records_are_bad() -> None:
    good, mixed = run(), run(bad=0.05)
    assert counted(good).bad == set()
    assert len(counted(mixed).bad) == len(mixed) - len(good)
    assert counted(mixed).windows.keys() == counted(good).windows.keys()


@pytest.mark.parametrize("kind", range(len(KINDS)))
def test_every_bad_kind_is_refused(kind: int) -> None:
    topic, make = KINDS[kind]
    record = Raw(topic, 0, 0, make("tx-1", "2025-11-13T02:14:00.000Z"))  # type: ignore[arg-type]
    assert recount([record], Rules()).bad == {(topic, 0, 0)}


def test_a_live_stream_ends_with_its_time_and_leaves_later_labels_out() -> None:
    records = run(seconds=10, wait_for_labels=False, label_delay_seconds=5)
    assert max(r.publish_ms for r in records) < START_MS + 10_000
    assert 0 < sum(r.topic == "labels" for r in records) < 9_500


def test_without_an_end_it_goes_on() -> None:
    records = list(islice(traffic(SimulateOptions(rate=10_000), START_MS), 50_000))
    assert len(records) == 50_000


def test_impossible_options_are_refused_all_at_once() -> None:
    with pytest.raises(ConfigError) as refused:
        SimulateOptions(rate=0, fraud_rate=2, versions=())
    assert [problem.split(":")[0] for problem in refused.value.problems] == [
        "simulate.fraud_rate",
        "simulate.rate",
        "simulate.versions",
    ]
