"""A user's own title and body: sandboxed, bounded, and never the reason that nobody is told (F71)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from alerting.channels import text
from alerting.channels.specs import Links, Texts
from alerting.notification import Notification

BODY_CHARACTERS_MAX: Final = 20_000
Escape = Callable[[str], str]


def plain(value: str) -> str:
    """Nothing to escape."""
    return value


class _Sandbox(ImmutableSandboxedEnvironment):
    """No attributes of Python, no changing of arguments, no multiplying of text into gigabytes."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401  Jinja's signature
        if operator == "**" or not all(isinstance(side, (int, float)) for side in (left, right)):
            raise SecurityError(f"{operator} is not for text")
        return super().call_binop(context, operator, left, right)


def template_problems(texts: Texts) -> list[str]:
    """What is wrong with the templates' syntax, one line each as `title: what`."""
    problems = []
    for name, source in (("title", texts.title), ("body", texts.body)):
        try:
            _Sandbox().from_string(source)
        except TemplateError as error:
            problems.append(f"{name}: not a template: {text.clean(str(error), 200)}")
    return problems


class Renderer:
    """Title and body of a notification; falls back to the plain text when a template fails.

    escape: of everything that comes out of a record; what the user wrote into the template stays as it is.
    on_failure: called for each template that failed, to be counted.
    """

    def __init__(self, texts: Texts, links: Links, on_failure: Callable[[], None], escape: Escape = plain) -> None:
        # no autoescape: HTML is not what is made here; `finalize` escapes for the channel at hand
        self._sandbox = _Sandbox(undefined=StrictUndefined, autoescape=False, finalize=self._finalize)
        self._escape = escape
        self._links = links
        self._on_failure = on_failure
        self._texts = texts

    def title(self, notification: Notification) -> str:
        """One line."""
        made = self._render(self._texts.title, notification, 2 * text.TITLE_CHARACTERS_MAX)
        return self._escape(text.title(notification)) if made is None else " ".join(made.split())

    def body(self, notification: Notification) -> str | None:
        """The user's own body; None = the channel's usual one is to be taken."""
        return self._render(self._texts.body, notification, BODY_CHARACTERS_MAX)

    def _finalize(self, value: object) -> str:
        return self._escape(str(value))

    def _render(self, source: str, notification: Notification, characters_max: int) -> str | None:
        if not source:
            return None
        try:
            return _bounded(self._sandbox.from_string(source), self._names(notification), characters_max)
        except Exception:  # noqa: BLE001  a template can raise anything, and somebody has to be told all the same
            self._on_failure()
            return None

    def _names(self, notification: Notification) -> Mapping[str, object]:
        """What a template may use: text, numbers, lists and mappings of them, nothing with a method of ours."""
        alerts = [_tidy(alert.as_record()) for alert in notification.alerts[: text.ALERTS_SHOWN_MAX]]
        return {
            "title": text.title(notification),
            "body": text.body(notification),
            "why": notification.why,
            "receiver": notification.receiver,
            "group": {name: text.clean(value) for name, value in notification.group},
            "alerts": alerts,
            "firing": [alert for alert in alerts if alert["status"] == "firing"],
            "resolved": [alert for alert in alerts if alert["status"] == "resolved"],
            "omitted": text.hidden(notification, text.ALERTS_SHOWN_MAX),
            "missed": notification.missed,
            "dashboard_url": self._links.dashboard_url,
        }


def _tidy(record: Mapping[str, object]) -> dict[str, object]:
    return {name: text.clean(value) if isinstance(value, str) else value for name, value in record.items()}


def _bounded(template: Template, names: Mapping[str, object], characters_max: int) -> str:
    """Stop as soon as enough is there, however long the template would go on."""
    parts: list[str] = []
    length = 0
    for part in template.generate(names):
        parts.append(part[:characters_max])
        length += len(part)
        if length > characters_max:
            break
    return text.cut("".join(parts), characters_max)
