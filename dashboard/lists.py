"""What each list of the API holds, as pages of JSON values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

import orjson

from dashboard.alert_store import Said
from dashboard.answers import LetterCount, letter_item, silence_item
from dashboard.errors import RefusedError
from dashboard.metric_record import ROLLING, Held, SeriesName
from dashboard.outcomes import outcomes as merged_outcomes
from dashboard.overview import overview
from dashboard.paging import Key, Page, page
from dashboard.queries import (
    AlertsQuery,
    DecisionsQuery,
    DriftQuery,
    LettersQuery,
    LinesQuery,
    ListQuery,
    MetricsQuery,
    ModelsQuery,
    OutcomesQuery,
    SummaryQuery,
)
from dashboard.store import Store
from dashboard.summary import summary
from models.alert_event import AlertEvent
from models.decision import Decision
from models.letter import Letter
from models.moments import parse_moment_ms

HEAD: Final = frozenset(
    {"schema", "model", "model_version", "segment", "task", "window_start", "window_end", "span", "revision", "final"}
)
"""The fields of a metric record that say which one it is."""

T = TypeVar("T", AlertEvent, Decision)


def models(store: Store, _: ModelsQuery, now_ms: int) -> Page[bytes]:
    """Every model and version as it stands now."""
    return Page([item.model_dump_json().encode() for item in overview(store, now_ms)])


def metrics(store: Store, query: MetricsQuery, now_ms: int) -> Page[bytes]:
    """Metric records by model, version, segment, span and start."""
    _need(store, query.model)
    since_ms = None if query.since is None else parse_moment_ms(query.since, now_ms)
    found = page(_records(store, query, since_ms), query.cursor, query.limit)
    if query.fields is None:
        return Page([held.value for held in found.items], found.next)
    wanted = HEAD | set(query.fields)
    projected = ({k: v for k, v in held.decoded().items() if k in wanted} for held in found.items)
    return Page([orjson.dumps(record) for record in projected], found.next)


def _records(store: Store, query: MetricsQuery, since_ms: int | None) -> Iterator[tuple[Key, Held]]:
    after = query.cursor
    for name in sorted(name for name in store.metrics.series if _fits(name, query)):
        if after is not None and name < after[:4]:
            continue
        rolling = ROLLING in store.metrics.series[name]
        for held in store.metrics.windows(name):
            if since_ms is None or held.end_ms > since_ms:
                yield (*name, ROLLING if rolling else held.start_ms), held
            rolling = False


def _fits(name: SeriesName, query: MetricsQuery | DriftQuery) -> bool:
    wanted = ((query.model, name.model), (query.version, name.version), (query.span, name.span))
    if any(one not in {None, other} for one, other in wanted):
        return False
    if query.segment.endswith("*"):
        return bool(name.segment) and name.segment.startswith(query.segment[:-1])
    return name.segment == query.segment


def drift(store: Store, query: DriftQuery, _: int) -> Page[bytes]:
    """Drift of rolling spans over the last day, a record every 15 minutes, by model, version, span and end."""
    _need(store, query.model)
    names = sorted(name for name in store.drift.series if _fits(name, query))
    keyed = (((*name, one.end_ms), one) for name in names for one in store.drift.moments(name))
    found = page(keyed, query.cursor, query.limit)
    return Page([one.value for one in found.items], found.next)


def silences(store: Store, _: ListQuery, now_ms: int) -> Page[bytes]:
    """Silences that are not over, the first to end first."""
    held = store.silences
    items = (silence_item(one, configured=one in held.configured) for one in held.lasting(now_ms))
    return Page([item.model_dump_json().encode() for item in items])


def alerts(store: Store, query: AlertsQuery, now_ms: int) -> Page[bytes]:
    """Incidents, the newest first."""
    _need(store, query.model)
    since_ms = None if query.since is None else parse_moment_ms(query.since, now_ms)
    chosen = [said for said in store.alerts.incidents.values() if _alert_fits(said.record, query, since_ms)]
    return _newest_first(chosen, lambda alert: (-alert.starts_at_ms, alert.fingerprint), query.cursor, query.limit)


def _alert_fits(alert: AlertEvent, query: AlertsQuery, since_ms: int | None) -> bool:
    wanted = (
        (query.model, alert.model),
        (query.version, alert.model_version),
        (query.status, alert.status),
        (query.priority, alert.priority),
        (query.severity, alert.severity),
    )
    over = since_ms is not None and alert.ends_at_ms is not None and alert.ends_at_ms <= since_ms
    return not over and all(one in {None, other} for one, other in wanted)


def decisions(store: Store, query: DecisionsQuery, _: int) -> Page[bytes]:
    """Decisions, the newest first."""
    _need(store, query.model)
    chosen = [said for said in store.decisions.decisions.values() if _decision_fits(said.record, query)]
    return _newest_first(chosen, lambda one: (-one.decided_at_ms, one.decision_id), query.cursor, query.limit)


def _decision_fits(decision: Decision, query: DecisionsQuery) -> bool:
    wanted = ((query.model, decision.model), (query.state, decision.state), (query.kind, decision.kind))
    return all(one in {None, other} for one, other in wanted)


def summaries(store: Store, query: SummaryQuery, _: int) -> Page[bytes]:
    """The last minutes of every version."""
    _need(store, query.model)
    return Page([item.model_dump_json().encode() for item in summary(store.metrics, query.minutes, query.model)])


def outcomes(store: Store, query: OutcomesQuery, now_ms: int) -> Page[bytes]:
    """What labels have said of every version in several windows together."""
    _need(store, query.model)
    since_ms = None if query.since is None else parse_moment_ms(query.since, now_ms)
    found = merged_outcomes(store.metrics, query.model, query.version, query.segment, since_ms)
    return Page([item.model_dump_json().encode() for item in found])


def lines(store: Store, query: LinesQuery, _: int) -> Page[bytes]:
    """Values of metrics that the configuration names: thresholds of rules, and what is usual."""
    chosen = (line for line in store.lines if query.model is None or line.model in {"", query.model})
    return Page([line.model_dump_json().encode() for line in chosen])


def letters(store: Store, query: LettersQuery, _: int) -> Page[bytes]:
    """A sample of the dead letters, the newest first."""
    chosen = [one for one in reversed(store.letters.sample) if _letter_fits(one.letter, query)]
    keyed = (((-one.letter.at_ms, -one.letter.partition, -one.letter.offset), one) for one in chosen)
    found = page(keyed, query.cursor, query.limit)
    return Page([letter_item(*one).model_dump_json().encode() for one in found.items], found.next)


def _letter_fits(letter: Letter, query: LettersQuery) -> bool:
    return query.code in {None, letter.code} and query.topic in {None, letter.source_topic}


def letter_counts(store: Store, *_: object) -> Page[bytes]:
    """How many dead letters there were in a day, by code and topic, the most first."""
    counted = sorted(store.letters.counts().items(), key=lambda one: (-one[1], one[0]))
    items = (LetterCount(code=code, topic=topic, count=count) for (code, topic), count in counted)
    return Page([item.model_dump_json().encode() for item in items])


def _need(store: Store, model: str | None) -> None:
    if model is not None and model not in store.models():
        raise RefusedError(404, f"nothing is held of a model {model!r}", "model")


def _newest_first(chosen: Iterable[Said[T]], key_of: Callable[[T], Key], after: Key | None, limit: int) -> Page[bytes]:
    keyed = sorted(((key_of(said.record), said.value) for said in chosen), key=lambda one: one[0])
    return page(keyed, after, limit)
