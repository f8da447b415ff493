"""Manual pages: all that the parsers say, in roff that readers of manuals accept."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import jndlic
from jndlic.cli.bench import savings_parser
from jndlic.cli.main import command_parser
from jndlic.cli.system_files import manual
from jndlic.system.manual import manual_pages
from jndlic.system.parsers import arguments, options, tree

REQUESTS = {".TH", ".SH", ".SY", ".YS", ".TP"}
PAGES = manual()
PARSERS = [*tree(command_parser()), savings_parser()]


def said(roff: str) -> str:
    """The words of a page, without what only roff reads."""
    text = re.sub(r"^\.(TH|YS|TP).*\n|^\.S[HY] ", "", roff, flags=re.MULTILINE)
    for escape, character in (
        *((r"\-", "-"), (r"\(aq", "'"), (r"\(ga", "`"), (r"\(ha", "^"), (r"\(ti", "~")),
        *((r"\&", ""), (r"\ ", " "), (r"\fB", ""), (r"\fI", ""), (r"\fR", ""), (r"\e", "\\")),
    ):
        text = text.replace(escape, character)
    return " ".join(text.split())


def rendered(program: list[str], roff: str) -> tuple[str, str]:
    """What a reader makes of a page: text without bold and lines, and warnings."""
    if shutil.which(program[0]) is None:
        pytest.skip(f"{program[0]} is not installed")
    done = subprocess.run(
        program,
        input=roff,
        env={**os.environ, "MANWIDTH": "160", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return re.sub(r".\x08|\x1b\[[\d;]*m", "", done.stdout), done.stderr


def test_a_page_for_each_command() -> None:
    names = {parser.prog.replace(" ", "-") for parser in PARSERS}
    assert {
        "jndlic",
        "jndlic-encode",
        "jndlic-jnd-map",
        "jndlic-bench",
        "jndlic-bench-savings",
    } <= names
    assert PAGES.keys() == {f"man/man1/{name}.1" for name in names}


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.prog)
def test_pages_say_what_the_help_says(parser: argparse.ArgumentParser) -> None:
    page = PAGES[f"man/man1/{parser.prog.replace(' ', '-')}.1"]
    text = said(page)
    assert f"jndlic {jndlic.__version__}" in page.splitlines()[0]
    shown = [*arguments(parser), *options(parser)]
    assert shown
    for action in shown:
        assert ", ".join(action.option_strings) in text
        help_text = parser._get_formatter()._expand_help(action)
        assert help_text and " ".join(help_text.split()) in text
    words = " ".join(parser.format_help().replace("usage: ", "").split())
    usage = words[: words.index(" positional arguments:" if "positional" in words else " options:")]
    assert usage.removesuffix(parser.description or "").strip() in text


def test_commands_are_named_with_their_help() -> None:
    text = said(PAGES["man/man1/jndlic.1"])
    assert "jndlic-decode(1) .jlic to pictures (the suffix or --format" in text
    assert "jndlic-jnd-filter(1)" in PAGES["man/man1/jndlic-jnd.1"].replace(r"\-", "-").replace(
        r"\fR", ""
    )
    assert "141 The reader of a pipe has gone." in text
    savings = said(PAGES["man/man1/jndlic-bench-savings.1"])
    assert savings.endswith("SEE ALSO jndlic-bench(1)")


def test_text_cannot_become_a_request() -> None:
    parser = argparse.ArgumentParser(prog="x", description=r"'a' \n ~^ `b`.")
    parser.add_argument("--one", help=".so /etc/passwd")
    parser.add_argument("-t", help="'br", metavar=".T")
    parser.add_argument("--hidden", help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="a " * 50 + ".TH")
    (page,) = manual_pages(parser, "1").values()
    for line in page.splitlines():
        assert line[0] != "'" and (line[0] != "." or line.split()[0] in REQUESTS), line
    text = said(page)
    assert r"'a' \n ~^ `b`." in text and ".so /etc/passwd" in text and "hidden" not in text
    assert "x [-h] [--one ONE] [-t .T] ..." in text


@pytest.mark.parametrize("name", PAGES)
def test_groff_warns_of_nothing(name: str) -> None:
    text, warnings = rendered(["groff", "-ww", "-man", "-Tascii"], PAGES[name])
    assert warnings == ""
    if name.endswith("jndlic-encode.1"):
        assert "-q, --quality 1..100" in text
        choices = (
            *("-q 1..100", "--target-size SIZE", "--target-bpp X", "--target-metric NAME=VALUE"),
            *("--lossless", "--visually-lossless"),
        )
        assert f"[{' | '.join(choices)}]" in " ".join(text.split())
        assert ".jlic file, or a folder for many" in " ".join(text.split())


@pytest.mark.parametrize("name", PAGES)
def test_mandoc_warns_of_nothing(name: str) -> None:
    # Without a date the same sources give the same wheel on every day
    text, _ = rendered(["mandoc", "-Tlint", "-Wwarning"], PAGES[name])
    assert [line for line in text.splitlines() if "missing date" not in line] == []


def test_man_finds_the_name(tmp_path: Path) -> None:
    page = tmp_path / "jndlic-info.1"
    page.write_text(PAGES["man/man1/jndlic-info.1"])
    text, _ = rendered(["man", "-l", str(page)], "")
    assert "jndlic-info - what a .jlic file says about itself" in " ".join(text.split())
