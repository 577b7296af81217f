from dataclasses import replace

import pytest

from runtime.preflight import (
    Expected,
    ExpectedTopic,
    Problem,
    Role,
    Seen,
    SeenTopic,
    missing,
    problems,
    replication_factor,
)

SOURCES = (
    ExpectedTopic("p", "source", key="models.fraud.predictions.topic"),
    ExpectedTopic("l", "source", key="models.fraud.labels.topic"),
)
OURS = (ExpectedTopic("h-metrics", "output"), ExpectedTopic("h-changelog", "internal", 8))
EXPECTED = Expected((*SOURCES, *OURS), partitions=8)
FINE = Seen(
    "id",
    3,
    {
        "p": SeenTopic(4, 3),
        "l": SeenTopic(2, 3),
        "h-metrics": SeenTopic(1, 3),
        "h-changelog": SeenTopic(8, 3),
    },
)


def lines(expected: Expected, seen: Seen, *, will_create: bool = False) -> list[str]:
    return [str(problem) for problem in problems(expected, seen, will_create=will_create)]


def seen_with(**topics: SeenTopic) -> Seen:
    return replace(FINE, topics={**FINE.topics, **{name.replace("_", "-"): topic for name, topic in topics.items()}})


def without(*names: str) -> Seen:
    return replace(FINE, topics={name: topic for name, topic in FINE.topics.items() if name not in names})


def test_a_world_as_expected_has_no_problems() -> None:
    assert problems(EXPECTED, FINE) == []


def test_all_problems_come_at_once_and_errors_first() -> None:
    seen = Seen("id", 1, {"p": SeenTopic(4, 1), "h-changelog": SeenTopic(4, 3)})
    found = problems(EXPECTED, seen)
    assert [problem.severity for problem in found] == ["error"] * 3 + ["warning"] * 2


def test_a_missing_source_names_the_key_that_asks_for_it() -> None:
    [line] = lines(EXPECTED, without("p"))
    assert line == "models.fraud.predictions.topic: topic p does not exist (create it, or correct the name)"


def test_a_missing_topic_of_ours_says_how_to_make_it() -> None:
    [line] = lines(EXPECTED, without("h-metrics"))
    assert line.startswith("topic h-metrics does not exist (run `hindcast topics create`")


def test_a_topic_that_is_made_next_is_no_problem_but_a_missing_source_stays_one() -> None:
    assert lines(EXPECTED, without("h-metrics"), will_create=True) == []
    assert len(lines(EXPECTED, without("p"), will_create=True)) == 1


def test_an_internal_topic_with_another_number_of_partitions_is_an_error() -> None:
    [line] = lines(EXPECTED, seen_with(h_changelog=SeenTopic(12, 3)))
    assert line.startswith("topic h-changelog has 12 partitions, 8 are expected")


@pytest.mark.parametrize(
    ("predictions", "labels", "what"),
    [(12, 6, "its topics differ in partitions (p 12, l 6)"), (12, 12, "have 12 partitions and kafka.partitions is 8")],
)
def test_a_model_partitioned_by_id_needs_equal_counts(predictions: int, labels: int, what: str) -> None:
    expected = replace(EXPECTED, by_id={"fraud": ("p", "l")})
    [line] = lines(expected, seen_with(p=SeenTopic(predictions, 3), l=SeenTopic(labels, 3)))
    assert line.startswith("models.fraud.partitioned_by_id: ")
    assert what in line
    assert lines(expected, seen_with(p=SeenTopic(8, 3), l=SeenTopic(8, 3))) == []


def test_models_that_are_partitioned_by_id_must_agree_with_each_other() -> None:
    expected = replace(EXPECTED, by_id={"fraud": ("p", "l"), "churn": ("q", "m")})
    seen = seen_with(p=SeenTopic(8, 3), l=SeenTopic(8, 3), q=SeenTopic(6, 3), m=SeenTopic(6, 3))
    [line] = lines(expected, seen)
    assert "differ in partitions (l 8, m 6, p 8, q 6)" in line


def test_a_single_copy_is_a_warning_and_not_an_error() -> None:
    [problem] = problems(EXPECTED, seen_with(h_metrics=SeenTopic(1, 1)))
    text = "only one copy is kept of h-metrics: what a broker loses is lost (replication factor 1)"
    assert problem == Problem(text, "warning")


