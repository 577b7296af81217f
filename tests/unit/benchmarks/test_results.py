import pytest

from benchmarks.harness.results import Results, as_json, ratios, targets
from benchmarks.harness.sampling import Throughput
from benchmarks.harness.throughput import ONE_WORKER, ONE_WORKER_FEATURES


def run(cpu_us_per_event: float) -> Throughput:
    return Throughput(1_000, 1e5, cpu_us_per_event, 1 << 20)


@pytest.mark.parametrize(("cpu_us", "met"), [(15.0, True), (15.1, False)])
def test_watching_features_is_held_to_its_target(cpu_us: float, met: bool) -> None:
    (target,) = targets(Results("ci", {}, {ONE_WORKER_FEATURES: [run(cpu_us)]}))
    assert (target.reached, target.met) == (cpu_us, met)


def test_what_features_cost_stands_beside_the_run_without_them() -> None:
    found = Results("ci", {}, {ONE_WORKER: [run(6.0)], ONE_WORKER_FEATURES: [run(9.0)]})
    assert ratios(found.programs) == {"features_over_one_worker_cpu": 1.5}
    assert as_json(found)["ratios"] == {"features_over_one_worker_cpu": 1.5}


def test_without_the_stage_there_is_nothing_of_it() -> None:
    found = Results("ci", {}, {ONE_WORKER: [run(6.0)]})
    assert ratios(found.programs) == {}
    assert [target.what for target in targets(found)] == ["CPU of one event, end to end"]
