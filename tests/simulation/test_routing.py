"""Whatever fails, and whenever the process dies: who must hear of an incident does, once, in order, and its end."""

from collections import defaultdict
from collections.abc import Iterator
from random import Random

import pytest

from models.alert_event import AlertEvent
from tests.simulation.routing_world import Attempt, World

RUNS, PARTS = 10_000, 20
MOODS = ["well", "well", "moody", "limited", "server", "arrives late", "lost", "refused"]


def live(seed: int) -> World:
    random = Random(seed)
    world = World(random, crash_rate=random.choice([0.0, 0.02, 0.05]))
    for _ in range(random.randint(5, 13)):
        for _ in range(random.choice([0, 1, 1, 2, 5])):
            world.fire_or_resolve()
        if random.random() < 0.1:
            world.silence()
        if random.random() < 0.3:
            world.mood[random.choice(world.channels).name] = random.choice(MOODS)
        world.step()
        world.now_ms += random.choice([100, 1_000, 5_000, 20_000, 100_000])
    settle(world)
    return world


def settle(world: World) -> None:
    """Everything is well again; some alerts go on firing. The day's digest comes, and the next one."""
    world.mood, world.crash_rate = {}, 0.0
    for incident in list(world.fires.values()):
        if world.random.random() < 0.7:
            world.happens(world.ending(incident))
    run_out(world)


def run_out(world: World) -> None:
    for pause_ms in [*[20_000] * 4, *[130_000] * 6, *[21_600_000] * 5, *[3_500] * 4]:
        world.step()
        world.now_ms += pause_ms


def problems(world: World) -> Iterator[str]:
    yield from world.problems
    for channel, attempts in world.attempts.items():
        yield from copies(channel, attempts)
        heard = told(attempts)
        for fingerprint, said in heard.items():
            yield from order(world, channel, fingerprint, said)
            yield from pace(world, channel, fingerprint, attempts)
            yield from obedience(world, channel, fingerprint, attempts)
    yield from completeness(world)


Said = tuple[int, AlertEvent, int, bool]
"""When it was fixed, the alert, how many were missed, and whether it came through."""


def told(attempts: list[Attempt], *, through: bool = True) -> dict[str, list[Said]]:
    """What was said of each alert, copies left out; with or without what never came through."""
    arrived = {attempt.notification.key for attempt in attempts if attempt.delivered}
    said: dict[str, list[Said]] = defaultdict(list)
    for notification in {a.notification.key: a.notification for a in reversed(attempts)}.values():
        for alert in notification.alerts if notification.key in arrived or not through else ():
            at_ms = notification.at_ms
            said[alert.fingerprint].append((at_ms, alert, notification.missed, notification.key in arrived))
    for some in said.values():
        some.sort(key=lambda one: one[0])
    return said


def copies(channel: str, attempts: list[Attempt]) -> Iterator[str]:
    first: dict[str, tuple[AlertEvent, ...]] = {}
    for number, attempt in enumerate(attempts):
        key, alerts = attempt.notification.key, attempt.notification.alerts
        if first.setdefault(key, alerts) != alerts:
            yield f"{channel}: {key} says one thing and then another"
        before = attempts[number - 1] if number else None
        if (
            before is not None
            and before.delivered
            and before.notification.key != key
            and key in seen_before(attempts, number)
        ):
            yield f"{channel}: {key} is told again after another message came through"


def seen_before(attempts: list[Attempt], number: int) -> set[str]:
    return {attempt.notification.key for attempt in attempts[:number] if attempt.delivered}


