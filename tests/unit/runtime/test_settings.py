import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.errors import ConfigError
from runtime.settings import Settings, json_schema, load, parse, unused

CONTRACT_EXAMPLE = Path(__file__).with_name("contract_example.yaml").read_text(encoding="utf-8")


def problems_of(tree: object, **env: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(tree, env)
    return caught.value.problems


def model(**keys: object) -> dict[str, Any]:
    return {"models": {"fraud": {"predictions": {"topic": "p"}, "labels": {"topic": "l"}} | keys}}


@pytest.fixture
def example(tmp_path: Path) -> Path:
    for name in ("kafka", "ca.pem", "registry", "pagerduty", "smtp", "hook"):
        (tmp_path / name).write_text("x\n")
    (tmp_path / "ids").write_text("sixteen bytes it\n")
    (tmp_path / "slack").write_text("https://hooks.slack.com/services/x\n")
    (tmp_path / "apprise").write_text("json://teams.example.com/x\n")
    (tmp_path / "fraud.json").write_text('{"schema": "hindcast.baseline/1", "performance": {"accuracy": 0.97}}')
    file = tmp_path / "hindcast.yaml"
    whole = CONTRACT_EXAMPLE.replace("/secrets", str(tmp_path)).replace("baselines/", f"{tmp_path}/")
    file.write_text(whole)
    return file


def test_no_file_at_all_monitors_the_fraud_topics_on_localhost() -> None:
    settings = load(None, {})
    fraud = settings.models["fraud"]
    assert settings.kafka.bootstrap_servers == ["localhost:9092"]
    assert list(settings.models) == ["fraud"]
    assert (fraud.predictions.topic, fraud.labels.topic) == ("fraud_predictions", "fraud_labels")


def test_defaults_are_the_values_that_the_contract_shows() -> None:
    settings = load(None, {})
    fraud = settings.models["fraud"]
    assert (fraud.window_ms, fraud.window.name, fraud.horizon_ms) == (60_000, "60s", 21_600_000)
    assert (fraud.allowed_lateness_ms, fraud.out_of_orderness_ms, fraud.label_skew_ms) == (60_000, 30_000, 0)
    assert (fraud.emit_every_ms, fraud.idle_timeout_ms) == (10_000, 30_000)
    assert (fraud.threshold, fraud.partitioned_by_id, fraud.positive_class) == (0.5, False, 1)
    assert (fraud.spans, fraud.segments, fraud.segment_values_max) == ([], [], 50)
    assert (settings.kafka.topic_prefix, settings.kafka.replication_factor) == ("hindcast-", None)
    assert (settings.state.directory, settings.state.standby_replicas) == ("/var/lib/hindcast", 0)
    assert (settings.state.memory_budget_bytes, settings.web.port) == (1 << 30, 6066)
    assert (settings.limits.record_bytes_max, settings.limits.dead_letter_ratio_max) == (256 << 10, 0.5)
    assert (settings.limits.series_max, settings.limits.models_max) == (1000, 100)


def test_the_contracts_whole_example_loads_and_says_what_it_does_not_act_on(example: Path) -> None:
    settings = load(example, {"SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/x"})
    fraud = settings.models["fraud"]
    assert [span.ms for span in fraud.spans] == [3_600_000, 86_400_000]
    assert fraud.segments == ["country", "merchant"]
    assert unused(settings) == [
        "models.fraud.champion",
        "models.fraud.challengers",
        "sinks",
    ]


def test_later_fields_are_told_too() -> None:
    tree = model(predictions={"topic": "p", "fields": {"scores": "s", "id": "i"}})
    assert unused(parse(tree, {})) == ["models.fraud.predictions.fields.scores"]


def test_scores_of_classes_are_acted_on_by_multiclass_models() -> None:
    tree = model(task="multiclass", predictions={"topic": "p", "fields": {"scores": "probabilities"}})
    assert unused(parse(tree, {})) == []


def test_a_value_is_acted_on_only_where_somebody_asks_what_outcomes_are_worth() -> None:
    predictions = {"topic": "p", "fields": {"value": "amount"}}
    assert unused(parse(model(predictions=predictions), {})) == ["models.fraud.predictions.fields.value"]
    assert unused(parse(model(predictions=predictions, business={}), {})) == []


def test_all_errors_come_at_once_with_their_key_paths() -> None:
    tree = {
        "kafka": {"bootstrap_server": "a:1"},
        "models": {
            "a": model(window="6x", threshold=2)["models"]["fraud"],
            "b": {"labels": {}},
            "c": {"predictions": {"topic": "c"}, "horizon": "30s"},
        },
        "web": {"port": 70_000},
    }
    paths = [line.split(":", maxsplit=1)[0] for line in problems_of(tree)]
    assert paths == [
        "kafka.bootstrap_server",
        "models.a.threshold",
        "models.a.window",
        "models.b.predictions",
        "web.port",
        "models.c.horizon",
    ]


@pytest.mark.parametrize(
    ("tree", "line"),
    [
        ({"kafak": {}}, "kafak: unknown key, did you mean kafka?"),
        (model(windw="60s"), "models.fraud.windw: unknown key, did you mean window?"),
        (model(horizon_ms=5), "models.fraud.horizon_ms: unknown key, did you mean horizon?"),
        (
            model(predictions={"topic": "p", "fields": {"predicton": "x"}}),
            "models.fraud.predictions.fields.predicton: unknown key, did you mean prediction?",
        ),
        ({"web": {"zzz": 1}}, "web.zzz: unknown key"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(tree: object, line: str) -> None:
    assert problems_of(tree) == [line]


@pytest.mark.parametrize("key", ["processing_guarantee", "exactly_once", "auto_offset_reset"])
def test_keys_that_would_change_kafkas_guarantees_are_refused_with_the_reason(key: str) -> None:
    [line] = problems_of({"kafka": {key: "exactly_once"}})
    assert line.startswith(f"kafka.{key}: not a setting: Hindcast counts exactly")


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"window": 60}, "models.fraud.window: not a duration"),
        ({"window": "0s"}, "models.fraud.window: must be greater than zero"),
        ({"window": "1000 labelled"}, "models.fraud.window: must be a duration, as 60s"),
        ({"horizon": "99999d"}, "models.fraud.horizon: too long a duration"),
        ({"horizon": "30s"}, "models.fraud.horizon: must be at least one window (60s)"),
        ({"spans": ["90s"]}, "models.fraud.spans[0]: 90s is not a multiple of the window (60s)"),
        ({"spans": ["30s"]}, "models.fraud.spans[0]: 30s is not a multiple of the window (60s)"),
        ({"spans": ["1m"]}, "models.fraud.spans[0]: 1m is the window itself"),
        ({"spans": ["1h", "60m"]}, "models.fraud.spans[1]: 60m is the same span as 1h"),
        ({"spans": ["0 labelled"]}, "models.fraud.spans[0]: must be greater than zero"),
        ({"segments": ["a", "a"]}, "models.fraud.segments[1]: a stands twice"),
        ({"segments": ["a=b"]}, "models.fraud.segments[0]: not a segment field"),
        ({"positive_class": [1]}, "models.fraud.positive_class: must be a class"),
        ({"threshold": 1.5}, "models.fraud.threshold: must be less than or equal to 1"),
        ({"classes_max": 1}, "models.fraud.classes_max: must be greater than or equal to 2"),
        ({"task": "binray"}, "models.fraud.task: must be one of binary, multiclass, regression, did you mean binary?"),
        ({"labels": {"topic": "p"}}, "models.fraud.labels.topic: p is already the predictions' topic of fraud"),
        ({"labels": {"topic": "a b"}}, "models.fraud.labels.topic: not a topic name"),
        ({"predictions": {}}, "models.fraud.predictions.topic: is needed"),
        ({"predictions": {"topic": "hindcast-metrics"}}, "models.fraud.predictions.topic: hindcast-metrics is a topic"),
        ({"labels": {"topic": "hindcast-x-by-id"}}, "models.fraud.labels.topic: hindcast-x-by-id is a topic"),
        ({"partitioned_by_id": "perhaps"}, "models.fraud.partitioned_by_id: must be true or false"),
        (
            {"business": {"per_record": {"tq": 1}}},
            "models.fraud.business.per_record.tq: unknown key, there are tp, fp, fn, tn",
        ),
        ({"business": {"per_value": {"fn": "1,5"}}}, "models.fraud.business.per_value.fn: must be a number"),
        ({"business": {"per_value": {"fn": float("inf")}}}, "models.fraud.business.per_value.fn: "),
        (
            {"business": {}, "task": "regression"},
            "models.fraud.business: the worth of confusion cells is known of binary",
        ),
        ({"class_scores": True}, "models.fraud.class_scores: scores of single classes are of multiclass models only"),
        ({"segment_values_max": 0}, "models.fraud.segment_values_max: must be greater than or equal to 1"),
        ({"segment_values_max": "x"}, "models.fraud.segment_values_max: must be a whole number (got 'x')"),
        (
            {"predictions": {"topic": "p", "fields": {"id": "a..b"}}},
            "models.fraud.predictions.fields.id: not a field path",
        ),
    ],
)
def test_each_fault_of_a_model_has_one_readable_line(keys: dict[str, object], line: str) -> None:
    [found] = problems_of(model(**keys))
    assert found.startswith(line)


