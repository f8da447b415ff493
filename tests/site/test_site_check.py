"""The check of a built site finds what a reader would stumble over."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT

from jndlic.site.check import faults


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site of two pages without a fault."""
    folder = tmp_path / "site"
    (folder / "deep").mkdir(parents=True)
    (folder / "picture one.png").touch()
    (folder / "style.css").write_text("p { background: url(picture%20one.png) }")
    (folder / "index.html").write_text(
        '<link href="style.css"><h1 id="top">A</h1><a href="deep/page.html#below">b</a>'
        '<img src="picture%20one.png"><a href="#top">c</a><a href="https://example.org/x">d</a>'
        '<a href="deep/">e</a><a href="mailto:a@example.org">f</a>'
    )
    (folder / "deep" / "page.html").write_text(
        '<a name="below"></a><a href="../index.html#top">a</a><img src="data:image/png;base64,AA">'
    )
    (folder / "deep" / "index.html").write_text("<p>")
    (folder / "404.html").write_text('<script src="/elsewhere.js"></script>')
    return folder


def test_a_good_site_has_no_faults(site: Path) -> None:
    assert faults(site) == []


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<a href="gone.html">', "gone.html is not there"),
        ('<a href="index.html#gone">', "index.html#gone: no such anchor"),
        ('<a href="#gone">', "#gone: no such anchor"),
        ('<img src="gone.png">', "gone.png is not there"),
        ('<img src="https://example.org/a.png">', "fetches https://example.org/a.png"),
        ('<script src="//example.org/a.js"></script>', "fetches //example.org/a.js"),
        ('<link href="https://example.org/font">', "fetches https://example.org/font"),
    ],
)
def test_a_fault_is_named(site: Path, html: str, fault: str) -> None:
    (site / "bad.html").write_text(html)
    assert faults(site) == [f"bad.html: {fault}"]


def test_styles_fetch_nothing(site: Path) -> None:
    (site / "style.css").write_text('@import "https://example.org/a.css"; a { x: url(//b.org/c) }')
    assert faults(site) == [
        "style.css: fetches https://example.org/a.css",
        "style.css: fetches //b.org/c",
    ]


def test_an_empty_folder_is_no_site(tmp_path: Path) -> None:
    assert faults(tmp_path) == [f"{tmp_path}: no pages"]


def test_the_program_fails_where_there_are_faults(site: Path) -> None:
    command = [sys.executable, str(ROOT / "tools" / "check_site.py"), str(site)]
    environment = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    (site / "bad.html").write_text('<a href="gone.html">')
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, "bad.html: gone.html is not there\n")
