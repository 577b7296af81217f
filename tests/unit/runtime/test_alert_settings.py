"""The `alerts` section: faults have one line each, with the key path; what is right becomes rules."""

from pathlib import Path
from typing import Any

import pytest

from alerting.rule import Condition, Rule
from models.errors import ConfigError
from runtime.settings import Settings, json_schema, parse
from runtime.settings.alerts_build import resolved

LOW: dict[str, object] = {"name": "low", "metric": "accuracy", "below": 0.9}
MODELS = {"fraud": {"predictions": {"topic": "p"}}, "churn": {"predictions": {"topic": "q"}, "window": "5m"}}


def settings(alerts: dict[str, object], **env: str) -> Settings:
    return parse({"models": MODELS, "alerts": alerts}, env)


def problems_of(alerts: dict[str, object], **env: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        settings(alerts, **env)
    return caught.value.problems


def rule(**keys: object) -> Rule:
    [found] = resolved(settings({"packs": [], "rules": [{"name": "low"} | keys]}).alerts)
    return found


def changed(name: str, **keys: object) -> tuple[Rule, Rule]:
    """A pack's rule before and after an entry of its name."""
    before = {r.name: r for r in resolved(settings({}).alerts)}
    after = {r.name: r for r in resolved(settings({"rules": [{"name": name} | keys]}).alerts)}
    return before[name], after[name]


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"metric": "acuracy"}, "rules[0].metric: no such metric in the records, did you mean accuracy?"),
        ({"belo": 1}, "rules[0].belo: unknown key, did you mean below?"),
        ({"below": None}, "rules[0]: needs one of below, above, outside"),
        ({"above": 0.95}, "rules[0]: give one of below, above"),
        ({"below": None, "outside": [2, 1]}, "rules[0].outside: is written [low, high]"),
        ({"model": "frad"}, "rules[0].model: no model frad, did you mean fraud?"),
        ({"over": "90s"}, "rules[0].over: is not a multiple of the window of model fraud (60s)"),
        ({"over": "5m"}, "rules[0].over: 5m is the window of model churn: leave it out"),
        ({"model": "fraud", "lag": "5m"}, "rules[0].lag: needs over"),
        ({"model": "fraud", "over": "5m", "lag": "30s"}, "rules[0].lag: is not a multiple of the window"),
        ({"resolve_below": 0.95}, "rules[0].resolve_below: has no meaning with below"),
        ({"resolve_above": 0.8}, "rules[0].resolve_above: 0.8 still fires: below is 0.9"),
        ({"floor": 0.1}, "rules[0].floor: has no meaning with below"),
        (
            {"name": "accuracy-down-20", "metric": None, "below": None, "resolve_below": 0.3},
            "rules[0].resolve_below: 0.3 still fires: drop_from_baseline is 0.2",
        ),
        ({"metric": "r2", "certain": True}, "rules[0].certain: there is no confidence interval of r2"),
        (
            {"metric": "trends.accuracy.slope_per_hour", "certain": True},
            "rules[0].over: is needed: trends are of the windows of a span",
        ),
        ({"false_discovery": 0.1}, "rules[0].false_discovery: needs segments: all"),
        ({"at_least": 2}, "rules[0].at_least: needs a list of conditions under of"),
        ({"any": [{"metric": "auc", "below": 1}]}, "rules[0]: give either metric and its condition or any"),
        ({"disabled": True}, "rules[0].disabled: no pack that is switched on has a rule low"),
        ({"severity": "bad"}, "rules[0].severity: must be one of critical, warning, info"),
        ({"for": 5}, "rules[0].for: not a duration"),
        ({"below": float("nan")}, "rules[0].below: must be a finite number"),
        ({"name": "a b"}, "rules[0].name: not a name: 1 to 100 of letters, digits"),
        ({"below": None, "absent_for": "5m", "min_total": 5}, "rules[0].min_total: has no meaning with absent_for"),
        (
            {"below": None, "absent_for": "5m", "min_maturity": 1},
            "rules[0].min_maturity: has no meaning with absent_for",
        ),
        ({"min_maturity": 1.1}, "rules[0].min_maturity: "),
    ],
)
def test_each_fault_of_a_rule_has_one_readable_line(keys: dict[str, object], line: str) -> None:
    [found] = problems_of({"rules": [{k: v for k, v in (LOW | keys).items() if v is not None}]})
    assert found.startswith(f"alerts.{line}")


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"of": [{"metric": "auc", "below": 0.9}]}, "rules[0].at_least: is needed with of"),
        ({"of": [{"metric": "auc", "below": 0.9}], "at_least": 2}, "rules[0].at_least: is more than there are"),
        ({"any": [{"metric": "auc"}]}, "rules[0].any[0]: needs one of below"),
        ({"all": [{"below": 1}]}, "rules[0].all[0].metric: is needed"),
        ({"all": []}, "rules[0].all: at least one entry is needed"),
        ({"any": [{"metric": "total", "absent_for": "5m"}]}, "rules[0].any[0].absent_for: stands alone"),
        ({}, "rules[0].metric: is needed"),
    ],
)
def test_each_fault_of_a_list_of_conditions_has_its_line(keys: dict[str, object], line: str) -> None:
    assert problems_of({"rules": [{"name": "x"} | keys]})[0].startswith(f"alerts.{line}")