@pytest.mark.parametrize(
    ("tree", "line"),
    [
        ({"kafka": {"bootstrap_servers": "localhost"}}, "kafka.bootstrap_servers: each broker is written as host:port"),
        ({"kafka": {"bootstrap_servers": []}}, "kafka.bootstrap_servers: at least one broker is needed"),
        ({"kafka": {"bootstrap_servers": 9092}}, "kafka.bootstrap_servers: not a list of brokers"),
        ({"kafka": {"topic_prefix": "ä"}}, "kafka.topic_prefix: not a topic name"),
        ({"kafka": []}, "kafka: must be a mapping of keys to values"),
        ({"state": {"memory_budget": 100}}, "state.memory_budget: not a size"),
        ({"limits": {"record_bytes_max": "0B"}}, "limits.record_bytes_max: must be greater than zero"),
        ({"limits": {"dead_letter_ratio_max": 0}}, "limits.dead_letter_ratio_max: must be greater than 0"),
        ({"models": {}}, "models: at least one entry is needed"),
        ([], "the configuration must be a mapping"),
    ],
)
def test_each_fault_outside_the_models_has_one_readable_line(tree: object, line: str) -> None:
    [found] = problems_of(tree)
    assert found.startswith(line)


def test_models_that_share_a_topic_must_agree_on_its_partitioning() -> None:
    one = {"predictions": {"topic": "p"}, "labels": {"topic": "l"}}
    tree = {"models": {"a": one, "*": one | {"partitioned_by_id": True}}}
    assert problems_of(tree) == ["models.*.partitioned_by_id: must be as in a: both read p"]


