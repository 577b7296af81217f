"""What is hostile, gone or forbidden: names, the broker, the server, strangers."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from dashboard.guard import Credentials
from tests.browser.conftest import OpenPage, PageServer, Serve
from tests.browser.world import record
from tests.unit.dashboard.samples import alert

HOSTILE = [
    "</script><img src=x onerror=globalThis.hit=1>",
    '"><svg onload=globalThis.hit=1>',
    "javascript:globalThis.hit=1",
    "a/b?c=d&e#f %2F|%7C",
    "{model}",
    "<b style='position:fixed;inset:0'>&lt;x&gt;</b>",
]
PARTS: dict[str, object] = {
    "total": 10,
    "labelled": 10,
    "metrics": {"accuracy": 0.9},
    "intervals": {"accuracy": [0.8, 0.95]},
    "confusion": {"tp": 5, "fp": 1, "fn": 0, "tn": 4},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_text_wherever_it_stands(open_page: OpenPage, serve: Serve, name: str) -> None:
    messages = [record(i, name, version, "binary", PARTS) for version in (name, "v0") for i in (-2, -1)]
    messages.append(record(-3, name, "v0", "binary", PARTS))
    messages += [record(i, name, name, "binary", PARTS, segment=f"country={name}") for i in (-2, -1)]
    messages.append(alert(model=name, model_version=name, rule=name, summary=name, minute=357, threshold=0.85))
    page = open_page("/", on=serve(*messages))
    page.locator("tbody tr", has_text=f"{name} ·").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    page.locator(".main-svg").first.wait_for()
    texts = page.locator("figure").first.locator(".annotation-text").all_text_contents()
    assert f"{name} deployed" in texts
    page.goto(page.url.partition("?")[0] + f"?version={quote(name, safe='')}&segment=country%3D{quote(name, safe='')}")
    expect(page.get_by_text(f"segment country={name}")).to_be_visible()
    assert page.evaluate("globalThis.hit ?? null") is None
    assert page.locator("main img, main b, main svg[onload]").count() == 0


def test_names_of_classes_are_text(open_page: OpenPage, serve: Serve) -> None:
    evil = HOSTILE[0]
    confusion = {evil: {evil: 3, "a": 1}, "a": {"a": 5}, "b": {"b": 1}}
    page = open_page("/models/m", on=serve(record(-1, "m", "v1", "multiclass", PARTS | {"confusion": confusion})))
    expect(page.locator(".confusion tbody th")).to_have_count(3)
    assert evil in page.locator(".confusion tbody th").all_inner_texts()
    assert page.evaluate("globalThis.hit ?? null") is None


def test_without_its_broker_the_page_says_so_and_keeps_what_it_has(open_page: OpenPage, serve: Serve) -> None:
    server = serve(record(-1, "fraud", "v1", "binary", PARTS))
    page = open_page("/", on=server)
    reading = server.site.reading
    reading.connected, reading.problem = False, "the broker does not answer"
    expect(page.locator("#banner")).to_contain_text("The broker does not answer", timeout=30_000)
    expect(page.locator("#status")).to_have_text("Not live")
    expect(page.get_by_role("link", name="fraud")).to_be_visible()
    reading.connected, reading.problem = True, None
    expect(page.locator("#banner")).to_be_hidden(timeout=10_000)


def test_when_the_server_was_away_the_page_goes_on_by_itself(open_page: OpenPage, serve: Serve) -> None:
    server = serve(record(-2, "fraud", "v1", "binary", PARTS))
    page = open_page("/", on=server, errors=True)
    expect(page.locator("#status")).to_have_text("Live")
    server.stop()
    expect(page.locator("#banner")).to_contain_text("Hindcast does not answer", timeout=30_000)
    server.start()
    expect(page.locator("#status")).to_have_text("Live", timeout=30_000)
    server.tell(record(-1, "fraud", "v1", "binary", PARTS | {"metrics": {"accuracy": 0.125}}))
    expect(page.locator("tbody tr")).to_contain_text("0.125", timeout=30_000)


def test_what_the_server_refuses_is_said_and_can_be_tried_again(open_page: OpenPage, serve: Serve) -> None:
    server = serve()
    server.site.store.metrics.series = None  # type: ignore[assignment]  # a bug of ours
    page = open_page("/", on=server, errors=True)
    expect(page.get_by_role("alert").filter(has_text="could not be loaded")).to_contain_text("the log says more")
    server.site.store.clear()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="No model has sent anything yet")).to_be_visible()


def test_there_is_no_such_page(open_page: OpenPage, server: PageServer) -> None:
    page = open_page("/")
    answer = page.request.get(f"{server.url}/nowhere")
    assert (answer.status, answer.json()["errors"][0]["message"]) == (404, "Not Found")


def test_below_a_base_path_and_behind_a_password(open_page: OpenPage, serve: Serve) -> None:
    server = serve(
        record(-1, "a/b", "v1", "binary", PARTS), base_path="/ml/watch", credentials=Credentials("pä:ss", "ann")
    )
    answer = open_page("/", on=server, http_credentials={"username": "ann", "password": "pä:ss"})
    answer.get_by_role("link", name="a/b").click()
    expect(answer.get_by_role("heading", level=1)).to_have_text("a/b")
    assert "/ml/watch/models/a%2Fb" in answer.url
    answer.reload()
    expect(answer.locator("[data-number=accuracy]")).to_contain_text("0.900")
    expect(answer.locator("#status")).to_have_text("Live")
    answer.go_back()
    expect(answer.get_by_role("heading", level=1)).to_have_text("Overview")


def test_a_token_is_asked_for_and_kept_while_the_tab_is_open(open_page: OpenPage, serve: Serve) -> None:
    server = serve(record(-1, "fraud", "v1", "binary", PARTS), credentials=Credentials("t0ken"))
    page = open_page("/", on=server, errors=True)
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Show the page").click()
    expect(page.get_by_text("This token is not the right one.")).to_be_visible()
    page.get_by_label("Token").fill("t0ken")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="fraud")).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="fraud")).to_be_visible()
    expect(page.locator("#status")).to_have_text("Live")
    assert page.request.get(f"{server.url}/api/v1/models").status == 401
