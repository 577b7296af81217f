"""What `make audit` makes of what vulnerability services say; they themselves are asked by the target."""

import json

import pytest

from tests.image.audit import Report, read_report, verdict

FINE = {"name": "orjson", "version": "3.13.0", "vulns": []}
FOUND = {
    "name": "jinja2",
    "version": "2.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1", "3.0"], "aliases": []}],
}
OPEN = {"name": "faust", "version": "1.0", "vulns": [{"id": "PYSEC-2", "fix_versions": [], "aliases": []}]}
SKIPPED = {"name": "aiohttp", "skip_reason": "Dependency not found on PyPI and could not be audited"}


def report_of(*packages: object) -> Report:
    return read_report(json.dumps({"dependencies": packages, "fixes": []}))


def test_what_is_found_fails_and_says_what_mends_it() -> None:
    code, lines = verdict({"pypi": report_of(FINE, FOUND, OPEN)}, strict=False)
    assert code == 1
    assert lines == [
        "vulnerable: faust 1.0: PYSEC-2, fixed in no version yet",
        "vulnerable: jinja2 2.0: PYSEC-1, fixed in 2.1, 3.0",
    ]


def test_what_one_service_finds_counts_also_where_it_does_not_know_all() -> None:
    assert verdict({"pypi": report_of(SKIPPED, FOUND), "osv": report_of(FINE)}, strict=False)[0] == 1


def test_a_complete_answer_without_findings_passes() -> None:
    answers = {"pypi": None, "osv": report_of(FINE)}
    assert verdict(answers, strict=True) == (0, ["no known vulnerability in 1 packages, says osv"])


@pytest.mark.parametrize("answer", [None, report_of(SKIPPED), report_of(SKIPPED, FINE), report_of()])
def test_no_answer_is_said_loudly_and_never_taken_for_a_clean_one(answer: Report | None) -> None:
    code, lines = verdict({"pypi": answer}, strict=False)
    assert code == 0
    assert lines[0].startswith("NOT AUDITED")
    assert verdict({"pypi": answer}, strict=True)[0] == 1
