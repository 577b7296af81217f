"""Which topics a worker expects depends on the roles that it plays."""

from runtime.expected_topics import expected_world, heartbeats_topic
from runtime.preflight import ExpectedTopic, Role
from runtime.settings import parse
from runtime.smoke_model import with_smoke_model

SETTINGS = parse({"kafka": {"partitions": 4}}, {})


def by_name(*roles: str) -> dict[str, ExpectedTopic]:
    return {topic.name.removeprefix("hindcast-"): topic for topic in expected_world(SETTINGS, roles).topics}


def uses(*roles: str) -> dict[str, Role]:
    return {name: topic.role for name, topic in by_name(*roles).items()}


def test_each_role_expects_what_it_uses_and_no_more() -> None:
    ingest, alerts = uses("ingest"), uses("alerts")
    assert ingest["fraud_predictions"] == "source"
    assert "alerts" not in ingest
    assert alerts == {
        "metrics": "input",
        "alerts": "internal",
        "decisions": "output",
        "silences": "input",
        "rules-changelog": "internal",
        "notify-changelog": "internal",
    }


def test_what_one_role_writes_and_another_reads_needs_both_rights_in_a_worker_with_both() -> None:
    both = uses("ingest", "alerts")
    assert both == uses("ingest") | uses("alerts") | {"metrics": "internal"}


def test_topics_of_the_smoke_test_are_ours_and_there_only_where_it_is_wanted() -> None:
    settings = with_smoke_model(parse({"smoke_test": True}, {}))
    found = {topic.name: topic for topic in expected_world(settings).topics}
    assert [found[f"hindcast-smoke-{kind}"].role for kind in ("predictions", "labels")] == ["input", "input"]
    assert [topic.name for topic in found.values() if topic.role == "source"] == ["fraud_predictions", "fraud_labels"]
    assert [name for name in by_name("ingest", "alerts") if name.startswith("smoke")] == []
    assert with_smoke_model(SETTINGS) is SETTINGS


def test_one_notifier_needs_topics_with_one_partition_and_the_rules_follow_the_metrics() -> None:
    topics = by_name("ingest", "alerts")
    single = ("alerts", "silences", "notify-changelog", "dimensions-changelog")
    assert [(topics[name].partitions, bool(topics[name].why)) for name in single] == [(1, True)] * 4
    assert topics["rules-changelog"].partitions is None
    assert topics["rules-changelog"].partitions_of == "hindcast-metrics"
    assert (topics["metrics"].partitions, topics["metrics"].partitions_new) == (None, 4)


def test_every_topic_of_ours_is_used_by_some_role() -> None:
    assert len(by_name("ingest", "alerts")) == len(expected_world(SETTINGS).topics)
    assert by_name("sinks") == {}


def test_heartbeats_are_read_where_some_model_is_watched_for_what_they_say() -> None:
    assert uses("ingest")["heartbeats"] == "offered"
    assert heartbeats_topic(SETTINGS) is None
    models = {"fraud": {"predictions": {"topic": "p"}, "resources": True}}
    watching = parse({"kafka": {"topic_prefix": "team-"}, "models": models}, {})
    assert {t.name: t.role for t in expected_world(watching, ["ingest"]).topics}["team-heartbeats"] == "optional"
    assert heartbeats_topic(watching) == "team-heartbeats"