def test_faults_of_all_rules_come_at_once_even_where_one_does_not_parse() -> None:
    rules: list[dict[str, object]] = [
        LOW | {"metric": "acuracy"},
        LOW,
        LOW | {"name": "b", "model": "nope"},
        {"name": "c", "metric": "r2", "above": 1, "certain": True, "resolve_above": 2},
    ]
    assert [line.partition(": ")[0] for line in problems_of({"rules": rules, "max_age": "x"})] == [
        "alerts.max_age",
        "alerts.rules[0].metric",
        "alerts.rules[1].name",
        "alerts.rules[2].model",
        "alerts.rules[3].resolve_above",
        "alerts.rules[3].certain",
    ]


def test_a_faulty_name_does_not_hide_the_faults_across_sections() -> None:
    found = problems_of(
        {
            "rules": [LOW | {"name": "a b"}, LOW | {"severty": "critical"}, {"metric": "auc"}, {"belo": 1}],
            "routes": [{"match": {"rule": "any"}, "receivers": "nobody"}],
            "inhibit": [{"source": {"model": "frad"}, "target": {"cause": "outcome"}}, {"source": {"cause": "labels"}}],
            "receivers": {"chat": {"console": {}, "fallback": "caht"}},
        }
    )
    assert [line.partition(": ")[0].removeprefix("alerts.") for line in found] == [
        *("rules[0].name", "rules[1].severty", "rules[2].name", "rules[3].name", "rules[3].belo", "inhibit[1].target"),
        *("receivers.chat.fallback", "routes[0].receivers"),
    ]


def test_any_model_may_be_named_where_every_model_is_monitored() -> None:
    tree = {"models": {"*": {"predictions": {"topic": "p"}}}, "alerts": {"rules": [LOW | {"model": ["a", "b"]}]}}
    assert resolved(parse(tree, {}).alerts)[-1].models == ("a", "b")


def test_a_rule_has_every_key_of_the_file() -> None:
    found = rule(
        model="fraud", metric="drift.features.*.psi", above=0.2, at_least=4, resolve_below=0.1, over="10m",
        lag="60m", **{"for": "2m"}, keep_firing="5m", min_total=1, min_labelled=2, min_label_coverage=0.5,
        min_maturity=0.8, segments="all", false_discovery=0.05, severity="critical", priority="P2", cause="drift",
        decision="retrain", runbook="https://r.example/x", summary="look",
    )  # fmt: skip
    assert found == Rule(
        "low", (Condition("drift.features.*.psi", "above", (0.2,), 0.1),), joined="at_least", at_least=4,
        models=("fraud",), span="10m lag 1h", for_ms=120_000, keep_firing_ms=300_000, min_total=1, min_labelled=2,
        min_label_coverage=0.5, min_maturity=0.8, segments="all", false_discovery=0.05, severity="critical",
        priority="P2", cause="drift", decision="retrain", runbook="https://r.example/x", summary="look",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "condition"),
    [
        ({"below": 0.9, "resolve_above": 0.95}, Condition("auc", "below", (0.9,), 0.95)),
        ({"outside": [1, 2]}, Condition("auc", "outside", (1, 2))),
        ({"drop_from_baseline": 0.1, "resolve_below": 0.05}, Condition("auc", "drop_from_baseline", (0.1,), 0.05)),
        ({"rise_from_baseline": 2}, Condition("auc", "rise_from_baseline", (2,))),
        ({"rise_from_baseline": 2, "floor": 0.1}, Condition("auc", "rise_from_baseline", (2,), floor=0.1)),
        ({"absent_for": "5m"}, Condition("auc", "absent_for", (300,))),
        ({"below": 0}, Condition("auc", "below", (0,))),
    ],
)
def test_each_kind_of_condition(keys: dict[str, object], condition: Condition) -> None:
    assert rule(metric="auc", **keys).conditions == (condition,)


