"""Finding pictures in folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from jndlic.errors import ImageError
from jndlic.images.files import FORMATS
from jndlic.images.folders import SUFFIXES, find_images


@pytest.fixture()
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inner.png").mkdir()
    for name in ("b.PNG", "a.jpg", "notes.txt", "inner.png/c.gif"):
        (tmp_path / name).touch()
    return tmp_path


def test_pictures_are_sorted_and_files_are_taken_as_they_are(folder: Path) -> None:
    assert [path.name for path in find_images(folder)] == ["a.jpg", "b.PNG"]
    assert [path.name for path in find_images(folder, deep=True)] == ["a.jpg", "b.PNG", "c.gif"]
    assert find_images(folder / "notes.txt", folder / "inner.png") == [
        folder / "inner.png" / "c.gif",
        folder / "notes.txt",
    ]


def test_what_is_wrong_is_said(folder: Path) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(ImageError, match="no pictures in .*empty"):
        find_images(folder / "empty")
    with pytest.raises(ImageError, match="absent is not a folder"):
        find_images(folder, folder / "absent")


def test_what_can_be_written_can_be_found() -> None:
    assert set(FORMATS) < SUFFIXES