def test_models_that_share_a_topic_must_have_one_task() -> None:
    tree = {
        "models": {
            "a": {"predictions": {"topic": "p"}, "labels": {"topic": "l"}, "task": "regression"},
            "b": {"predictions": {"topic": "q"}, "labels": {"topic": "l"}},
        }
    }
    assert "models.b.task: must be as in a: both read l" in problems_of(tree)


def test_multiclass_models_that_share_a_topic_must_have_the_same_classes() -> None:
    one = {"predictions": {"topic": "p"}, "labels": {"topic": "l"}, "task": "multiclass"}
    two = {"models": {"a": one, "b": one | {"labels": {"topic": "k"}}}}
    assert problems_of(two) == ["models.b.labels.topic: must be as in a: both read p, and their classes are one list"]
    three = {"models": {"a": one, "b": one | {"classes_max": 7}}}
    assert problems_of(three) == ["models.b.classes_max: must be as in a: both read p"]


def test_a_labels_topic_may_not_be_another_models_predictions() -> None:
    tree = {"models": {"a": {"predictions": {"topic": "x"}}, "b": {"predictions": {"topic": "x_labels"}}}}
    assert problems_of(tree) == ["models.a.labels.topic: x_labels is already the predictions' topic of b"]


def test_a_key_that_stands_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "h.yaml"
    file.write_text("models:\n  fraud: {predictions: {topic: p}}\n  fraud: {predictions: {topic: q}}\n")
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    assert caught.value.problems == [f"{file}, line 3, column 3: the key 'fraud' stands twice"]


