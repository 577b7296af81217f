"""Trying out channels: ``hindcast alerts send-test``, and what ``hindcast check`` says of them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import typer

from alerting.channels.build import build_channel
from alerting.notification import Channel, ChannelError, Notification
from models.alert_event import AlertEvent
from models.errors import ConfigError
from runtime.alert_plan import AlertPlan, alert_plan
from runtime.clock import now_ms
from runtime.letter import plain
from runtime.settings import Settings
from runtime.settings.suggest import suggestion

TIMEOUT_SECONDS: Final = 30.0
_RESOLVED_TOO: Final = {"pagerduty", "alertmanager"}
"""Kinds at which a test that only fires would stay open."""

Attempt = Callable[[str, Channel], Awaitable[None]]


def send_test(settings: Settings, receiver: str) -> int:
    """Post a test through each channel of the receiver, an outcome a line; 1 if one failed."""
    plan = alert_plan(settings)
    return 0 if post_tests(plan, channels_of(plan, receiver)) else 1


def channels_of(plan: AlertPlan, receiver: str) -> list[str]:
    """Names of the channels that the receiver reaches people by; of a digest, those that it goes via."""
    known = {one.name: one for one in plan.routing.everyone}
    if receiver not in known:
        raise ConfigError([f"no receiver {receiver}{suggestion(receiver, known)}"])
    digest = known[receiver].digest
    return [limits.name for limits in known[digest.via if digest else receiver].channels]


def post_tests(plan: AlertPlan, names: Iterable[str]) -> bool:
    """Post through these channels; whether all of them took it."""
    return _try(plan, names, "sent", _post)


def check_channels(plan: AlertPlan) -> bool:
    """Ask each channel whether it can be reached, post nothing; whether all can."""
    return _try(plan, plan.specs, "reachable", lambda _, channel: channel.check())


def _try(plan: AlertPlan, names: Iterable[str], fine: str, attempt: Attempt) -> bool:
    outcomes = asyncio.run(_outcomes(plan, list(names), attempt))
    for name, fault in outcomes.items():
        # What went wrong is an error, and stands where errors stand.
        typer.echo(f"channel {name}: {fine if fault is None else plain(fault)}", err=fault is not None)
    return not any(outcomes.values())


async def _outcomes(plan: AlertPlan, names: list[str], attempt: Attempt) -> dict[str, str | None]:
    faults = await asyncio.gather(*(_outcome(plan, name, attempt) for name in names))
    return dict(zip(names, faults, strict=True))


async def _outcome(plan: AlertPlan, name: str, attempt: Attempt) -> str | None:
    """What went wrong, if anything did."""
    channel = build_channel(name, plan.specs[name], plan.hosts, plan.links, now_ms, write=typer.echo)
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await attempt(name, channel)
    except ChannelError as error:
        return f"{error.failure}: {error}"
    except TimeoutError:
        return f"no answer for {TIMEOUT_SECONDS:.0f} s"
    finally:
        await channel.close()
    return None


async def _post(name: str, channel: Channel) -> None:
    token = secrets.token_hex(4)
    receiver, _, kind = name.rpartition("/")
    await channel.send(trial(receiver, name, token, now_ms(), resolved=False))
    if kind in _RESOLVED_TOO:
        await channel.send(trial(receiver, name, token, now_ms(), resolved=True))


def trial(receiver: str, channel: str, token: str, at_ms: int, *, resolved: bool) -> Notification:
    """A message that says that it is a test."""
    alert = AlertEvent(
        fingerprint=f"hindcast-test-{token}",
        rule="test",
        priority="P3",
        severity="info",
        status="resolved" if resolved else "firing",
        model="test",
        model_version="",
        segment="",
        metric="test",
        cause="service",
        window_start_ms=at_ms,
        starts_at_ms=at_ms,
        ends_at_ms=at_ms if resolved else None,
        summary=f"a test by hand, no model is wrong: receiver {receiver} is reached this way",
    )
    key = f"test-{token}-{alert.status}"
    return Notification(key, receiver, channel, "TEST", (("model", "test"),), (alert,), 0, at_ms)