@pytest.mark.parametrize(("key", "joined"), [("all", "all"), ("any", "any"), ("of", "at_least")])
def test_several_conditions_are_joined(key: str, joined: str) -> None:
    both = [{"metric": "auc", "below": 0.9}, {"metric": "f1", "below": 0.5}]
    found = rule(**{key: both}, **({"at_least": 2} if key == "of" else {}))
    assert (found.joined, [c.metric for c in found.conditions]) == (joined, ["auc", "f1"])


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, ("P2", "warning")),
        ({"severity": "critical"}, ("P1", "critical")),
        ({"priority": "P3"}, ("P3", "info")),
        ({"priority": "P3", "severity": "critical"}, ("P3", "critical")),
    ],
)
def test_priority_and_severity_follow_each_other(keys: dict[str, object], expected: tuple[str, str]) -> None:
    found = rule(metric="auc", below=0.9, **keys)
    assert (found.priority, found.severity) == expected


def test_an_entry_with_a_packs_name_changes_only_what_it_names() -> None:
    before, after = changed("accuracy-down-20", drop_from_baseline=0.3, **{"for": "1m"})
    assert after.conditions == (Condition("accuracy", "drop_from_baseline", (0.3,)),)
    assert after.for_ms == 60_000
    assert (after.span, after.certain, after.min_labelled, after.priority, after.runbook, after.pack) == (
        before.span, before.certain, before.min_labelled, "P1", before.runbook, "baseline",
    )  # fmt: skip


def test_an_entry_may_turn_a_packs_condition_into_another_one() -> None:
    _, after = changed("accuracy-down-20", below=0.8, over="10m", severity="warning")
    assert (after.conditions, after.span, after.priority) == ((Condition("accuracy", "below", (0.8,)),), "10m", "P2")
    _, after = changed("throughput-zero", absent_for="1h")
    assert after.conditions == (Condition("total", "absent_for", (3600,)),)


def test_a_resolve_bound_alone_is_added_to_a_packs_condition() -> None:
    _, after = changed("missing-above-30", resolve_below=0.2)
    assert after.conditions == (Condition("quality.features.*.missing_ratio", "above", (0.3,), 0.2),)


def test_a_packs_rule_of_several_conditions_is_changed_as_a_whole() -> None:
    assert problems_of({"rules": [{"name": "prediction-shift", "above": 2}]})[0].startswith(
        "alerts.rules[0]: prediction-shift has several conditions"
    )


def test_a_disabled_rule_is_not_judged() -> None:
    names = {r.name for r in resolved(settings({"rules": [{"name": "throughput-zero", "disabled": True}]}).alerts)}
    assert "throughput-zero" not in names
    assert "model-collapse" in names


def test_without_a_section_the_baseline_pack_is_judged() -> None:
    assert {r.pack for r in resolved(parse({}, {}).alerts)} == {"baseline"}


RECEIVERS: dict[str, Any] = {"chat": {"slack": {"webhook_url": "${URL}"}}}


