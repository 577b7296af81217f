"""The pages as a site: built strictly, whole, and loading nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.site_hooks import ELSEWHERE
from tests.support.pages import ROOT

LOADED = re.compile(
    r"<(?:script|img|iframe|link rel=\"?(?:stylesheet|preconnect|preload|icon)\"?)[^>]*?(?:src|href)=\"?([^\" >]+)"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `make docs` does; links that lead nowhere and pages that the navigation forgot end it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.mark.docs
def test_every_page_of_the_repository_is_on_the_site(site: Path) -> None:
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")} | set(ELSEWHERE.values())
    wanted = {page.replace("README.md", "index.md").replace(".md", ".html") for page in pages}
    assert wanted <= {str(page.relative_to(site)) for page in site.rglob("*.html")}
    assert not list(site.rglob("*.py"))


@pytest.mark.docs
def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    loaded = [found for page in site.rglob("*.html") for found in LOADED.findall(page.read_text(encoding="utf-8"))]
    assert loaded
    assert [source for source in loaded if re.match(r"(?:https?:)?//", source)] == []
    assert 'class="mermaid"' not in "".join(page.read_text(encoding="utf-8") for page in site.rglob("*.html"))
    styles = [sheet.read_text(encoding="utf-8") for sheet in site.rglob("*.css")]
    assert not re.search(r"url\(['\"]?(?:https?:)?//", "".join(styles))
