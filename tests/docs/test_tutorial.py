"""The tutorial, followed to the letter: its commands are read out of the page and typed into one shell."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.pages import ROOT, Block, Until, steps
from tests.support.ports import free_ports
from tests.support.reaper import Reaper
from tests.support.shell import Shell

PORT = "6066"
"""The port on the page, for which the test takes a free one."""
STEP_SECONDS_MAX = 150


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """In an empty folder, with the code of this checkout, however it is installed."""
    ours = {"REPOSITORY": str(ROOT), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    kept = {name: value for name, value in os.environ.items() if name not in {"HINDCAST_CONFIG", "HINDCAST_EMBEDDED"}}
    reaper = Reaper()
    shell = Shell(tmp_path, reaper, kept | ours, STEP_SECONDS_MAX)
    try:
        yield shell
    finally:
        shell.close()
        reaper.close()


@pytest.mark.docs
@pytest.mark.timeout(600)
def test_who_follows_the_tutorial_sees_what_it_says_up_to_the_alert_and_its_end(shell: Shell, tmp_path: Path) -> None:
    page = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8").replace(PORT, str(free_ports(1)[0]))
    clone, printed, ran, compared = tmp_path / "hindcast", "", 0, 0
    for step in steps(page):
        match step:
            case Until(command):
                shell.wait_until(command)
            case Block(language="sh", text=commands):
                if commands.startswith("make setup"):
                    _as_if_set_up_before(clone)
                printed = shell.run(commands)
                ran += 1
            case Block(title=name, text=text) if name:
                (clone / name).write_text(text, encoding="utf-8")
            case Block(language="text", text=lines):
                assert [line for line in lines.splitlines() if line.strip() not in printed] == [], printed
                compared += 1
    assert ran > 5
    assert compared > 3
    assert not (clone / "hindcast.yaml").exists()


def _as_if_set_up_before(clone: Path) -> None:
    """This checkout's environment, newer than what it is made of: `make setup` need not install all of it again."""
    (clone / ".venv").symlink_to(ROOT / ".venv")
    for name in ("requirements.lock", "pyproject.toml"):
        os.utime(clone / name, (0, 0))
