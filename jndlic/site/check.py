"""Whether a built site hangs together: every link leads to a page, a file or an anchor that is
there, and no page fetches anything from a network.

The generator reports pages and anchors; not pictures, not files, and not what its theme adds.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

_FETCHED = {
    *((tag, "src") for tag in ("img", "script", "iframe", "source", "video", "audio", "embed")),
    *(("link", "href"), ("object", "data")),
}
"""Elements and their attributes that a browser follows by itself."""

_STYLE_FETCHES = re.compile(r"""(?:url\(|@import)\s*["']?\s*((?:https?:)?//[^"')\s]+)""")


class Reference(NamedTuple):
    """What a page names."""

    target: str
    fetched: bool
    """By a browser as soon as it shows the page, not when somebody follows a link."""


class Page(HTMLParser):
    """Anchors and references of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = {""}
        self.references: list[Reference] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See HTMLParser."""
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.anchors.add(value)
            elif (tag, name) in _FETCHED or (tag, name) == ("a", "href"):
                self.references.append(Reference(value or "", (tag, name) in _FETCHED))


def faults(folder: Path) -> list[str]:
    """What is wrong with a site, a line each; empty where nothing is.

    Args:
        folder: of the built site. Its page 404.html, which a server shows at any address, is left
            out.
    """
    pages = {
        path: Page(path.read_text("utf-8"))
        for path in sorted(folder.rglob("*.html"))
        if path.name != "404.html"
    }
    if not pages:
        return [f"{folder}: no pages"]
    found = [
        f"{path.relative_to(folder)}: {fault}"
        for path, page in pages.items()
        for one in page.references
        if (fault := _fault(one, path, pages))
    ]
    for path in sorted(folder.rglob("*.css")):
        for address in _STYLE_FETCHES.findall(path.read_text("utf-8")):
            found.append(f"{path.relative_to(folder)}: fetches {address}")
    return found


def _fault(one: Reference, path: Path, pages: dict[Path, Page]) -> str | None:
    address = urlsplit(one.target)
    if address.scheme == "data":
        return None
    if address.scheme or address.netloc:
        return f"fetches {one.target}" if one.fetched else None
    place = (path.parent / unquote(address.path)).resolve() if address.path else path
    if place.is_dir():
        place /= "index.html"
    if not place.is_file():
        return f"{one.target} is not there"
    anchor = unquote(address.fragment)
    if place in pages and anchor not in pages[place].anchors:
        return f"{one.target}: no such anchor"
    return None
