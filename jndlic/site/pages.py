"""The pages of the site, from those of the repository.

README.md, docs/*.md ... ─► links led to where the pages stand in the site ─┐
parsers, docstrings ─► pages of reference ──────────────────────────────────┴─► folder of Markdown

The pages of the repository are written for its browser; here they move, and so do their links.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from jndlic.errors import JndlicError
from jndlic.site.commands import command_reference
from jndlic.site.interface import python_reference

DOCS = "docs"

ELSEWHERE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "weights/README.md": "model-card.md",
}
"""Pages of the site that stand outside of docs/ in the repository."""

COMMANDS, PYTHON = "commands.md", "python.md"
"""Pages that are made here."""

FILES = "files"
"""Folder of the site for what pages link to that is no page: configurations, sources."""

_CODE = re.compile(r"(^```.*?^```$|`[^`\n]+`)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?<=\]\()([^)\s]+)(?=\))")


class Link(NamedTuple):
    """A link as it is written: a path, beginning at the page, and what stands behind the #."""

    path: str
    anchor: str


def written_pages(root: Path) -> dict[str, str]:
    """The pages that people write: their places in the site by those in the repository."""
    own = sorted(path.name for path in (root / DOCS).glob("*.md"))
    return {**ELSEWHERE, **{f"{DOCS}/{name}": name for name in own}}


def links(text: str) -> Iterator[Link]:
    """Links of a page of Markdown that lead to other files, or within the page."""
    for part in _CODE.split(text)[::2]:
        for target in _LINK.findall(part):
            if not _outside(target):
                path, _, anchor = target.partition("#")
                yield Link(path, anchor)


def moved(text: str, page: str, places: Mapping[str, str], root: Path) -> tuple[str, set[str]]:
    """A page with links as they must be in the site.

    Args:
        text: of the page.
        page: its place in the repository.
        places: of all pages, see `written_pages`.
        root: of the repository.

    Returns:
        The text; and the files, by their places in the repository, that it needs beside pages.

    Raises:
        JndlicError: it links to what is not there.
    """
    needed: set[str] = set()

    def led(match: re.Match[str]) -> str:
        target = match[0]
        path, mark, anchor = target.partition("#")
        if _outside(target) or not path:
            return target
        wanted = os.path.normpath(os.path.join(os.path.dirname(page), path))
        if wanted not in places:
            if not (root / wanted).is_file():
                raise JndlicError(f"{page}: links to {target}, which is not there")
            needed.add(wanted)
        place = os.path.relpath(places.get(wanted) or place_of_file(wanted))
        return os.path.relpath(place, os.path.dirname(places[page]) or ".") + mark + anchor

    parts = _CODE.split(text)
    parts[::2] = [_LINK.sub(led, part) for part in parts[::2]]
    return "".join(parts), needed


def place_of_file(path: str) -> str:
    """Where a file of the repository that is no page stands in the site."""
    inside = path.removeprefix(f"{DOCS}/")
    return inside if inside != path else f"{FILES}/{path}"


def write_pages(root: Path, folder: Path, parsers: Sequence[argparse.ArgumentParser]) -> None:
    """Writes all pages, and the files that they show or link to, into an empty folder.

    Args:
        root: of the repository.
        folder: to write to.
        parsers: of the command.

    Raises:
        JndlicError: a page links to what is not there, or the Python reference lacks something.
        OSError: something cannot be read or written.
    """
    places = written_pages(root)
    made = {COMMANDS: command_reference(parsers), PYTHON: python_reference(root)}
    needed: set[str] = set()
    for page, place in places.items():
        made[place], files = moved((root / page).read_text("utf-8"), page, places, root)
        needed |= files
    for place, text in made.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    for file in needed:
        path = folder / place_of_file(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / file, path)


def _outside(target: str) -> bool:
    return re.match(r"[a-z]+:", target) is not None
