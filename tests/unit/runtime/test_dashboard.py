"""The verb's settings; what it serves is tested in tests/unit/dashboard, the process in tests/integration."""

from pathlib import Path

import pytest

from models.errors import ConfigError, WorldError
from runtime.dashboard import credentials
from runtime.settings import AuthSettings, BasicSettings, parse


def test_credentials_come_from_files(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("pässword\n")
    basic = credentials(AuthSettings(basic=BasicSettings(username="ann", password_file=str(file))))
    bearer = credentials(AuthSettings(bearer_file=str(file)))
    assert basic is not None
    assert bearer is not None
    assert (basic.username, basic.secret, bearer.username, bearer.secret) == ("ann", "pässword", None, "pässword")
    assert credentials(None) is None


def test_a_file_that_went_away_is_one_readable_line(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match=r"^web\.auth: cannot read .*gone: No such file"):
        credentials(AuthSettings(bearer_file=str(tmp_path / "gone")))


@pytest.mark.parametrize(
    ("web", "line"),
    [
        ({"base_path": "hindcast/"}, "web.base_path: not a path: write it as /hindcast, without a slash at its end"),
        ({"base_path": "/a/../b c"}, "web.base_path: not a path: write it as /hindcast, without a slash at its end"),
        ({"auth": {}}, "web.auth: give either basic or bearer_file"),
        (
            {"auth": {"basic": {"username": "a:b", "password_file": "x"}}},
            "web.auth.basic.username: 1 to 200",
        ),
        ({"auth": {"bearer_file": "gone"}}, "web.auth.bearer_file: cannot read gone: No such file"),
        ({"auth": {"basic": {"username": "a", "password": "p"}}}, "web.auth.basic.password: a secret may not stand in"),
    ],
)
def test_wrong_settings_are_one_readable_line(web: dict[str, object], line: str) -> None:
    with pytest.raises(ConfigError) as found:
        parse({"web": web}, {})
    assert any(problem.startswith(line) for problem in found.value.problems), found.value.problems


def test_a_base_path_may_have_several_parts() -> None:
    assert parse({"web": {"base_path": "/ml/hindcast"}}, {}).web.base_path == "/ml/hindcast"
