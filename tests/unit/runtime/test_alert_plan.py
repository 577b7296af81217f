"""From the settings to plain values."""

from pathlib import Path
from typing import Any

import pytest

from alerting.channels.specs import AlertmanagerSpec, ConsoleSpec, EmailSpec, SlackSpec
from alerting.notification import ChannelError
from alerting.routing_config import DEFAULT_INHIBITIONS, Digest, Inhibition, Route
from runtime.alert_plan import AlertPlan, alert_plan
from runtime.model_plan import model_plans
from runtime.settings import parse
from tables.plan import Span

SMTP = {"host": "smtp.example.com", "username": "u", "password": "${PW}"}
RECEIVERS: dict[str, Any] = {
    "oncall": {"slack": {"webhook_url": "${SLACK}", "title": "{{ 1 }}"}, "fallback": "mail", "max_per_minute": 6},
    "mail": {"email": {"to": ["a@b.example", "c@d.example"], "from": "h@b.example", "smtp": SMTP}},
    "prom": {"alertmanager": {"urls": "https://am.example.com", "renew_every": "30s"}},
    "daily": {"digest": {"at": "07:30", "via": "mail"}},
}
ENV = {"SLACK": "https://hooks.slack.com/x", "PW": "p"}


def plan(alerts: dict[str, Any]) -> AlertPlan:
    return alert_plan(parse({"alerts": alerts}, ENV))


def test_without_a_section_everything_goes_to_the_console() -> None:
    found = alert_plan(parse({}, {}))
    assert found.specs == {"console/console": ConsoleSpec()}
    assert [one.name for one in found.routing.everyone] == ["console"]
    assert found.routing.inhibitions == DEFAULT_INHIBITIONS
    assert (found.options.max_age_ms, found.options.alert_lookback_ms) == (86_400_000, 86_400_000)
    assert (found.options.window_ms, found.options.window_names) == ({"fraud": 60_000}, {"fraud": "60s"})


def test_receivers_become_channels_by_name_with_their_limits() -> None:
    found = plan({"receivers": RECEIVERS, "allow_hosts": ["h"], "dashboard_url": "https://d.example"})
    assert list(found.specs) == ["oncall/slack", "mail/email", "prom/alertmanager"]
    oncall, mail, prom, daily = found.routing.receivers
    assert (oncall.fallback, oncall.max_per_minute, oncall.channels[0].min_interval_ms) == ("mail", 6, 1000)
    assert mail.channels[0].name == "mail/email"
    assert (prom.channels[0].renew_every_ms, prom.channels[0].complete) == (30_000, True)
    assert (daily.channels, daily.digest) == ((), Digest(450, "mail"))
    assert (found.hosts.allowed, found.links.dashboard_url) == (frozenset({"h"}), "https://d.example")


def test_specs_hold_what_the_file_and_the_environment_say() -> None:
    specs = plan({"receivers": RECEIVERS}).specs
    slack, mail, prom = specs["oncall/slack"], specs["mail/email"], specs["prom/alertmanager"]
    assert isinstance(slack, SlackSpec)
    assert (slack.webhook_url.read(), slack.texts.title) == (ENV["SLACK"], "{{ 1 }}")
    assert isinstance(mail, EmailSpec)
    assert mail.password is not None
    assert (mail.to, mail.port, mail.starttls, mail.password.read()) == (("a@b.example", "c@d.example"), 587, True, "p")
    assert prom == AlertmanagerSpec(("https://am.example.com",), 30_000)


