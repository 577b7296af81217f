"""Hooks of mkdocs: pages that stand elsewhere in the repository join the site, and links to them still lead there.

So a link is written once, as a path in the repository, and holds on the site, too. Runbooks and decisions join the
navigation by standing in their folders.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).parents[1]
ELSEWHERE: Final = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "benchmarks-method.md",
    "examples/fraud_service/README.md": "example-service.md",
    "helm/hindcast/README.md": "kubernetes.md",
}
"""Path in the repository -> page of the site. All others stand in docs/."""
FIRST_PAGES: Final = ("index.md", "README.md")
_LINK: Final = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)(?=[)#])")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the pages of a folder to its section, which begins with the folder's first page."""
    for section in config.nav or []:
        (pages,) = section.values()
        if isinstance(pages, list) and len(pages) == 1:
            first = ROOT / "docs" / pages[0]
            others = sorted(page for page in first.parent.glob("*.md") if page != first)
            pages += [str(page.relative_to(ROOT / "docs")) for page in others]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that stand elsewhere."""
    for source, page in ELSEWHERE.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001  # theirs
    """The page with its links as the site has them."""
    sources = {found: source for source, found in ELSEWHERE.items()}
    here = page.file.src_uri
    folder = posixpath.dirname(sources.get(here, f"docs/{here}"))
    return _LINK.sub(
        lambda link: _on_the_site(posixpath.normpath(posixpath.join(folder, link[1])), here) or link[1], markdown
    )


def _on_the_site(target: str, here: str) -> str | None:
    """A path in the repository as seen from the page `here`; None if the site does not have it."""
    if (ROOT / target).is_dir():  # GitHub shows a folder's first page
        target = next((f"{target}/{name}" for name in FIRST_PAGES if (ROOT / target / name).exists()), target)
    found = ELSEWHERE.get(target) or (target.removeprefix("docs/") if target.startswith("docs/") else None)
    return found and posixpath.relpath(found, posixpath.dirname(here) or ".")
