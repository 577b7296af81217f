import json
import sys
import types
from importlib.metadata import version
from pathlib import Path

import pytest

from models.errors import WorldError
from runtime.cli import main


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HINDCAST_CONFIG", raising=False)


@pytest.fixture
def worker_calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Stands for the worker, which has tests of its own; here only its arguments matter."""
    calls: list[tuple[object, ...]] = []

    def run(*arguments: object) -> int:
        calls.append(arguments)
        return 0

    module = types.ModuleType("runtime.worker")
    module.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "runtime.worker", module)
    return calls


def errors_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    code = main(arguments)
    return code, capsys.readouterr().err.splitlines()


VERBS = (
    "demo", "worker", "dashboard", "check", "topics create", "simulate", "evaluate", "baseline build",
    "baseline learn", "skew", "dead-letters list", "dead-letters replay",
)  # fmt: skip


def test_the_version_is_told_without_any_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"hindcast {version('hindcast-monitor')}\n"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_config_and_log_format(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*verb.split(), "--help"]) == 0
    text = capsys.readouterr().out
    assert all(option in text for option in ("--help", "--config", "--log-format"))


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("wrker", "hindcast: No such command 'wrker'. Did you mean 'worker', 'broker'? (see hindcast --help)"),
        ("check --shema", "hindcast: No such option: --shema"),
        ("worker --roles ingest,cook", "hindcast: Invalid value: must be some of ingest, alerts, sinks"),
        ("worker --roles sinks", "hindcast: Invalid value: sinks has nothing to do in this version: name ingest or"),
        ("worker --log-format xml", "hindcast: Invalid value for '--log-format'"),
        ("simulate --for 5", "hindcast: Invalid value for '--for': not a duration"),
        ("simulate --label-delay soon", "hindcast: Invalid value: not a duration"),
        ("simulate --fraud-rate 7", "hindcast: simulate.fraud_rate: must lie within 0 and 1"),
        ("simulate --bootstrap nowhere", "hindcast: Invalid value: --bootstrap: write host:port"),
        ("evaluate", "hindcast: Missing option"),
        ("baseline build", "hindcast: Missing argument"),
        ("baseline build train.csv --features ,", "hindcast: --features: name some, as a,b"),
        ("baseline build train.xls", "hindcast: train.xls: unknown ending, must be one of .csv"),
        ("baseline build train.csv --model churn", "hindcast: --model: churn is not configured, known are fraud"),
        ("dead-letters list --since yesterday", "hindcast: --since: neither a duration"),
        ("check --config nope.yaml", "hindcast: cannot read nope.yaml: No such file"),
    ],
)
def test_wrong_use_is_one_readable_line_and_exit_code_2(
    arguments: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = errors_of(capsys, *arguments.split())
    assert code == 2
    assert len(lines) == 1
    assert lines[0].startswith(line)


def test_a_wrong_configuration_is_all_its_errors_a_line_each_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hindcast.yaml").write_text("web: {port: x}\nkafak: {}\n")
    code, lines = errors_of(capsys, "worker")
    assert code == 2
    assert lines == [
        "hindcast: web.port: must be a whole number (got 'x')",
        "hindcast: kafak: unknown key, did you mean kafka?",
    ]


def test_without_any_file_the_defaults_are_used(worker_calls: list[tuple[object, ...]]) -> None:
    assert main(["worker"]) == 0
    [(settings, roles, create_topics)] = worker_calls
    assert list(settings.models) == ["fraud"]  # type: ignore[attr-defined]
    assert (roles, create_topics) == (("ingest", "alerts", "sinks"), False)


def test_a_file_comes_from_the_option_else_the_environment_else_the_default_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worker_calls: list[tuple[object, ...]]
) -> None:
    for port, name in enumerate(("hindcast.yaml", "env.yaml", "option.yaml"), start=1):
        (tmp_path / name).write_text(f"web: {{port: {port}}}\n")
    assert main(["worker"]) == 0
    monkeypatch.setenv("HINDCAST_CONFIG", "env.yaml")
    assert main(["worker"]) == 0
    assert main(["worker", "--config", "option.yaml", "--roles", "ingest", "--create-topics"]) == 0
    assert [call[0].web.port for call in worker_calls] == [1, 2, 3]  # type: ignore[attr-defined]
    assert worker_calls[-1][1:] == (("ingest",), True)


def test_a_file_that_the_environment_names_must_exist(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HINDCAST_CONFIG", "gone.yaml")
    assert errors_of(capsys, "check") == (2, ["hindcast: cannot read gone.yaml: No such file"])


def test_a_worker_says_at_its_start_what_it_does_not_act_on(
    tmp_path: Path, worker_calls: list[tuple[object, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hindcast.yaml").write_text("sinks: {delta: {path: x}}\n")
    code, [line] = errors_of(capsys, "worker", "--log-format", "json")
    assert code == 0
    assert json.loads(line)["message"] == "read, not acted on in this version: sinks"
    assert worker_calls


def test_a_wrong_world_is_its_lines_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, worker_calls: list[tuple[object, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*_: object) -> int:
        raise WorldError("topic a does not exist\ntopic b does not exist")

    monkeypatch.setattr(sys.modules["runtime.worker"], "run", run)
    assert errors_of(capsys, "worker") == (1, ["hindcast: topic a does not exist", "hindcast: topic b does not exist"])


def test_check_without_a_broker_shows_the_configuration_and_exits_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hindcast.yaml").write_text(
        "kafka: {bootstrap_servers: '127.0.0.1:1'}\nsinks: {}\n"
        "models: {shop: {predictions: {topic: shop, fields: {score: out.p}}, spans: [1h], segments: [country]}}\n"
    )
    assert main(["check"]) == 1
    out, err = capsys.readouterr()
    assert "predictions from shop: id = prediction_id or transaction_id" in out
    assert "score = out.p" in out
    assert "labels from shop_labels" in out
    assert "throughput-zero (P1, critical): fires when no predictions came for 5m." in out
    assert "channel console/console: reachable" in out
    warning, error = err.splitlines()
    assert warning == "hindcast: warning: read, not acted on in this version: sinks"
    assert error.startswith("hindcast: no broker answers at 127.0.0.1:1: ")


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "hindcast.yaml"
