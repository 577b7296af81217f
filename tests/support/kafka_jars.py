"""Fetches the jars of the real broker, once for each version of the pom, and says why if it cannot."""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

KAFKA = Path(__file__).parent / "kafka"
POM = KAFKA / "pom.xml"
CACHE = Path(__file__).parents[2] / ".cache" / "kafka"
JAVA_VERSION_MIN = 17  # of Kafka 4's broker


class KafkaUnavailableError(Exception):
    """This machine cannot run the real broker; the message says what is missing."""


def java() -> str:
    """Path of a Java that Kafka 4 runs on."""
    path = shutil.which("java")
    if path is None:
        raise KafkaUnavailableError("Java is not installed")
    said = subprocess.run([path, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < JAVA_VERSION_MIN:
        raise KafkaUnavailableError(f"Java {JAVA_VERSION_MIN} or newer is not installed")
    return path


def classpath(version: str = "") -> str:
    """Java class path of the broker, of the pom's version if none is named; fetches the jars (4 s) the first time."""
    named = f"-{version}" if version else ""
    directory = CACHE / f"{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}{named}"
    if not directory.is_dir():
        _fetch(directory, [f"-Dkafka.version={version}"] if version else [])
    return f"{directory}/*"


def _fetch(directory: Path, options: Sequence[str]) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaUnavailableError("Maven is not installed")
    unfinished = directory.with_suffix(f".{os.getpid()}")
    command = [maven, "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={unfinished}"]
    command += options
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        shutil.rmtree(unfinished, ignore_errors=True)
        reason = next((line for line in done.stdout.splitlines() if "ERROR" in line), "no reason given")
        raise KafkaUnavailableError(f"Maven could not fetch Kafka's jars: {reason[:200]}")
    try:
        unfinished.rename(directory)
    except OSError:  # another run was quicker
        shutil.rmtree(unfinished, ignore_errors=True)
