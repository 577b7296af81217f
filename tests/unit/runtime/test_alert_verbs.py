"""What the alert verbs make of what they read; the broker itself is another test's."""

import io
from collections.abc import Sequence
from pathlib import Path

import pytest

from alerting.evaluator import Options
from alerting.rule import Condition, Rule
from models.errors import ConfigError
from models.silence import Silence, encode_silence
from runtime.alert_plan import alert_plan
from runtime.alerts_channels import channels_of, check_channels, post_tests, send_test
from runtime.alerts_list import newest
from runtime.alerts_replay import Replayed, Stored, find, lines, replay
from runtime.alerts_silences import doubts, lasting, line, matchers
from runtime.cli import main
from runtime.settings import parse
from tests.support.alert_samples import alert
from tests.unit.alerting.rule_records import MINUTE, T0, now, record

LOW = Rule("low", (Condition("accuracy", "below", (0.9,)),), min_labelled=100)
DOWN = Rule("down", (Condition("accuracy", "drop_from_baseline", (0.1,)),))
OPTIONS = Options(baseline_windows=3, window_names={"fraud": "60s"})


def stored(
    records: Sequence[tuple[int, float]], partition: int = 0, *, model: str = "fraud", final: bool = False
) -> list[Stored]:
    return [
        Stored(partition, now(minute), record(minute, value, model=model, final=final)) for minute, value in records
    ]


