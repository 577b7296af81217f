"""The page's files over HTTP; what they do stands in tests/browser."""

from __future__ import annotations

import gzip
import re
from importlib.metadata import version

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from dashboard.app import protect
from dashboard.guard import Credentials
from dashboard.pages import POLICY, Pages, add_pages
from tests.unit.dashboard.test_api import basic


def client(base_path: str = "", credentials: Credentials | None = None) -> TestClient[web.Request, web.Application]:
    app = web.Application()
    protect(app, credentials)
    add_pages(app, base_path, "1.2")
    return TestClient(TestServer(app))


@pytest.mark.parametrize("path", ["/", "/models/fraud", "/models/a%2Fb", "/models/%7Bmodel%7D"])
async def test_every_view_is_the_same_page_below_the_base_path(path: str) -> None:
    async with client("/ml") as it, it.get(f"/ml{path}") as answer:
        text = await answer.text()
        assert (answer.status, answer.content_type) == (200, "text/html")
        assert '<base href="/ml/">' in text
        assert "$" not in text
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers["Cache-Control"] == "no-cache"
        linked = re.findall(r'(?:src|href)="(/ml/static/[^"]+)"', text)
        assert len(linked) > 10
        for name in linked:
            async with it.get(name) as file:
                assert file.status == 200, name
                assert "immutable" in file.headers["Cache-Control"]


async def test_plotly_is_the_bundle_of_its_package_and_travels_compressed() -> None:
    async with client() as it:
        static = Pages("", "1.2").static
        async with it.get(f"{static}/plotly.js", auto_decompress=False) as answer:
            assert (answer.content_type, answer.headers["Content-Encoding"]) == ("text/javascript", "gzip")
            packed = await answer.read()
        async with it.get(f"{static}/plotly.js", headers={"Accept-Encoding": "identity"}) as answer:
            plain = await answer.read()
    assert gzip.decompress(packed) == plain
    assert plain.startswith(b"/**\n* plotly.js v")
    assert version("plotly")


@pytest.mark.parametrize(
    "path", ["/static/x/app.js", "{static}/nothing.js", "{static}/../pages.py", "{static}/index.html"]
)
async def test_nothing_else_is_served(path: str) -> None:
    async with client() as it, it.get(path.format(static=Pages("", "1.2").static)) as answer:
        assert answer.status == 404


@pytest.mark.parametrize(("credentials", "status"), [(Credentials("t"), 200), (Credentials("s", "ann"), 401)])
async def test_the_page_is_open_only_where_a_browser_could_not_bring_the_secret(
    credentials: Credentials, status: int
) -> None:
    async with client("", credentials) as it:
        for path in ("/", f"{Pages('', '1.2').static}/app.js"):
            async with it.get(path) as answer:
                assert answer.status == status
        async with it.get("/nowhere") as answer:
            assert answer.status == 401
        async with it.get("/", headers={"Authorization": basic("ann", "s")}) as answer:
            assert answer.status == 200
