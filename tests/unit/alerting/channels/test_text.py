import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.channels import text
from tests.support.alert_samples import alert, notification


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("fraud\r\nBcc: everybody@example.com", "fraud Bcc: everybody@example.com"),
        ("a\x1b[31mred\x00", "a [31mred"),
        ("\u202egnp.exe", "gnp.exe"),  # turns what follows around
        ("line\u2028separator", "line separator"),
        ("half \ud800 surrogate", "half surrogate"),
        ("x" * 2_000, "x" * 999 + "…"),
        ("naïve, 東京 🙂", "naïve, 東京 🙂"),
    ],
)
def test_f56_text_of_a_record_is_one_harmless_line(given: str, shown: str) -> None:
    assert text.clean(given) == shown


@given(st.text(max_size=300), st.integers(1, 100))
def test_f56_whatever_a_record_holds_the_line_is_bounded_and_can_be_encoded(anything: str, most: int) -> None:
    shown = text.clean(anything, most)
    assert len(shown) <= most
    assert len(f"x{shown}x".splitlines()) == 1
    shown.encode()


@pytest.mark.parametrize(
    ("url", "is_link"),
    [
        ("https://runbooks.example/a?b=c#d", True),
        ("http://runbooks.example", True),
        ("javascript:alert(1)", False),
        ("https://a.example/|<!channel>", False),
        ('https://a.example/" onclick="x', False),
        ("https://a.example/" + "x" * 2_000, False),
        ("", False),
        (None, False),
    ],
)
def test_f56_only_plain_http_urls_become_links(url: str | None, is_link: bool) -> None:
    assert text.link(url) == (url if is_link else None)


def test_a_line_says_everything_of_an_alert() -> None:
    line = text.line(alert(segment="country=DE"))
    for part in ("FIRING", "P1", "accuracy-critical", "fraud rf_v2 country=DE", "accuracy 0.8123 [0.79, 0.83]"):
        assert part in line
    for part in ("threshold 0.9", "2026-11-18T", "accuracy is below 0.9", "https://runbooks.example/accuracy"):
        assert part in line


def test_what_is_not_there_is_a_dash() -> None:
    assert text.value_with_interval(alert(value=None, interval=None)) == "-"
    assert text.value_with_interval(alert(value=0.5, interval=None)) == "0.5"
    assert text.number(float("nan")) == "-"


def test_the_title_names_one_alert_or_counts_several() -> None:
    assert text.title(notification()) == "[FIRING P1] accuracy-critical: fraud rf_v2"
    assert text.title(notification(why="TEST")).startswith("[TEST FIRING P1]")
    several = notification(alert(), alert(fingerprint="b", status="resolved"), omitted=3)
    assert text.title(several) == "[1 firing, 1 resolved, 3 more] model=fraud"


def test_f67_a_body_shows_fifty_alerts_and_counts_the_rest() -> None:
    lines = text.body(notification(*[alert(fingerprint=str(n)) for n in range(60)], omitted=9_940)).splitlines()
    assert len(lines) == 51
    assert lines[-1] == "and 9950 more"


def test_f68_incidents_that_came_and_went_untold_are_counted() -> None:
    assert text.body(notification(missed=1)).splitlines()[-1] == "1 incident came and went untold before"
    assert text.remarks(notification(), 1) == []