@pytest.mark.parametrize(
    ("receiver", "line"),
    [
        ({}, "x: needs one of pagerduty, slack"),
        ({"console": None}, "x.console: has no value, write console: {}"),
        ({"slack": {}}, "x.slack.webhook_url_file: is needed, or webhook_url as ${ENV_VAR}"),
        ({"slack": {"webhok_url": "x"}}, "x.slack.webhok_url: unknown key, did you mean webhook_url?"),
        ({"slack": {"webhook_url": "https://hooks.example/x"}}, "x.slack.webhook_url: a secret may not stand"),
        ({"slack": {"webhook_url_file": "/none/there"}}, "x.slack.webhook_url_file: "),
        ({"apprise": {"urls": "tgram://t/c"}}, "x.apprise.urls: a secret may not stand in the file"),
        ({"console": {}, "fallback": "chta"}, "x.fallback: no receiver chta, did you mean chat?"),
        ({"console": {}, "fallback": "x"}, "x.fallback: leads back to this receiver"),
        ({"console": {}, "digest": {"via": "chat"}}, "x.digest: stands alone, console"),
        ({"digest": {"via": "y"}}, "x.digest.via: no receiver y"),
        ({"digest": {"via": "chat", "at": "25:00"}}, "x.digest.at: not a time of day, write it as 09:00"),
        ({"webhook": {"url": "http://example.com/"}}, "x.webhook.url: example.com is spoken to by plain http"),
        ({"webhook": {"url": "https://169.254.169.254/"}}, "x.webhook.url: 169.254.169.254 is not a public address"),
        ({"alertmanager": {"urls": ["https://a.example", "http://am:9093"]}}, "x.alertmanager.urls[1]: am is spoken"),
        ({"console": {"body": "{{ alerts"}}, "x.console.body: not a template"),
        ({"console": {}, "max_per_minute": 0}, "x.max_per_minute: must be greater than or equal to 1"),
        (
            {"email": {"to": "a@b.example", "from": "nobody", "smtp": {"host": "smtp.example.com"}}},
            "x.email.from: is not a mail address",
        ),
        (
            {"email": {"to": "a@b.example", "from": "c@d.example", "smtp": {"host": "10.0.0.1"}}},
            "x.email.smtp.host: 10.0.0.1 is not a public address",
        ),
        (
            {"email": {"to": "a@b.example", "from": "c@d.example", "smtp": {"host": "m.example", "username": "u"}}},
            "x.email.smtp.password_file: is needed",
        ),
        (
            {"email": {"to": "a@b.example", "from": "c@d.example", "smtp": {"host": "m.example", "prt": 1}}},
            "x.email.smtp.prt: unknown key, did you mean port?",
        ),
    ],
)
def test_each_fault_of_a_receiver_has_one_readable_line(receiver: dict[str, object], line: str) -> None:
    [found] = problems_of({"receivers": {"x": receiver} | RECEIVERS}, URL="https://hooks.slack.com/x")
    assert found.startswith(f"alerts.receivers.{line}")


def test_what_stands_in_a_sections_place_is_not_shown_for_it_may_be_its_secret() -> None:
    [line] = problems_of({"receivers": {"chat": {"slack": "https://hooks.example/quiet"}}})
    assert line == "alerts.receivers.chat.slack: must be a mapping of keys to values"


def test_f73_a_password_is_not_sent_readably() -> None:
    def receivers(**smtp: object) -> dict[str, object]:
        mail = {"to": "a@b.example", "from": "c@d.example", "smtp": {"host": "m.example", "starttls": False} | smtp}
        return {"receivers": {"mail": {"email": mail}}}

    [line] = problems_of(receivers(username="u", password="${P}"), P="p")
    assert line == "alerts.receivers.mail.email.smtp.starttls: false would send the password readably"
    settings(receivers())
    settings(receivers(username="u", password="${P}", port=465), P="p")


def test_a_circle_of_fallbacks_is_refused_for_each_in_it() -> None:
    two = {"a": {"console": {}, "fallback": "b"}, "b": {"console": {}, "fallback": "a"}, "c": {"console": {}}}
    assert len(problems_of({"receivers": two})) == 2
    settings({"receivers": two | {"b": {"console": {}, "fallback": "c"}}})


def test_f33_a_secret_from_two_places_and_one_from_a_missing_file_are_both_told() -> None:
    lines = problems_of(
        {
            "receivers": {
                "a": {"pagerduty": {"routing_key": "${KEY}", "routing_key_file": "/none"}},
                "b": {"webhook": {"url": "https://example.com", "secret_file": "/none/secret"}},
            }
        },
        KEY="k",
    )
    assert lines[0] == "alerts.receivers.a.pagerduty.routing_key: give either routing_key or routing_key_file"
    assert lines[1].startswith("alerts.receivers.b.webhook.secret_file: ")
    assert "No such file" in lines[1]