def test_f74_a_secret_of_a_file_is_read_anew_when_it_is_used(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("old\n")
    spec = plan({"receivers": {"x": {"pagerduty": {"routing_key_file": str(file)}}}}).specs["x/pagerduty"]
    file.write_text("new\n")
    assert spec.routing_key.read() == "new"  # type: ignore[union-attr]
    file.unlink()
    with pytest.raises(ChannelError) as caught:
        spec.routing_key.read()  # type: ignore[union-attr]
    assert caught.value.retryable


def test_a_route_says_what_it_says_and_else_what_every_route_does() -> None:
    routes = [
        {"match": {"priority": ["P1", "P2"], "model": "fraud"}, "receivers": "oncall", "repeat_every": "1h"},
        {"receivers": ["mail"], "group_by": ["rule"], "group_wait": "0s", "group_interval": "1m", "continue": True},
    ]
    found = plan({"receivers": RECEIVERS, "routes": routes}).routing.routes
    assert found == (
        Route(("oncall",), {"priority": ["P1", "P2"], "model": ["fraud"]}, repeat_every_ms=3_600_000),
        Route(("mail",), {}, ("rule",), 0, 60_000, also_next=True),
    )


def test_inhibitions_of_the_file_stand_instead_of_the_default_ones() -> None:
    inhibit = [{"source": {"priority": "P1"}, "target": {"priority": ["P2", "P3"]}, "equal": ["model"]}]
    assert plan({"inhibit": inhibit}).routing.inhibitions == (
        Inhibition({"priority": ["P1"]}, {"priority": ["P2", "P3"]}, ("model",)),
    )
    assert plan({"inhibit": []}).routing.inhibitions == ()


def test_a_silence_of_the_file_has_the_same_name_at_every_start_until_it_changes() -> None:
    silence = {"match": {"model": "fraud"}, "starts": "1970-01-01T00:00:01Z", "ends": "1970-01-01T01:00:02+01:00"}
    [one] = plan({"silences": [silence]}).routing.silences
    [again] = plan({"silences": [silence | {"reason": "known"}]}).routing.silences
    [other] = plan({"silences": [silence | {"ends": "1970-01-02"}]}).routing.silences
    assert (one.match, one.starts_at_ms, one.ends_at_ms) == ({"model": ["fraud"]}, 1000, 2000)
    assert one.silence_id == again.silence_id != other.silence_id


def test_runbooks_of_the_packs_are_linked_to_where_the_user_keeps_them() -> None:
    own = {"name": "x", "metric": "auc", "below": 0.5, "runbook": "https://mine.example/x"}
    found = {rule.name: rule.runbook for rule in plan({"runbook_url": "https://r.example/", "rules": [own]}).rules}
    assert (found["model-collapse"], found["x"]) == ("https://r.example/model-collapse.md", "https://mine.example/x")


def spans(**keys: object) -> dict[str, tuple[Span, ...]]:
    models = {
        "fraud": {"predictions": {"topic": "p"}, "spans": ["2h"]},
        "churn": {"predictions": {"topic": "q"}, "window": "7m"},
    }
    return {name: one.spans for name, one in model_plans(parse({"models": models, "alerts": keys}, {})).items()}


def test_the_spans_that_rules_judge_are_made_once_for_the_models_they_are_for() -> None:
    rules = [
        {"name": "a", "metric": "auc", "below": 0.5, "model": "fraud", "over": "5m", "lag": "60m"},
        {"name": "b", "metric": "f1", "below": 0.5, "model": "fraud", "over": "5 m", "lag": "1h"},
        {"name": "c", "metric": "f1", "below": 0.5, "over": "1000 labelled"},
        {"name": "d", "metric": "f1", "below": 0.5, "model": "fraud", "over": "2h"},
    ]
    lagging = Span("5m lag 1h", 300_000, lag_ms=3_600_000, whole_only=True)
    counted = Span("1000 labelled", labelled=1000, whole_only=True)
    assert spans(packs=[], rules=rules) == {
        "fraud": (Span("2h", 7_200_000), lagging, counted),
        "churn": (counted,),
    }


def test_a_packs_hour_is_as_many_whole_windows_as_cover_it() -> None:
    assert spans() == {
        "fraud": (Span("2h", 7_200_000), Span("1h", 3_600_000, whole_only=True)),
        "churn": (Span("1h", 9 * 420_000, whole_only=True),),
    }


def test_a_span_that_some_rule_judges_for_every_segment_is_made_for_segments() -> None:
    rule = {"name": "a", "metric": "auc", "below": 0.5, "model": "fraud", "over": "5m"}
    every = rule | {"name": "b", "segments": "all"}
    assert [span.whole_only for span in spans(packs=[], rules=[rule])["fraud"]] == [False, True]
    assert [span.whole_only for span in spans(packs=[], rules=[rule, every])["fraud"]] == [False, False]


def test_a_rule_that_names_a_model_counts_for_any_model() -> None:
    rule = {"name": "a", "metric": "auc", "below": 0.5, "model": "unheard", "over": "5m"}
    tree = {"models": {"*": {"predictions": {"topic": "p"}}}, "alerts": {"packs": [], "rules": [rule]}}
    assert model_plans(parse(tree, {}))["*"].spans == (Span("5m", 300_000, whole_only=True),)
