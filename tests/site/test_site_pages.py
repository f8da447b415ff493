"""Pages of the documentation site: every one has its place, links lead somewhere in the repository
and in the site, and the Markdown means the same to both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from places import ROOT

from jndlic.cli.main import command_parser
from jndlic.errors import JndlicError
from jndlic.site.pages import COMMANDS, PYTHON, links, moved, write_pages, written_pages

PAGES = written_pages(ROOT)


def prose(page: str) -> str:
    """A page without blocks of code."""
    return re.sub(r"^```.*?^```$", "", (ROOT / page).read_text("utf-8"), flags=re.S | re.M)


def anchors(page: str) -> set[str]:
    """The anchors that browsers of repositories make of headings: small letters, blanks to hyphens,
    no signs; a second one of the same words is numbered.
    """
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        words = re.sub(r"\]\([^)]*\)", "", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).strip().replace(" ", "-")
        number = sum(one == slug or bool(re.fullmatch(rf"{slug}-\d+", one)) for one in found)
        found.add(f"{slug}-{number}" if number else slug)
    return found


def configuration() -> dict:
    """zensical.toml."""
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 has no reader of TOML")
    return tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]


def places_of(navigation: list) -> Iterator[str]:
    for entry in navigation:
        for place in entry.values():
            yield from places_of(place) if isinstance(place, list) else [place]


def test_navigation_names_every_page_once() -> None:
    named = list(places_of(configuration()["nav"]))
    assert sorted(named) == sorted([*PAGES.values(), COMMANDS, PYTHON])


def test_every_page_of_the_repository_is_one_of_the_site() -> None:
    there = {str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")}
    assert there and there | {"README.md", "weights/README.md"} <= PAGES.keys()
    assert len(set(PAGES.values())) == len(PAGES)


def test_built_pages_fetch_nothing() -> None:
    found = configuration()
    assert found["theme"]["font"] is False
    assert not {"extra_javascript", "extra_css", "plugins"} & found.keys()


def test_the_site_is_made_into_ignored_folders() -> None:
    found = configuration()
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert all(found[name].startswith("build/") for name in ("docs_dir", "site_dir"))
    assert {"/build/", "/.venv-docs/", "/.cache/"} <= set(ignored)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere_in_the_repository(page: str) -> None:
    for path, anchor in links((ROOT / page).read_text("utf-8")):
        wanted = (ROOT / page).parent / path if path else ROOT / page
        assert wanted.exists(), f"{path} is not there"
        if anchor:
            place = str(wanted.resolve().relative_to(ROOT))
            assert anchor in anchors(place), f"{path}#{anchor}: no such heading"


@pytest.mark.parametrize("page", PAGES)
def test_markdown_means_the_same_everywhere(page: str) -> None:
    # The site's reader wants lists within lists four columns in; none reads rows without a head
    text = prose(page)
    assert not re.findall(r"^(?: {1,3}| {5,7})(?:[-*]|\d+\.) .*", text, re.MULTILINE)
    assert not re.findall(r"\n\n\|.*\n(?!\|[ :|-]+\n).*", text)


def test_pages_are_written_with_what_they_show(tmp_path: Path) -> None:
    write_pages(ROOT, tmp_path, [command_parser()])
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.md")}
    assert written == {*PAGES.values(), COMMANDS, PYTHON}
    start = (tmp_path / "index.md").read_text("utf-8")
    assert "(usage.md#install)" in start and "(demo.png)" in start and "(docs/" not in start
    assert "(model-card.md)" in start and "(files/LICENSE)" in start
    for name in ("demo.png", "files/LICENSE", "results/curves.png", "files/tests/test_house.py"):
        assert (tmp_path / name).is_file()
    for page in tmp_path.glob("*.md"):
        for path, _ in links(page.read_text("utf-8")):
            assert not path or (tmp_path / path).is_file(), f"{page.name}: {path}"


PLACES = {"README.md": "index.md", "docs/a.md": "a.md", "weights/README.md": "model-card.md"}


@pytest.mark.parametrize(
    ("page", "text", "expected"),
    [
        ("README.md", "[a](docs/a.md#b) [c](#d)", "[a](a.md#b) [c](#d)"),
        ("docs/a.md", "[up](../README.md#x)", "[up](index.md#x)"),
        ("docs/a.md", "[w](../weights/README.md)", "[w](model-card.md)"),
        ("weights/README.md", "![x](../docs/x.png) [s](../s.py)", "![x](x.png) [s](files/s.py)"),
        ("docs/a.md", "[`a`](x.png)", "[`a`](x.png)"),
        ("docs/a.md", "[o](https://x.org/a.md)", "[o](https://x.org/a.md)"),
        ("docs/a.md", "`[a](b)`\n```sh\n[a](c)\n```\n", "`[a](b)`\n```sh\n[a](c)\n```\n"),
    ],
)
def test_links_move_with_their_pages(page: str, text: str, expected: str, tmp_path: Path) -> None:
    for name in ("docs/x.png", "s.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert moved(text, page, PLACES, tmp_path)[0] == expected


def test_a_link_to_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(JndlicError, match=r"docs/a.md: links to \.\./gone.py, which is not there"):
        moved("[x](../gone.py)", "docs/a.md", PLACES, tmp_path)
