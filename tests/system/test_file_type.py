"""What tells a system the type of a .jlic file, beside a file that the package writes."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from places import ROOT
from toy_codec import ToyCodec

import jndlic
from jndlic.format.container import MAGIC, SUFFIX, VERSION

MIME = ROOT / "share" / "mime" / "packages" / "jndlic.xml"
MAGIC_ENTRY = ROOT / "share" / "misc" / "jndlic.magic"
NAMESPACE = "{http://www.freedesktop.org/standards/shared-mime-info}"
MEDIA_TYPE = "image/x-jndlic"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A grey picture, packed."""
    path = tmp_path_factory.mktemp("type") / "photo.jlic"
    path.write_bytes(jndlic.encode(np.zeros((40, 50), np.uint8), codec=ToyCodec()))
    return path


def program(*words: object) -> str:
    """What a program prints; the test is skipped where it is not installed."""
    if shutil.which(str(words[0])) is None:
        pytest.skip(f"{words[0]} is not installed")
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_mime_type_fits_the_files(file: Path) -> None:
    (kind,) = ElementTree.parse(MIME).getroot()
    assert kind.tag == f"{NAMESPACE}mime-type" and kind.get("type") == MEDIA_TYPE
    assert [one.get("pattern") for one in kind.iter(f"{NAMESPACE}glob")] == [f"*{SUFFIX}"]
    (match,) = kind.iter(f"{NAMESPACE}match")
    assert (match.get("type"), match.get("offset")) == ("big32", "0")
    value = int(str(match.get("value")), 16).to_bytes(4, "big")
    assert value == MAGIC == file.read_bytes()[:4]


def test_magic_entry_fits_the_files(file: Path) -> None:
    text = MAGIC_ENTRY.read_text()
    (string,) = re.findall(r"^0\tstring\t(\S+)\t", text, re.MULTILINE)
    assert string.encode().decode("unicode_escape").encode("latin-1") == MAGIC
    assert file.read_bytes()[4] == VERSION
    assert f">4\tbyte\t{VERSION}\n" in text
    assert f"!:mime\t{MEDIA_TYPE}\n!:ext\t{SUFFIX[1:]}\n" in text


def test_documentation_names_the_type() -> None:
    for page in ("format", "usage"):
        assert MEDIA_TYPE in (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")


def test_file_knows_them(file: Path, tmp_path: Path) -> None:
    assert program("file", "-b", "-m", MAGIC_ENTRY, file) == (
        f"jndlic image, version {VERSION}, grey\n"
    )
    assert program("file", "-b", "--mime-type", "-m", MAGIC_ENTRY, file) == f"{MEDIA_TYPE}\n"
    colours = tmp_path / "colours"
    colours.write_bytes(jndlic.encode(np.zeros((9, 9, 3), np.uint8), codec=ToyCodec()))
    assert "RGB" in program("file", "-b", "-m", MAGIC_ENTRY, colours)
    colours.write_bytes(b"\x89JLX" + colours.read_bytes()[4:])
    assert "jndlic" not in program("file", "-b", "-m", MAGIC_ENTRY, colours)


def test_mime_database_takes_the_type(tmp_path: Path) -> None:
    folder = tmp_path / "mime" / "packages"
    folder.mkdir(parents=True)
    shutil.copy(MIME, folder)
    program("update-mime-database", tmp_path / "mime")
    assert f"{MEDIA_TYPE}:*{SUFFIX}\n" in (tmp_path / "mime" / "globs2").read_text()
    assert MAGIC + b"\n" in (tmp_path / "mime" / "magic").read_bytes()


def test_xml_is_valid() -> None:
    assert program("xmllint", "--noout", MIME) == ""
