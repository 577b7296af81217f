"""The `privacy` section, the allow-list of features, and the key that all workers must share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, cast

import msgspec
import pytest

from metrics.reference import SCHEMA, Baseline, Categorical
from models.errors import ConfigError, WorldError
from models.id_hash import IdHash
from runtime.baseline_fields import find_fields
from runtime.check import summary, unwatched
from runtime.identity_log import Identities, IdentityLog
from runtime.key_identity import fingerprint, key_check, settle_key
from runtime.model_plan import model_fields, model_plan
from runtime.privacy import hash_of_ids, keyed_hash
from runtime.settings import Settings, parse
from tables.dimensions import KEY_ID, TOPIC_ID, Name

KEY = "a key of 32 bytes, as it should be"
CITY = Categorical(categories=["Rome"], counts=[0, 0, 0, 0, 0, 9])


def privacy(**keys: object) -> Settings:
    return parse({"privacy": keys}, {"KEY": KEY, "SHORT": "hunter2"})


def problems(**keys: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        privacy(**keys)
    assert "hunter2" not in str(caught.value)
    return caught.value.problems


def test_nothing_is_hashed_or_redacted_unless_it_is_asked_for() -> None:
    settings = parse({}, {})
    assert hash_of_ids(settings.privacy) is None
    assert settings.privacy.dead_letters == "original"
    assert "privacy: ids as they are, dead letters original" in summary(settings, None)


def test_where_ids_are_hashed_dead_letters_are_redacted_unless_somebody_says_otherwise() -> None:
    settings = privacy(hash_ids=True, key="${KEY}")
    assert "privacy: ids as keyed hashes, dead letters redacted" in summary(settings, None)
    assert privacy(hash_ids=True, key="${KEY}", dead_letters="original").privacy.dead_letters == "original"
    assert privacy(dead_letters="redacted").privacy.dead_letters == "redacted"


def test_a_key_comes_from_the_environment_or_from_a_file_and_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    of_file = privacy(hash_ids=True, key_file=str(tmp_path / "key"))
    of_environment = privacy(hash_ids=True, key="${KEY}")
    hashes = [hash_of_ids(settings.privacy) for settings in (of_file, of_environment)]
    assert [hash_ids([b"7"]) for hash_ids in hashes if hash_ids] == [IdHash(KEY.encode())([b"7"])] * 2
    shown = f"{of_environment!r}{of_environment.model_dump()}{of_environment.model_dump_json()}{hashes}"
    assert KEY not in shown
    (tmp_path / "key").unlink()
    with pytest.raises(WorldError, match=r"privacy\.key_file: cannot read"):
        keyed_hash(of_file.privacy)


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"hash_ids": True}, "privacy.key_file: is needed with hash_ids: true, or key as ${ENV_VAR}"),
        ({"hash_ids": True, "key": "hunter2"}, "privacy.key: a secret may not stand in the file, write ${ENV_VAR} or"),
        ({"key": "${SHORT}"}, "privacy.key: has 7 bytes, must have 16 to 64"),
        ({"key": "${KEY}", "key_file": "gone"}, "privacy.key: give either key or key_file"),
        ({"key_file": "gone"}, "privacy.key_file: cannot read gone: No such file"),
        ({"dead_letters": "gone"}, "privacy.dead_letters: must be one of original, redacted"),
        ({"on_key_changed": "go"}, "privacy.on_key_changed: must be one of stop, accept"),
        ({"hash_id": True}, "privacy.hash_id: unknown key"),
    ],
)
def test_what_is_wrong_is_a_line_with_its_key_path(keys: dict[str, Any], line: str) -> None:
    assert any(problem.startswith(line) for problem in problems(**keys))


# -- the allow-list of features


def allowing(tmp_path: Path, features: object, **model: object) -> Settings:
    file = tmp_path / "fraud.json"
    baseline = Baseline(schema=SCHEMA, records=9, features={"city": CITY, "email": CITY})
    file.write_bytes(msgspec.json.encode(baseline))
    fraud = {"predictions": {"topic": "p"}, "baseline": str(file), "features": features, **model}
    return parse({"models": {"fraud": fraud}}, {})


def test_a_feature_that_is_not_allowed_is_not_even_read(tmp_path: Path) -> None:
    model = allowing(tmp_path, ["city"]).models["fraud"]
    observer = model_fields("fraud", model, "predictions").observer
    assert observer is not None
    assert [name for name, _ in observer.fields][3:] == ["city"]
    every = allowing(tmp_path, None).models["fraud"]
    assert model_plan("fraud", model).whole.cells < model_plan("fraud", every).whole.cells
    none = model_fields("fraud", allowing(tmp_path, []).models["fraud"], "predictions").observer
    assert none is not None
    assert len(none.fields) == 3


def test_check_says_which_features_are_not_watched_on_either_side(tmp_path: Path) -> None:
    assert list(unwatched(allowing(tmp_path, None))) == []
    assert list(unwatched(allowing(tmp_path, ["email", "city"]))) == []
    assert list(unwatched(allowing(tmp_path, ["city", "age"]))) == [
        "models.fraud.features: not among them, so not watched: email of the baseline",
        "models.fraud.features: not in the baseline, so not watched: age",
    ]


def test_a_baseline_is_built_of_the_features_that_are_allowed(tmp_path: Path) -> None:
    model = allowing(tmp_path, ["city", "age"]).models["fraud"]
    columns = ["id", "score", "features.city", "features.email"]
    assert find_fields(model, columns, None).features == {"city": "features.city"}
    with pytest.raises(ConfigError, match="--features: email is not among the features that may be watched"):
        find_fields(model, columns, ["city", "email"])


# -- the key that all workers share


@dataclass
class Log:
    """The log of ids, in memory."""

    names: list[Name] = field(default_factory=list)

    def read(self) -> Identities:
        found = Identities()
        for name in self.names:
            found.take(name)
        return found

    def append(self, names: Iterable[Name]) -> None:
        self.names += names


FIRST, SECOND = (IdHash(key.encode()) for key in (KEY, KEY + "!"))
USED = Name("p", TOPIC_ID, "A")


def settle(log: Log, hash_ids: IdHash | None, on_changed: str = "stop") -> None:
    settle_key(cast("IdentityLog", log), log.read().key, fingerprint(hash_ids), cast("Any", on_changed))


def test_the_first_key_is_written_down_once_and_none_is_nothing_to_write() -> None:
    log = Log()
    settle(log, None)
    assert log.names == []
    settle(log, FIRST)
    settle(log, FIRST)
    assert log.names == [Name("", KEY_ID, FIRST.fingerprint)]


@pytest.mark.parametrize(("before", "after"), [(FIRST, SECOND), (FIRST, None), (None, FIRST)])
def test_another_key_is_refused_with_the_remedy_or_accepted_with_a_warning(
    before: IdHash | None, after: IdHash | None, caplog: pytest.LogCaptureFixture
) -> None:
    log = Log()
    settle(log, before)
    log.append([USED])
    with pytest.raises(WorldError, match=r"would not meet .*privacy.on_key_changed: accept.*kafka.topic_prefix"):
        settle(log, after)
    assert log.names[-1] == USED
    settle(log, after, "accept")
    assert "will not meet" in caplog.text
    settle(log, after)
    with pytest.raises(WorldError):
        settle(log, before)


def test_a_running_worker_ends_when_another_one_hashes_otherwise() -> None:
    class StoppedError(Exception):
        pass

    def fatal(reason: str) -> NoReturn:
        raise StoppedError(reason)

    check = key_check(FIRST, fatal)
    check(FIRST.fingerprint)
    for other in (SECOND.fingerprint, ""):
        with pytest.raises(StoppedError, match="all must have the same"):
            check(other)
    key_check(None, fatal)("")