def said(found: Replayed) -> list[tuple[str, str, int]]:
    return [(one.status, one.model, ((one.ends_at_ms or one.starts_at_ms) - T0) // MINUTE) for one in found.alerts]


def test_a_replay_tells_when_the_rule_would_have_fired_and_resolved() -> None:
    found = replay(LOW, OPTIONS, stored([(1, 0.95), (2, 0.85), (3, 0.8), (4, 0.95)]), now(5))
    assert [status for status, _, _ in said(found)] == ["firing", "resolved"]
    *events, total = lines(found, T0, 3)
    assert events[0].startswith("2025-11-21T10:0")
    assert "firing   fraud v1: accuracy 0.85" in events[0]
    assert "resolved fraud v1: accuracy 0.95" in events[1]
    assert total == "4 records written since 2025-11-21T10:00:00Z: fired 1 times, 0 of them until now"


def test_a_replay_that_finds_nothing_says_so() -> None:
    assert list(lines(replay(LOW, OPTIONS, stored([(1, 0.95)]), now(2)), T0, 3)) == [
        "1 records written since 2025-11-21T10:00:00Z: it would not have fired"
    ]
    assert replay(LOW, OPTIONS, [], now(2)).alerts == []


def test_a_replay_learns_the_baseline_from_all_records_first() -> None:
    windows = stored([(1, 0.8), (2, 0.95)]) + stored([(-9, 0.95), (-8, 0.95), (-7, 0.95)], final=True)
    found = replay(DOWN, OPTIONS, sorted(windows, key=lambda one: one.at_ms), now(3))
    assert [status for status, _, _ in said(found)] == ["firing", "resolved"]
    assert next(lines(found, T0, 3)) == "baseline of fraud: accuracy 0.95"


def test_a_replay_with_too_few_final_windows_says_what_is_missing() -> None:
    found = replay(DOWN, OPTIONS, stored([(1, 0.5)], final=True), now(2))
    assert list(lines(found, T0, 3)) == [
        "baseline of fraud: accuracy not known by 1 of 3 final windows",
        "1 records written since 2025-11-21T10:00:00Z: it would not have fired",
    ]


def test_partitions_are_replayed_each_in_its_own_time() -> None:
    one = stored([(1, 0.85), (2, 0.95)], 0, model="a")
    other = stored([(1, 0.95), (2, 0.85)], 1, model="b")
    found = replay(LOW, OPTIONS, [*one, *other], now(3))
    assert sorted((model, status) for status, model, _ in said(found)) == [
        ("a", "firing"),
        ("a", "resolved"),
        ("b", "firing"),
    ]


def test_a_replay_notices_that_nothing_came() -> None:
    silent = Rule("silent", (Condition("total", "absent_for", (300.0,)),))
    found = replay(silent, OPTIONS, stored([(1, 0.9), (2, 0.9), (20, 0.9)]), now(40))
    assert [status for status, _, _ in said(found)] == ["firing", "resolved", "firing"]


def test_an_unknown_rule_is_told_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="no rule lwo, did you mean low\\?"):
        find([LOW], "lwo")


def test_the_last_word_on_each_alert_counts_and_firing_ones_come_first() -> None:
    one, over = alert(), alert(status="resolved")
    other = alert(fingerprint="b", priority="P2")
    assert newest([one, over, other]) == [other, over]
    assert newest([over, other, one]) == [one, other]


def test_a_silence_that_fits_no_alert_is_begun_with_a_warning() -> None:
    settings = parse({"models": {"fraud": {"predictions": {"topic": "p_predictions"}}}}, {})
    assert doubts(settings, {"model": ["fraud"], "rule": ["accuracy-*"]}) == []
    assert doubts(settings, {"model": ["frad"], "priority": ["P9"]}) == [
        "--match.model: no model frad, did you mean fraud?",
        "--match.priority: no priority P9, there are P1, P2, P3",
    ]


def test_matchers_are_read_and_faults_told() -> None:
    assert matchers(["model=a", "rule=drift-*", "model=b=c"]) == {"model": ["a", "b=c"], "rule": ["drift-*"]}
    for wrong in (["modl=a"], ["model="], ["model"], []):
        with pytest.raises(ConfigError, match="--match"):
            matchers(wrong)


def test_a_silence_lasts_until_it_is_ended_or_over() -> None:
    silences = [Silence(silence_id=i, match={"model": ["a"]}, starts_at_ms=0, ends_at_ms=9) for i in "abc"]
    records: list[tuple[object, bytes | None]] = [(one.silence_id, encode_silence(one)) for one in silences]
    records += [("b", None), ("d", b"not a silence")]
    assert [one.silence_id for one in lasting(records, 8)] == ["a", "c"]
    assert lasting(records, 9) == []


def test_a_silence_is_shown_with_its_reason() -> None:
    silence = Silence(
        silence_id="s", match={"model": ["a", "b"]}, starts_at_ms=0, ends_at_ms=1000, reason="why", created_by="me"
    )
    assert line(silence) == "s  1970-01-01T00:00:00Z to 1970-01-01T00:00:01Z  model a or b (me: why)"


CONSOLE = {"ops": {"console": {}}, "daily": {"digest": {"via": "ops"}}}


def test_a_test_message_goes_through_each_channel_of_the_receiver(capsys: pytest.CaptureFixture[str]) -> None:
    assert send_test(parse({"alerts": {"receivers": CONSOLE}}, {}), "daily") == 0
    out = capsys.readouterr().out
    assert "a test by hand" in out
    assert "channel ops/console: sent" in out


def test_a_channel_that_refuses_is_told_with_the_reason_and_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    receivers = CONSOLE | {"hook": {"webhook": {"url": "https://hook.invalid/quiet", "secret": "${S}"}}}
    plan = alert_plan(parse({"alerts": {"receivers": receivers}}, {"S": "quiet"}))
    assert not post_tests(plan, ["ops/console", "hook/webhook"])
    assert not check_channels(plan)
    told = capsys.readouterr()
    assert "channel hook/webhook: unreachable: " in told.err
    assert "ops/console: sent" in told.out
    assert "quiet" not in told.out + told.err


def test_an_unknown_receiver_is_wrong_use() -> None:
    plan = alert_plan(parse({"alerts": {"receivers": CONSOLE}}, {}))
    assert channels_of(plan, "daily") == ["ops/console"]
    with pytest.raises(ConfigError, match="no receiver opps, did you mean ops"):
        channels_of(plan, "opps")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["silence", "--match", "model=a"], "--for: is needed"),
        (["silence", "--for", "2h"], "--match: is needed"),
        (["silence", "--match", "x=a", "--for", "2h"], "--match: write label=value"),
        (["test", "low", "--from", "yesterday"], "--from: neither a duration"),
        (["test", "throughput-zeor"], "no rule throughput-zeor, did you mean throughput-zero?"),
        (["send-test", "nobody"], "no receiver nobody"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert main(["alerts", *arguments]) == 2
    assert line in capsys.readouterr().err
