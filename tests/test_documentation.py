"""What README.md and the pages tell people to type works as it stands there.

Blocks ```sh and ```python run with a small part of the demo's photo in the place of photo.png. What
a page marks by <!-- not run: REASON --> in the line before is skipped with the reason; so is what
installs something, since README.md has no room for marks.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image
from places import ROOT

INSTALLS = {"pip": "installs packages", "make": "sets up an environment"}
"""Programs that no block may be run for."""

NEEDS = {
    "jndlic optimize": ("torch",),
    "--visually-lossless": ("torch",),
    "jndlic compare": ("torch", "jinja2", "matplotlib", "scipy", "ssimulacra2"),
    "imageio": ("imageio",),
}
"""What a block needs beside the core, by what stands in it."""


class Block(NamedTuple):
    """Code of a page."""

    page: str
    line: int
    language: str
    code: str
    skipped: str
    """Why it is not run; empty where it is."""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: str, *languages: str) -> list[Block]:
    """The blocks of a page in these languages."""
    text = (ROOT / page).read_text("utf-8")
    pattern = r"(?:^<!-- not run: ([^\n]+) -->\n)?^```(\w+)\n(.*?)^```$"
    found = []
    for match in re.finditer(pattern, text, re.DOTALL | re.MULTILINE):
        mark, language, code = match.groups()
        if language in languages:
            line = text.count("\n", 0, match.start(3)) + 1
            found.append(Block(page, line, language, code, mark or _installs(language, code)))
    return found


def _installs(language: str, code: str) -> str:
    first = {line.split()[0] for line in code.splitlines() if line.strip()}
    found = [INSTALLS[word] for word in sorted(first & INSTALLS.keys()) if language == "sh"]
    assert not found or first <= INSTALLS.keys(), f"half of this can be run:\n{code}"
    return "; ".join(found)


README = blocks("README.md", "sh", "python")
TUTORIAL = blocks("docs/tutorial.md", "sh", "python")
USAGE = blocks("docs/usage.md", "python")
COMMANDS = [
    (block, line)
    for block in README
    if block.language == "sh" and not block.skipped
    for line in block.code.splitlines()
]
SKIPPED = [block for block in (*README, *TUTORIAL, *USAGE) if block.skipped]

PRELUDE = """
import numpy as np
from PIL import Image

pixels = np.asarray(Image.open("photo.png"))
"""
"""What the text before the blocks of docs/usage.md says that is there."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """photo.png, photo.jpg, photo.jlic, and photos in a folder with a folder."""
    import jndlic

    data = pytest.importorskip("skimage.data", reason="the photo comes with scikit-image")
    photo = Image.fromarray(data.coffee()[120:264, 160:352])
    for name in ("photo.png", "photo.jpg", "photos/one.png", "photos/inside/two.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        photo.save(path)
    jndlic.imwrite(tmp_path / "photo.jlic", photo, quality=20)
    return tmp_path


def run(code: str, language: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs code as a reader would, with the `jndlic` of these sources.

    Stops at the first command that fails.
    """
    for need in (one for text, ones in NEEDS.items() if text in code for one in ones):
        pytest.importorskip(need, reason="the block needs it")
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for name, module in (("jndlic", " -m jndlic"), ("python", "")):
        (programs / name).write_text(
            f'#!/bin/sh\nexec {shlex.quote(sys.executable)}{module} "$@"\n'
        )
        (programs / name).chmod(0o755)
    shell = ["bash", "-euo", "pipefail", "-c"]
    return subprocess.run(
        [*shell, code] if language == "sh" else [sys.executable, "-c", code],
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        timeout=300,
    )


def assert_good(done: subprocess.CompletedProcess[str], code: str) -> None:
    assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize(
    ("block", "line"), COMMANDS, ids=[line.split("#")[0].strip() for _, line in COMMANDS]
)
def test_commands_of_the_readme_run(block: Block, line: str, folder: Path) -> None:
    # Each stands for itself: what it writes is not there yet
    words = shlex.split(line, comments=True)
    if len(words) > 3:
        (folder / words[3]).unlink(missing_ok=True)
    before = set(folder.iterdir())
    assert_good(run(line, "sh", folder), line)
    if len(words) > 3:
        assert folder / words[3] in set(folder.iterdir()) - before


@pytest.mark.parametrize("block", [one for one in README if one.language == "python"], ids=str)
def test_python_of_the_readme_runs(block: Block, folder: Path) -> None:
    assert_good(run(block.code, "python", folder), block.code)


@pytest.mark.parametrize("block", [one for one in USAGE if not one.skipped], ids=str)
def test_python_of_the_usage_page_runs(block: Block, folder: Path) -> None:
    assert_good(run(PRELUDE + block.code, "python", folder), block.code)


def test_the_tutorial_runs_from_its_first_block_to_its_last(folder: Path) -> None:
    (folder / "photo.jlic").unlink()  # the tutorial makes it
    ran = [block for block in TUTORIAL if not block.skipped]
    assert {"sh", "python"} == {block.language for block in ran}
    for block in ran:
        assert_good(run(block.code, block.language, folder), f"{block}\n{block.code}")
    for name in ("restored.png", "restored/inside/two.png", "part.png", "page.html", "smaller.jpg"):
        assert (folder / name).stat().st_size


@pytest.mark.parametrize("block", SKIPPED, ids=str)
def test_the_rest_has_a_reason(block: Block) -> None:
    pytest.skip(block.skipped)


def test_a_command_that_fails_is_found(folder: Path) -> None:
    assert run("jndlic info gone.jlic\njndlic info photo.jlic", "sh", folder).returncode != 0
    assert run("jndlic info gone.jlic | cat", "sh", folder).returncode != 0
    assert run("import jndlic\njndlic.nothing", "python", folder).returncode != 0


def test_marks_and_installations_are_all_that_is_left_out() -> None:
    assert {block.skipped for block in SKIPPED} == {"installs packages", "sets up an environment"}
    text = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
    assert len(TUTORIAL) == len(re.findall(r"^```(?:sh|python)$", text, re.MULTILINE))
