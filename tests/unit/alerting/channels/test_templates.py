import pytest

from alerting.channels.specs import Texts
from alerting.channels.templates import BODY_CHARACTERS_MAX, template_problems
from tests.support.alert_samples import alert, notification
from tests.support.channels import renderer


def failures_of(texts: Texts) -> tuple[str, str | None, int]:
    failed: list[None] = []
    made = renderer(texts, lambda: failed.append(None))
    return made.title(notification()), made.body(notification()), len(failed)


def test_a_template_of_the_users_is_used() -> None:
    texts = Texts(
        title="{{ why }} {{ alerts[0].rule|upper }}",
        body="{% for a in firing %}{{ a.model }} {{ '%.2f'|format(a.value) }} {{ a.labels }}{% endfor %}{{ omitted }}",
    )
    title, body, failed = failures_of(Texts(texts.title, texts.body.replace(" {{ a.labels }}", "")))
    assert (title, body, failed) == ("FIRST ACCURACY-CRITICAL", "fraud 0.810", 0)


@pytest.mark.parametrize(
    "source",
    [
        "{{ no_such_name }}",
        "{{ alerts[0].no_such_field }}",
        "{{ alerts[99].rule }}",
        "{{ 1 / 0 }}",
        "{% if %}",
        "{{ alerts[0].value + 'text' }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ alerts.append(1) }}",
        "{{ cycler.__init__.__globals__ }}",
        "{% include '/etc/passwd' %}",
        "{{ 'x' * 10000000000 }}",
        "{{ '%0999999999d' % 1 }}",
        "{{ 9 ** 999999999 }}",
        "{% for i in range(10000000) %}x{% endfor %}",
    ],
)
def test_f71_a_template_that_fails_is_counted_and_the_plain_text_is_sent(source: str) -> None:
    title, body, failed = failures_of(Texts(source, source))
    assert title == "[FIRING P1] accuracy-critical: fraud rf_v2"
    assert body is None  # the channel takes its usual one
    assert failed == 2


def test_f71_what_a_template_makes_is_bounded_and_it_is_stopped_there() -> None:
    for_ever = "{% for i in range(99999) %}{% for j in range(99999) %}x {% endfor %}{% endfor %}"
    title, body, failed = failures_of(Texts(for_ever, for_ever))
    assert len(title) <= 500
    assert body is not None
    assert len(body) == BODY_CHARACTERS_MAX
    assert failed == 0


def test_f71_syntax_is_checked_when_settings_are_loaded() -> None:
    assert template_problems(Texts("{{ title }}", "{{ body }}")) == []
    [problem] = template_problems(Texts(body="{% if %}"))
    assert problem.startswith("body: not a template")


def test_f56_what_a_record_holds_cannot_speak_slack_but_the_template_can() -> None:
    made = renderer(Texts("<https://a.example|Board> of {{ alerts[0].model }}"), is_slack=True)
    title = made.title(notification(alert(model="<!channel> @here & <b>")))
    assert title == "<https://a.example|Board> of &lt;!channel&gt; @\u200bhere &amp; &lt;b&gt;"


def test_f56_a_record_is_never_taken_as_a_template() -> None:
    made = renderer(Texts("{{ alerts[0].model }}"))
    assert made.title(notification(alert(model="{{ 7 * 7 }}"))) == "{{ 7 * 7 }}"
