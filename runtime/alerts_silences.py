"""The verb ``hindcast alerts silence``: silences on their topic, which every worker reads."""

from __future__ import annotations

import getpass
import secrets
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import get_args

import typer
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from models.errors import ConfigError, WorldError
from models.metric_record import iso_ms
from models.silence import Matchers, Silence, decode_silence, encode_silence
from runtime.letter import plain
from runtime.settings import Settings
from runtime.settings.alerts import Label
from runtime.settings.alerts_receiver_checks import check_match
from runtime.topic_reader import TIMEOUT_SECONDS, TopicReader, client_config

LABELS = get_args(Label)


def matchers(texts: Sequence[str]) -> Matchers:
    """``model=fraud`` and so on; one label named twice matches either value. Raises ConfigError.

    >>> matchers(["model=fraud", "rule=drift-*", "model=churn"])
    {'model': ['fraud', 'churn'], 'rule': ['drift-*']}
    """
    found: Matchers = {}
    for text in texts:
        label, sign, value = text.partition("=")
        if not sign or not value or label not in LABELS:
            raise ConfigError([f"--match: write label=value with one of {', '.join(LABELS)} (got {text!r})"])
        found.setdefault(label, []).append(value)
    if not found:
        raise ConfigError(["--match: is needed, as model=fraud"])
    return found


def add(settings: Settings, match: Matchers, lasts_ms: int, reason: str, now_ms: int) -> int:
    """Begin a silence now and print its id."""
    silence = Silence(
        silence_id=secrets.token_hex(4),
        match=match,
        starts_at_ms=now_ms,
        ends_at_ms=now_ms + lasts_ms,
        reason=reason,
        created_by=_user(),
    )
    for doubt in doubts(settings, match):
        typer.echo(f"hindcast: warning: {doubt}", err=True)
    write(settings, silence.silence_id, silence)
    typer.echo(silence.silence_id)
    return 0


def doubts(settings: Settings, match: Matchers) -> list[str]:
    """What no alert of these settings has. The workers' may be others, so it is a warning."""
    return [str(problem) for problem in check_match(("--match",), match, settings.alerts, list(settings.models))]


def end(settings: Settings, silence_id: str, now_ms: int) -> int:
    """End a silence that was begun on the command line. Raises ConfigError if there is none of that id."""
    if all(silence.silence_id != silence_id for silence in _lasting(settings, now_ms)):
        raise ConfigError([f"--end: no silence {silence_id} lasts (hindcast alerts silence --list)"])
    write(settings, silence_id, None)
    return 0


def list_silences(settings: Settings, now_ms: int) -> int:
    """Print the silences that last, those of the configuration too."""
    from runtime.alert_plan import silences_of

    for silence in [*silences_of(settings.alerts), *_lasting(settings, now_ms)]:
        if silence.ends_at_ms > now_ms:
            typer.echo(plain(line(silence)))
    return 0


def line(silence: Silence) -> str:
    """A silence in words."""
    match = ", ".join(f"{label} {' or '.join(values)}" for label, values in silence.match.items())
    who = f" ({silence.created_by}{': ' if silence.reason else ''}{silence.reason})"
    return f"{silence.silence_id}  {iso_ms(silence.starts_at_ms)} to {iso_ms(silence.ends_at_ms)}  {match}{who}"


def _lasting(settings: Settings, now_ms: int) -> list[Silence]:
    with closing(TopicReader(settings, _topic(settings))) as reader:
        return lasting(((message.key(), message.value()) for message in reader.messages()), now_ms)


def lasting(records: Iterable[tuple[object, bytes | None]], now_ms: int) -> list[Silence]:
    """Of the records of the silences topic, those silences that nobody has ended and time has not."""
    last: dict[object, bytes | None] = dict(records)
    found = []
    for value in filter(None, last.values()):
        try:
            found.append(decode_silence(value))
        except ValueError:  # not ours
            continue
    return [silence for silence in found if silence.ends_at_ms > now_ms]


def _topic(settings: Settings) -> str:
    return f"{settings.kafka.topic_prefix}silences"


def write(settings: Settings, silence_id: str, silence: Silence | None) -> None:
    """Put a silence on its topic, or (None) end it. Raises WorldError if the broker does not take it."""
    faults: list[str] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        faults.extend([] if error is None else [error.str()])

    value = None if silence is None else encode_silence(silence)
    producer = Producer(client_config(settings) | {"acks": "all", "allow.auto.create.topics": False})
    try:
        producer.produce(_topic(settings), key=silence_id.encode(), value=value, on_delivery=delivered)
        left = producer.flush(TIMEOUT_SECONDS)
    except KafkaException as error:
        raise WorldError(f"topic {_topic(settings)}: {error.args[0].str()}") from None
    if left or faults:
        producer.purge()
        raise WorldError(f"topic {_topic(settings)}: {faults[0] if faults else 'the broker did not answer'}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user may have no name
        return "somebody"