def test_f72_the_url_of_the_environment_is_guarded_and_not_shown() -> None:
    [line] = problems_of({"receivers": RECEIVERS}, URL="https://localhost/quiet-token")
    assert line == "alerts.receivers.chat.slack.webhook_url: localhost is not a public host"


def test_f72_a_host_on_the_allow_list_may_be_private_and_plain() -> None:
    receivers = {"prom": {"alertmanager": {"urls": "http://alertmanager.monitoring:9093"}}}
    for host in ("alertmanager.monitoring:9093", "https://alertmanager.monitoring"):
        [line] = problems_of({"allow_hosts": [host]})
        assert line.startswith("alerts.allow_hosts[0]: not a host: write it alone")
    settings({"allow_hosts": ["10.0.0.7", "fd00::7", "::1"]})
    settings({"receivers": receivers, "allow_hosts": ["alertmanager.monitoring"]})
    assert problems_of({"receivers": receivers})[0].startswith("alerts.receivers.prom.alertmanager.urls")


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ({"routes": [{"match": {"prio": "P1"}, "receivers": "chat"}]}, "routes[0].match.prio: unknown key"),
        (
            {"routes": [{"match": {"priority": "P9"}, "receivers": "chat"}]},
            "routes[0].match.priority: no priority P9, there are P1, P2, P3",
        ),
        (
            {"routes": [{"match": {"rule": "lw"}, "receivers": "chat"}]},
            "routes[0].match.rule: no rule lw, did you mean",
        ),
        ({"routes": [{"match": {"model": "x"}, "receivers": "chat"}]}, "routes[0].match.model: no model x"),
        ({"routes": [{"receivers": ["cht"]}]}, "routes[0].receivers: no receiver cht, did you mean chat?"),
        ({"routes": [{}]}, "routes[0].receivers: is needed"),
        ({"routes": [{"receivers": "chat", "group_by": ["modl"]}]}, "routes[0].group_by[0]: must be one of rule"),
        ({"inhibit": [{"source": {"priority": "P1"}}]}, "inhibit[0].target: is needed"),
        (
            {"inhibit": [{"source": {"cause": "label"}, "target": {"model": "fraud"}}]},
            "inhibit[0].source.cause: no cause label, did you mean labels?",
        ),
        ({"silences": [{"match": {"model": "fraud"}, "starts": "now", "ends": "later"}]}, "silences[0].starts: not a"),
        (
            {"silences": [{"match": {"model": "fraud"}, "starts": "2026-12-24", "ends": "2026-12-23"}]},
            "silences[0].ends: must lie after starts",
        ),
        (
            {"packs": ["baselin"]},
            "packs[0]: must be one of baseline, fraud-example, thresholds, did you mean baseline?",
        ),
        ({"alert_lookback": "0s"}, "alert_lookback: must be greater than zero"),
    ],
)
def test_each_fault_of_routing_has_one_readable_line(section: dict[str, object], line: str) -> None:
    found = problems_of({"receivers": RECEIVERS, "rules": [LOW]} | section, URL="https://hooks.slack.com/x")
    assert found[0].startswith(f"alerts.{line}")


def test_a_pattern_may_stand_for_rules_and_models() -> None:
    settings({"receivers": {"a": {"console": {}}}, "routes": [{"match": {"rule": "drift-*"}, "receivers": "a"}]})


def test_a_rule_of_the_file_or_a_pack_may_be_routed_by_its_name() -> None:
    route = {"match": {"rule": ["low", "throughput-zero"]}, "receivers": "a"}
    settings({"rules": [LOW], "receivers": {"a": {"console": {}}}, "routes": [route]})


def test_the_json_schema_has_the_keys_as_they_are_written() -> None:
    schema: Any = json_schema()
    rules = schema["$defs"]["RuleSettings"]["properties"]
    assert {"for", "all", "any", "of", "model", "lag", "absent_for"} <= set(rules)
    assert {"for_ms", "all_of", "models"}.isdisjoint(rules)
    assert schema["$defs"]["AlertSettings"]["properties"]["max_age"]["default"] == "24h"


def test_a_secret_file_may_be_rotated_so_only_its_place_is_kept(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("https://hooks.slack.com/quiet\n")
    found = settings({"receivers": {"x": {"slack": {"webhook_url_file": str(tmp_path / "s")}}}})
    assert "quiet" not in repr(found)