def test_more_copies_than_brokers_is_an_error_only_where_topics_are_to_be_made() -> None:
    asked = replace(EXPECTED, replication_factor=5)
    assert lines(asked, FINE) == []
    assert "kafka.replication_factor is 5, but there are only 3 brokers" in lines(asked, without("h-metrics"))


@pytest.mark.parametrize(("brokers", "asked", "copies"), [(1, None, 1), (2, None, 2), (5, None, 3), (5, 5, 5)])
def test_new_topics_get_three_copies_or_as_many_as_there_are_brokers(
    brokers: int, asked: int | None, copies: int
) -> None:
    expected = replace(EXPECTED, replication_factor=asked)
    assert replication_factor(expected, replace(FINE, brokers=brokers)) == copies


@pytest.mark.parametrize(
    ("topic", "operations", "line"),
    [
        ("p", {"Describe"}, "not allowed: Read on topic p"),
        ("h-metrics", {"Describe", "Read"}, "not allowed: Write on topic h-metrics"),
        ("h-changelog", {"Describe", "Write"}, "not allowed: Read on topic h-changelog"),
    ],
)
def test_a_missing_right_is_named_with_resource_and_operation(topic: str, operations: set[str], line: str) -> None:
    found = replace(FINE.topics[topic], operations=frozenset(operations))
    assert lines(EXPECTED, replace(FINE, topics={**FINE.topics, topic: found})) == [line]


def test_a_topic_that_may_not_be_seen_is_denied_and_not_called_missing() -> None:
    seen = replace(without("p"), denied=frozenset({"p"}))
    assert lines(EXPECTED, seen) == ["not allowed: Read on topic p"]
    assert missing(EXPECTED, seen) == []


def test_a_group_that_may_not_be_read_is_named() -> None:
    expected = replace(EXPECTED, groups=("hindcast", "hindcast-alerts"))
    assert lines(expected, FINE) == []  # the broker does not say
    seen = replace(FINE, group_operations={"hindcast": frozenset({"Read"}), "hindcast-alerts": frozenset()})
    assert lines(expected, seen) == ["not allowed: Read on group hindcast-alerts"]


def test_a_topic_that_must_have_one_partition_says_why() -> None:
    expected = Expected((ExpectedTopic("h-alerts", "internal", 1, why="one notifier sees all alerts"),))
    [line] = lines(expected, seen_with(h_alerts=SeenTopic(8, 3)))
    assert line == (
        "topic h-alerts has 8 partitions and must have exactly 1: one notifier sees all alerts "
        "(delete it, then make it anew)"
    )
    assert lines(expected, seen_with(h_alerts=SeenTopic(1, 3))) == []


def test_a_changelog_follows_the_partitions_of_the_topic_that_it_belongs_to() -> None:
    rules = ExpectedTopic("h-rules", "internal", partitions_of="h-metrics")
    expected = Expected((ExpectedTopic("h-metrics", "input"), rules), partitions=8)
    wide = seen_with(h_metrics=SeenTopic(24, 3))
    assert [topic.partitions for topic in missing(expected, wide)] == [24]
    assert [topic.partitions for topic in missing(expected, without("h-metrics"))] == [None, 8]
    [line] = lines(expected, seen_with(h_metrics=SeenTopic(24, 3), h_rules=SeenTopic(8, 3)))
    assert line.startswith("topic h-rules has 8 partitions and h-metrics 24: they must be equal")


def test_the_embedded_broker_is_refused_before_anything_else() -> None:
    [line] = lines(EXPECTED, Seen("mockCluster1234", 1, {}))
    assert line.startswith("this is an embedded broker")


@pytest.mark.parametrize("role", ["optional", "offered"])
def test_the_topic_of_heartbeats_may_be_missing_and_is_made_with_the_others(role: Role) -> None:
    topic = ExpectedTopic("h-heartbeats", role, partitions_new=8)
    expected = replace(EXPECTED, topics=(*EXPECTED.topics, topic))
    assert problems(expected, FINE) == []
    assert [(one.name, one.partitions_new) for one in missing(expected, FINE)] == [("h-heartbeats", 8)]


def test_only_a_worker_that_reads_heartbeats_needs_the_right_to() -> None:
    seen = replace(FINE, denied=frozenset({"h-heartbeats"}))
    wanted: dict[Role, list[str]] = {"optional": ["not allowed: Read on topic h-heartbeats"], "offered": []}
    for role, found in wanted.items():
        expected = replace(EXPECTED, topics=(*EXPECTED.topics, ExpectedTopic("h-heartbeats", role)))
        assert lines(expected, seen) == found
        assert missing(expected, seen) == []
