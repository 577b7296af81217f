"""`make audit`: a bill of materials of what the image holds, and whether any of it is known to be vulnerable.

`python -m tests.image.audit FILE [OPTIONS of pip-audit]` writes FILE (CycloneDX, validated against its schema), asks
the vulnerability services, and fails on what they know. A service that cannot be reached, or knows none of the
packages, is no proof of anything: that is said, and fails only with `--strict`, so that no outage of theirs holds up a
change.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv-tools" / "bin"
LOCK = "requirements.lock"
SERVICES = ("pypi", "osv")
SECONDS_MAX = 15


@dataclass(frozen=True, slots=True)
class Report:
    """What a service said: packages that it knows, those that it does not, and what it found, a line each."""

    known: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether it says something of every package."""
        return bool(self.known) and not self.unknown


def read_report(text: str) -> Report:
    """pip-audit's JSON. What it skips is unknown: it calls a report without any answer free of vulnerabilities."""
    packages: list[dict[str, Any]] = json.loads(text)["dependencies"]
    return Report(
        tuple(p["name"] for p in packages if "skip_reason" not in p),
        tuple(p["name"] for p in packages if "skip_reason" in p),
        tuple(_line(p, found) for p in packages for found in p.get("vulns", ())),
    )


def _line(package: dict[str, Any], found: dict[str, Any]) -> str:
    fixed = ", ".join(found["fix_versions"]) or "no version yet"
    return f"{package['name']} {package['version']}: {found['id']}, fixed in {fixed}"


def verdict(reports: dict[str, Report | None], *, strict: bool) -> tuple[int, list[str]]:
    """Exit code and lines, of each service's report (None: it did not answer)."""
    findings = sorted({f for report in reports.values() if report is not None for f in report.findings})
    if findings:
        return 1, [f"vulnerable: {found}" for found in findings]
    for name, report in reports.items():
        if report is not None and report.complete:
            return 0, [f"no known vulnerability in {len(report.known)} packages, says {name}"]
    lines = ["NOT AUDITED: whether any package is vulnerable could not be told from here"]
    for name, report in reports.items():
        why = "no answer" if report is None else f"knows nothing of {len(report.unknown)} packages"
        lines.append(f"  {name}: {why}")
    return int(strict), lines


def bill(target: Path) -> int:
    """Write the bill of materials; how many components it has. Raises CalledProcessError if it is invalid."""
    target.parent.mkdir(parents=True, exist_ok=True)
    options = ["--pyproject", "pyproject.toml", "--spec-version", "1.6", "--output-reproducible", "--validate"]
    command = [str(TOOLS / "cyclonedx-py"), "requirements", LOCK, *options, "--output-file", str(target)]
    subprocess.run(command, cwd=ROOT, check=True)
    components: list[dict[str, Any]] = json.loads(target.read_text())["components"]
    return len(components)


def ask(service: str, options: Sequence[str]) -> Report | None:
    """What a service knows of the lock; None if it does not answer."""
    command = [
        *(str(TOOLS / "pip-audit"), "--requirement", LOCK, "--require-hashes", "--disable-pip"),
        *("--vulnerability-service", service, "--timeout", str(SECONDS_MAX)),
        *("--progress-spinner", "off", "--format", "json", *options),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return read_report(done.stdout) if done.stdout.startswith("{") else None


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0 without findings, 1 with; as `verdict` says where nothing could be found out."""
    target, *options = arguments
    strict = "--strict" in options
    sys.stdout.write(f"{target}: {bill(Path(target))} components\n")
    reports: dict[str, Report | None] = {}
    for service in SERVICES:
        reports[service] = report = ask(service, [option for option in options if option != "--strict"])
        if report is not None and report.complete:
            break
    code, lines = verdict(reports, strict=strict)
    sys.stdout.write("\n".join([*lines, ""]))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
