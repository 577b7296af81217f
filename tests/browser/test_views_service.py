"""Service, alerts and the pipeline: what they show is what stands in the records; silences and dead letters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from dashboard.guard import Credentials
from dashboard.letter_store import LetterStore
from dashboard.pipeline import Groups, GroupsView
from dashboard.silencing import Silencing
from dashboard.store import Store
from models.silence import Silence
from tests.browser import views_world as world
from tests.browser.conftest import OpenPage, PageServer, Serve
from tests.browser.world import NOW_MS
from tests.unit.dashboard.samples import alert, silence

NOTHING = "\N{EN DASH}"
EVIL = "<script>globalThis.ran=true</script>"
VIEWS = (
    *(f"/models/{world.MODEL}/{view}" for view in ("segments", "drift", "quality", "service")),
    "/alerts",
    "/pipeline",
)


def consumers(told: Groups = world.CONSUMERS) -> GroupsView:
    return GroupsView(lambda: told, lambda: 0.0)


@pytest.fixture(scope="module")
def service() -> Iterator[PageServer]:
    server = PageServer(consumers=consumers())
    server.tell(*world.messages())
    yield server
    server.close()


def row(page: Page, region: str, name: str) -> list[str]:
    rows = page.get_by_role("region", name=region).locator("tbody tr")
    found = rows.filter(has=page.locator("th", has_text=name)).first
    return [text.replace("\n", " ") for text in found.locator("td").all_inner_texts()]


def number(page: Page, name: str) -> str:
    return page.locator(".numbers > div").filter(has=page.get_by_text(name, exact=True)).locator("dd").inner_text()


def test_service_is_the_sum_of_the_windows(service: PageServer, open_page: OpenPage) -> None:
    page = open_page(f"/models/{world.MODEL}/service", on=service)
    assert number(page, "Predictions").startswith("1,980")  # 60 windows of 33
    assert number(page, "Not made").startswith("18")  # 3 in every tenth of them
    assert number(page, "Without error").startswith("99 %")
    assert "at most" in number(page, "Latency p95")
    latency = page.get_by_role("figure").filter(has=page.get_by_role("heading", name="Latency"))
    latency.get_by_text("As a table").click()
    assert row(page, "Serving latency", "18:00") == ["35 ms", "108 ms", "177 ms"]
    errors = page.get_by_role("figure").filter(has=page.get_by_role("heading", name="Errors by type"))
    errors.get_by_text("As a table").click()
    assert row(page, "Errors by type", "17:51") == ["2", "1"]
    assert row(page, "Where the numbers", "Error rate, 1h") == ["1.0 %", "+0.004 [0.00, 0.01]", NOTHING]
    expect(page.get_by_role("heading", name="cpu ratio")).to_be_visible()


def test_alerts_are_told_with_value_interval_and_a_runbook_that_is_a_link_only_where_it_is_one(
    open_page: OpenPage, serve: Serve
) -> None:
    server = serve(
        alert(
            fingerprint="a", value=0.78, threshold=0.85, interval=(0.75, 0.81), runbook="https://runbooks.example/low"
        ),
        alert(fingerprint="b", severity="warning", priority="P2", rule=EVIL, runbook="javascript:globalThis.ran=true"),
        alert("resolved", fingerprint="c", rule="auc-low", segment="country=DE"),
    )
    page = open_page("/alerts", on=server)
    cards = page.locator(".incident")
    expect(cards).to_have_count(2)
    expect(cards.first).to_contain_text("accuracy 0.780 [0.75, 0.81], threshold 0.850, since 12:00 (6 h ago)")
    expect(cards.first.get_by_role("link", name="Runbook")).to_have_attribute("href", "https://runbooks.example/low")
    expect(cards.nth(1)).to_contain_text(EVIL)
    assert cards.nth(1).get_by_role("link", name="Runbook").count() == 0
    assert row(page, "Over within the last day", "auc-low")[1] == "fraud v1 country=DE"
    expect(page.get_by_role("button", name="Silence…")).to_have_count(0)
    server.tell(alert("resolved", fingerprint="a", offset=9))
    expect(cards).to_have_count(1)
    assert row(page, "Over within the last day", "accuracy-low")[4] == "5 min"
    assert page.evaluate("globalThis.ran ?? false") is False


def test_no_alert_is_said(open_page: OpenPage, serve: Serve) -> None:
    page = open_page("/alerts", on=serve())
    expect(page.get_by_text("No alert fires.")).to_be_visible()
    expect(page.get_by_role("heading", name="No alert of the last day is over")).to_be_visible()


def test_who_is_logged_in_silences_and_ends_it(open_page: OpenPage, serve: Serve) -> None:
    begun: list[Silence] = []
    ended: list[str] = []
    server = serve(
        alert(fingerprint="a", value=0.7),
        silence("s9", 600, model="other"),
        credentials=Credentials("pass", "ann"),
        silencing=Silencing(begun.append, ended.append, "ann"),
    )
    page = open_page("/alerts", on=server, http_credentials={"username": "ann", "password": "pass"})
    page.get_by_role("button", name="Silence…").press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("For").select_option(label="4 hours")
    dialog.get_by_label("Why").fill(EVIL)
    dialog.get_by_role("button", name="Silence").click()
    expect(dialog).to_be_hidden()
    [made] = begun
    assert made.match == {"rule": ["accuracy-low"], "model": ["fraud"]}
    assert (made.starts_at_ms, made.ends_at_ms) == (NOW_MS, NOW_MS + 4 * 3_600_000)
    assert row(page, "Silences", "rule accuracy-low, model fraud") == ["22:00", "ann", EVIL, "End"]
    expect(page.locator(".incident")).to_contain_text("silenced until 22:00")
    page.locator("tr", has_text="accuracy-low").get_by_role("button", name="End").click()
    expect(page.locator(".incident")).not_to_contain_text("silenced")
    assert ended == [made.silence_id]
    server.tell(silence("s9", 600, model="other")._replace(value=None))  # somebody else ended this one
    expect(page.get_by_role("region", name="Silences").locator("table")).to_have_count(0)


def test_the_pipeline_adds_up_what_workers_and_the_broker_tell(service: PageServer, open_page: OpenPage) -> None:
    page = open_page("/pipeline", on=service)
    assert number(page, "Records consumed").startswith("7,624")
    assert number(page, "Not acknowledged yet").startswith("123")
    assert number(page, "Workers").startswith("2")
    assert row(page, "What became", "joined") == ["3,600 90 %", "3,600 99 %"]
    assert row(page, "Lag", "fraud_predictions") == ["2", "123", "120"]
    assert row(page, "Lag", "hindcast-metrics") == ["1", NOTHING, NOTHING]
    assert row(page, "Workers", "hindcast-1")[:3] == ["1, 3", "3,812", "1,980"]
    assert row(page, "How far", world.MODEL)[:2] == ["17:59 1.5 min ago", "18:00 just now"]
    expect(page.get_by_text("Group hindcast: stable, 2 members")).to_be_visible()


def test_what_is_not_known_of_the_pipeline_is_said(open_page: OpenPage, serve: Serve) -> None:
    denied = Groups(problem="Group authorization failed")
    page = open_page("/pipeline", on=serve(consumers=consumers(denied)))
    expect(page.get_by_text("Lag is not known: Group authorization failed.")).to_be_visible()
    expect(page.get_by_role("heading", name="No worker has told what became of records")).to_be_visible()
    expect(page.get_by_text("None within a day: every record could be read.")).to_be_visible()
    assert number(page, "Not acknowledged yet").startswith(NOTHING)


def test_dead_letters_are_shown_as_text_and_come_by_themselves(open_page: OpenPage, serve: Serve) -> None:
    server = serve(world.letter(0, "json", EVIL.encode()), store=Store(letters=LetterStore(with_content=True)))
    page = open_page("/pipeline", on=server)
    page.locator(".letters summary").click()
    expect(page.locator(".letters pre")).to_have_text(EVIL)
    server.tell(world.letter(1, "depth", b"[" * 5_000))
    expect(page.locator(".letters li")).to_have_count(2)
    expect(page.locator(".letters pre").filter(has_text="<script>")).to_be_visible()  # stays open
    assert row(page, "Dead letters", "depth") == ["fraud_predictions", "1"]
    assert page.evaluate("globalThis.ran ?? false") is False


def test_without_a_login_dead_letters_keep_their_content(service: PageServer, open_page: OpenPage) -> None:
    page = open_page("/pipeline", on=service)
    page.locator(".letters summary").first.click()
    expect(page.get_by_text("What stands in them is shown where web.auth is set")).to_be_visible()
    assert page.locator(".letters pre").count() == 0


def test_on_a_phone_nothing_is_wider_than_the_screen(service: PageServer, open_page: OpenPage) -> None:
    page = open_page(VIEWS[0], on=service, viewport={"width": 390, "height": 844}, has_touch=True)
    for path in VIEWS:
        page.goto(service.url + path)
        page.locator(".view:not(:has(.loading))").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


def test_a_server_that_is_gone_is_told_and_its_return_noticed(open_page: OpenPage, serve: Serve) -> None:
    server = serve(*world.messages())
    page = open_page("/pipeline", on=server)
    server.stop()
    page.get_by_role("link", name="Alerts").click()
    expect(page.locator(".view [role=alert]")).to_contain_text("Hindcast does not answer")
    server.start()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("No alert fires.")).to_be_visible()