def order(world: World, channel: str, fingerprint: str, said: list[Said]) -> Iterator[str]:
    open_since: int | None = None
    ended = -1
    for at_ms, alert, _, _ in said:
        start, where = alert.starts_at_ms, f"{channel} {fingerprint} at {at_ms}"
        if start <= ended:
            yield f"{where}: incident {start} is told after its end or a later one's"
        if open_since not in (None, start) and not refused(world, channel, fingerprint, open_since):
            yield f"{where}: incident {start} is told before the end of {open_since}"
        open_since = start if alert.status == "firing" else None
        ended = ended if alert.status == "firing" else start
    if (
        open_since is not None
        and world.incidents[fingerprint, open_since].over
        and not refused(world, channel, fingerprint, open_since)
    ):
        yield f"{channel} {fingerprint}: the end of {open_since} was never told"


def pace(world: World, channel: str, fingerprint: str, attempts: list[Attempt]) -> Iterator[str]:
    """A page: that it fires, or that it fired and was over before it could be told."""
    renews = channel.startswith("prom")
    least_ms = 60_000 if renews else world.routing.routes[0].repeat_every_ms
    last_ms, known, heard = -(2**53), None, None
    for at_ms, alert, _, through in told(attempts, through=False)[fingerprint]:
        start = alert.starts_at_ms
        if through and (alert.status == "firing" or start != known) and alert.priority != "P3":
            if at_ms < last_ms + least_ms and not (renews and start != heard):
                yield f"{channel} {fingerprint}: paged at {last_ms} and again at {at_ms}"
            last_ms, heard = at_ms, start
        known = start


def obedience(world: World, channel: str, fingerprint: str, attempts: list[Attempt]) -> Iterator[str]:
    known = None
    for at_ms, alert, _, through in told(attempts, through=False)[fingerprint]:
        is_end = alert.status == "resolved" and alert.starts_at_ms == known
        if through and not is_end and fingerprint in world.hidden_at[at_ms]:
            yield f"{channel} {fingerprint}: told at {at_ms}, when it was silenced or inhibited"
        if through and not world.incidents[fingerprint, alert.starts_at_ms].may_be_told:
            yield f"{channel} {fingerprint}: {alert.starts_at_ms} was told and was hidden all its life"
        known = alert.starts_at_ms


def completeness(world: World) -> Iterator[str]:
    heard = {channel: told(attempts) for channel, attempts in world.attempts.items()}
    for (fingerprint, start), incident in world.incidents.items():
        for channel in world.audience(incident.event) if incident.must_be_told else ():
            if knows(heard[channel][fingerprint], start) or hidden_at_last(world, fingerprint):
                continue
            other = world.fallback(channel)
            if not refused(world, channel, fingerprint, start):
                yield f"{channel} {fingerprint}: {start} was never told"
            elif other and not (hears(heard[other][fingerprint], start) or refused(world, other, fingerprint, start)):
                yield f"{other} {fingerprint}: {start} was refused by {channel} and not told here"


def knows(said: list[Said], start: int) -> bool:
    """It was told itself, or a later message counts it among those that came and went."""
    return any(alert.starts_at_ms == start or (alert.starts_at_ms > start and missed) for _, alert, missed, _ in said)


def hears(said: list[Said], start: int) -> bool:
    return any(alert.starts_at_ms >= start for _, alert, _, _ in said)


def hidden_at_last(world: World, fingerprint: str) -> bool:
    """The alert may not be told of now; what could not be told before that is told when it may."""
    return fingerprint in world.hidden_at[max(world.hidden_at)]


def refused(world: World, channel: str, fingerprint: str, start: int) -> bool:
    return any(
        not attempt.outcome.retryable and knows(said_of(attempt, fingerprint), start)
        for attempt in world.attempts[channel]
    )


def said_of(attempt: Attempt, fingerprint: str) -> list[Said]:
    return told([attempt], through=False)[fingerprint]


@pytest.mark.parametrize("part", range(PARTS))
def test_everybody_hears_of_every_incident_once_and_of_its_end(part: int) -> None:
    for seed in range(part * RUNS // PARTS, (part + 1) * RUNS // PARTS):
        found = list(problems(live(seed)))
        assert not found, f"seed {seed}: {found[0]} (and {len(found) - 1} more)"
