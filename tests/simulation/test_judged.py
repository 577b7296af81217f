"""From records to messages: what the rules find is told as promised, whichever of the two processes dies, and when."""

from random import Random

import pytest

from tests.simulation.judged_world import JudgedWorld
from tests.simulation.test_routing import MOODS, problems, run_out

RUNS, PARTS = 1_000, 4


def live(seed: int) -> JudgedWorld:
    random = Random(seed)
    world = JudgedWorld(random, crash_rate=random.choice([0.0, 0.01, 0.03]))
    for _ in range(random.randint(5, 13)):
        world.measure(random.choice([0, 1, 1, 2, 4]))
        world.judge()
        if random.random() < 0.1:
            world.silence()
        if random.random() < 0.3:
            world.mood[random.choice(world.channels).name] = random.choice(MOODS)
        world.step()
        world.now_ms += random.choice([100, 1_000, 5_000, 20_000, 100_000])
    world.mood, world.crash_rate = {}, 0.0
    if random.random() < 0.7:
        world.measure(5, well=True)
        world.judge()
    run_out(world)
    return world


@pytest.mark.parametrize("part", range(PARTS))
def test_what_the_rules_find_is_told_once_and_its_end_whatever_fails(part: int) -> None:
    told = crashes = copies = 0
    for seed in range(part * RUNS // PARTS, (part + 1) * RUNS // PARTS):
        world = live(seed)
        found = list(problems(world))
        assert not found, f"seed {seed}: {found[0]} (and {len(found) - 1} more)"
        firing = {event.incident for event in world.evaluator.firing()}
        assert firing == {f"{f}-{incident.event.starts_at_ms}" for f, incident in world.fires.items()}, f"seed {seed}"
        told += len(world.incidents)
        crashes, copies = crashes + world.crashes, copies + world.copies
    assert min(told, crashes, copies) > 50, "something happened"
