"""Builds the image as its Dockerfile says, step by step, in roots of the kind of tests/image/root.py.

It knows what our Dockerfile uses and refuses everything else. Layers, the engine and the real base are not tried.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from tests.image.root import PYTHON, SEARCH_PATH, Process, Root

BASE = re.compile(rf"{PYTHON.replace('python', 'python:')}-slim-\w+")
"""The Python that the tests run with."""
OUTSIDE = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
"""Variables of this machine without which no package may be found; an engine is told them by its own configuration."""
Step = tuple[int, str, str]


@dataclass(slots=True)
class Stage:
    """A root and what later steps and the finished image know of it."""

    root: Root
    environment: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    directory: str = "/"
    user: str = "0:0"
    said: dict[str, str] = field(default_factory=dict)
    """Other instructions as they stand: ENTRYPOINT, CMD, STOPSIGNAL, EXPOSE."""

    @property
    def entrypoint(self) -> list[str]:
        """In its exec form, which is the only one that signals get through."""
        found: list[str] = json.loads(self.said["ENTRYPOINT"])
        return found

    def filled(self, text: str) -> str:
        """With its variables put in; one that is not declared stays as it stands."""
        return Template(text).safe_substitute({"PATH": SEARCH_PATH, **self.arguments, **self.environment})


class Build:
    """Use once: `Build(context, files, directory).run(steps)`."""

    def __init__(self, context: Path, files: Sequence[str], directory: Path) -> None:
        """context: the folder of the Dockerfile; files: what of it a build gets to see."""
        self._context, self._files, self._directory = context, files, directory
        self._stages: dict[str, Stage] = {}
        self._global: dict[str, str] = {}

    def run(self, steps: Sequence[Step]) -> Stage:
        """The last stage. Raises AssertionError with line and instruction of the step that fails."""
        stage = None
        for line, instruction, value in steps:
            try:
                if instruction == "FROM":
                    stage = self._start(value)
                elif stage is None:
                    assert instruction == "ARG", "nothing but ARG may stand before FROM"
                    self._global |= _pairs(value)
                else:
                    self._do(stage, instruction, value)
            except (AssertionError, OSError, subprocess.SubprocessError) as error:
                raise AssertionError(f"Dockerfile:{line} {instruction} {value}: {error}") from error
        assert stage is not None
        return stage

    def _start(self, value: str) -> Stage:
        image, _, name = Template(value).substitute(self._global).partition(" AS ")
        assert BASE.fullmatch(image), f"{image} is not the slim image of {PYTHON}, which is what the tests run with"
        number = str(len(self._stages))
        stage = self._stages[name or number] = Stage(Root(self._directory / f"stage-{number}"))
        return stage

    def _do(self, stage: Stage, instruction: str, value: str) -> None:
        match instruction:
            case "ARG":
                stage.arguments |= _pairs(value)
            case "ENV":
                stage.environment |= _pairs(stage.filled(value))
            case "LABEL":
                stage.labels |= _pairs(stage.filled(value))
            case "WORKDIR":
                stage.directory = value
                (stage.root.path / value.strip("/")).mkdir(parents=True, exist_ok=True)
            case "USER":
                stage.user = value
            case "RUN":
                self._shell(stage, value)
            case "COPY":
                self._copy(stage, value)
            case "ENTRYPOINT" | "CMD" | "STOPSIGNAL" | "EXPOSE":
                stage.said[instruction] = value
            case _:
                raise AssertionError("no step that this build knows")

    def _shell(self, stage: Stage, value: str) -> None:
        options, command = _options(value)
        mounts = {_cached(option): _pip_cache() for option in options}
        outside = {k: v for k, v in os.environ.items() if k.upper().startswith(OUTSIDE)}
        environment = {"HOME": "/root", **outside, **stage.arguments, **stage.environment}
        stage.root.run(["/bin/sh", "-c", command], Process(environment, stage.directory, stage.user, mounts))

    def _copy(self, stage: Stage, value: str) -> None:
        options, rest = _options(value)
        *sources, target = rest.split()
        to = stage.root.path / (Path(stage.directory) / target).as_posix().strip("/")
        if options:
            (option,), (source,) = options, sources
            before = self._stages[option.removeprefix("from=")]
            to.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", "--link", f"{before.root.path}{source}/.", str(to)], check=True)
            return
        names = self._files if sources == ["."] else sources
        assert set(names) <= set(self._files), f"{sorted(set(names) - set(self._files))} not in the build context"
        subprocess.run(["cp", "--parents", *names, str(to)], cwd=self._context, check=True)


def _options(value: str) -> tuple[list[str], str]:
    """`--mount=… --from=… rest` as its options, without dashes, and the rest."""
    found = []
    while value.startswith("--"):
        option, _, value = value.partition(" ")
        found.append(option.removeprefix("--"))
        value = value.lstrip()
    return found, value


def _cached(option: str) -> str:
    match = re.fullmatch(r"mount=type=cache,target=(/\S*/pip)", option)
    assert match is not None, f"--{option}: only pip's cache may be mounted"
    return match[1]


def _pip_cache() -> Path:
    found = subprocess.run([sys.executable, "-m", "pip", "cache", "dir"], capture_output=True, text=True, check=True)
    directory = Path(found.stdout.strip())
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _pairs(value: str) -> Mapping[str, str]:
    """`A=1 B="two words"` as a mapping."""
    return {name: rest for name, _, rest in (word.partition("=") for word in shlex.split(value))}
