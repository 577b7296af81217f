"""The page's own files, and its address for every view.

There is no build step: modules, styles and the picture are served as they stand in `dashboard/page`, and Plotly's
bundle as its Python package ships it. Their addresses hold a digest of all of them, so browsers keep them for ever and
a new version is fetched at once. The page itself holds no data, so it needs no credentials where a bearer token is
asked for, which no browser sends by itself.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from aiohttp import web

from dashboard.guard import PUBLIC, Handler

_MODEL: Final = "/models/{model:[^/]+}"
_OF_MODEL: Final = ("segments", "drift", "quality", "service")
PATHS: Final = ("/", "/alerts", "/pipeline", _MODEL, *(f"{_MODEL}/{view}" for view in _OF_MODEL))
"""The views, as dashboard/page/routes.js knows them."""
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'self'; form-action 'none'; frame-ancestors 'none'"
)
TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
BUNDLE: Final = "plotly.js"
_FOR_EVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent: compressed where that is worth it, and said so."""

    body: bytes
    content_type: str
    packed: bytes


class Pages:
    """All files by name, and what their addresses begin with. base_path: as `web.base_path`."""

    def __init__(self, base_path: str, app_version: str) -> None:
        source = {name: file.read_bytes() for name, file in _files(files("dashboard") / "page")}
        index = source.pop("index.html").decode()
        digest = hashlib.blake2b(version("plotly").encode(), digest_size=6)
        for name in sorted(source):
            digest.update(name.encode() + b"\0" + source[name])
        self.static = f"{base_path}/static/{digest.hexdigest()}"
        self.assets = {name: _asset(name, body) for name, body in source.items()}
        self._bundle: asyncio.Task[Asset] | None = None
        modules = sorted(name for name in source if name.endswith(".js") and name != "theme.js")
        preloads = "\n".join(f'<link rel="modulepreload" href="{self.static}/{name}">' for name in modules)
        filled = {"$BASE": base_path, "$STATIC": self.static, "$PRELOADS": preloads, "$VERSION": app_version}
        for name, text in filled.items():
            index = index.replace(name, text)
        self.index = index.encode()

    async def asset(self, name: str) -> Asset | None:
        """A file by its name; None for one that is not there."""
        if name != BUNDLE:
            return self.assets.get(name)
        return await asyncio.shield(self.bundle())

    def bundle(self) -> asyncio.Task[Asset]:
        """Plotly's bundle, which a thread reads and compresses."""
        if self._bundle is None:
            self._bundle = asyncio.create_task(asyncio.to_thread(_bundle))
        return self._bundle


def add_pages(app: web.Application, base_path: str, app_version: str) -> None:
    """Add the page's routes under the base path."""
    pages = Pages(base_path, app_version)
    for number, path in enumerate(PATHS):
        app.router.add_get(base_path + path, _index(pages), name=f"{PUBLIC}view{number}")

    async def start(_: web.Application) -> None:
        pages.bundle()

    app.on_startup.append(start)
    app.router.add_get(pages.static + "/{name:.+}", _asset_of(pages), name=f"{PUBLIC}static")


def _index(pages: Pages) -> Handler:
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}

    async def index(_: web.Request) -> web.StreamResponse:
        return web.Response(body=pages.index, headers=headers, content_type="text/html", charset="utf-8")

    return index


def _asset_of(pages: Pages) -> Handler:
    async def asset(request: web.Request) -> web.StreamResponse:
        found = await pages.asset(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        headers = {"Cache-Control": _FOR_EVER, "Vary": "Accept-Encoding"}
        packed = "gzip" in request.headers.get("Accept-Encoding", "") and found.packed
        if packed:
            headers["Content-Encoding"] = "gzip"
        body = packed or found.body
        return web.Response(body=body, headers=headers, content_type=found.content_type, charset="utf-8")

    return asset


def _files(folder: Traversable, below: str = "") -> list[tuple[str, Traversable]]:
    found = []
    for entry in folder.iterdir():
        found += _files(entry, f"{below}{entry.name}/") if entry.is_dir() else [(below + entry.name, entry)]
    return found


def _asset(name: str, body: bytes) -> Asset:
    return Asset(body, TYPES[name[name.rindex(".") :]], gzip.compress(body, mtime=0))


def _bundle() -> Asset:
    body = (files("plotly") / "package_data" / "plotly.min.js").read_bytes()
    return Asset(body, TYPES[".js"], gzip.compress(body, compresslevel=6, mtime=0))