@pytest.mark.parametrize(
    ("content", "what"),
    [(b"a: [", "line 1"), (b"\xff\xfe\x00", "not UTF-8 text"), (b"- 1\n", "must be a mapping"), (b"? [a]\n: 1", "key")],
)
def test_a_file_that_is_no_configuration_gives_one_line(tmp_path: Path, content: bytes, what: str) -> None:
    file = tmp_path / "h.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    [line] = caught.value.problems
    assert what in line


def test_an_empty_file_means_defaults(tmp_path: Path) -> None:
    file = tmp_path / "h.yaml"
    file.write_text("# nothing yet\n")
    assert load(file, {}) == load(None, {})


def test_any_value_may_come_from_the_environment() -> None:
    settings = parse({"kafka": {"bootstrap_servers": "${HOST}:${PORT}"}, "web": {"port": "${WEB}"}}, {
        "HOST": "broker-0", "PORT": "9093", "WEB": "80",
    })  # fmt: skip
    assert settings.kafka.bootstrap_servers == ["broker-0:9093"]
    assert settings.web.port == 80


def test_a_variable_that_is_not_set_is_told_with_its_key_path() -> None:
    assert "kafka.topic_prefix: the environment variable NOPE is not set" in problems_of(
        {"kafka": {"topic_prefix": "${NOPE}"}}
    )


def test_a_span_keeps_the_name_the_user_gave_it() -> None:
    spans = parse(model(spans=["24h", "120 s", "1000 labelled"]), {}).models["fraud"].spans
    assert [(s.name, s.ms, s.labelled) for s in spans] == [
        ("24h", 86_400_000, None),
        ("120s", 120_000, None),
        ("1000 labelled", None, 1000),
    ]


def test_the_class_of_interest_keeps_its_type() -> None:
    values = [parse(model(positive_class=v), {}).models["fraud"].positive_class for v in (1, True, "fraud")]
    assert [repr(value) for value in values] == ["1", "True", "'fraud'"]


def test_the_json_schema_knows_every_key_of_the_contracts_example_and_no_other() -> None:
    schema: Any = json_schema()
    example = yaml.load(CONTRACT_EXAMPLE, Loader=yaml.BaseLoader)
    definitions = schema["$defs"]
    assert set(example) == set(schema["properties"])
    for name, keys in (
        ("ModelSettings", example["models"]["fraud"]),
        ("KafkaSettings", example["kafka"]),
        ("SecuritySettings", example["kafka"]["security"]),
        ("StateSettings", example["state"]),
        ("LimitSettings", example["limits"]),
    ):
        assert set(keys) <= set(definitions[name]["properties"])
    assert all(d["additionalProperties"] is False for d in definitions.values() if "properties" in d)


def test_the_json_schema_shows_defaults_as_they_are_written() -> None:
    definitions: Any = json_schema()["$defs"]
    keys = definitions["ModelSettings"]["properties"]
    assert (keys["window"]["default"], keys["horizon"]["default"], keys["label_skew"]["default"]) == ("60s", "6h", "0s")
    for name, key in [("ModelSettings", "horizon"), ("ModelSettings", "window"), ("StateSettings", "memory_budget")]:
        written = definitions[name]["properties"][key]
        assert re.match(written["pattern"], written["default"])


def test_settings_cannot_be_changed_after_loading() -> None:
    settings: Settings = load(None, {})
    with pytest.raises(ValueError, match="frozen"):
        settings.web.port = 1  # type: ignore[misc]
