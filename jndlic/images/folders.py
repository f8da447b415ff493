"""Finding the pictures of a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from jndlic.errors import ImageError

# fmt: off
SUFFIXES = frozenset({
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".tif", ".tiff", ".ppm",
    ".pgm", ".pbm", ".pnm", ".bmp", ".dib", ".gif", ".avif", ".avifs", ".jxl", ".jp2", ".j2k",
    ".j2c", ".jpx", ".jpf", ".heic", ".heif", ".hif", ".tga", ".qoi", ".ico", ".icns", ".pcx",
    ".dds", ".sgi", ".psd",
})
# fmt: on
"""Of the files that count as pictures, in small letters: all common formats that can be read, if
need be with a plugin. Without it such a file is an error, not passed over."""


def is_image(path: Path) -> bool:
    """Whether it is a file, named like a picture."""
    return path.suffix.lower() in SUFFIXES and path.is_file()


def find_images(*places: str | Path, deep: bool = False) -> list[Path]:
    """The pictures in folders, sorted by their paths; of a file, the file itself, whatever its
    name.

    Args:
        places: folders and files.
        deep: also the pictures in the folders' folders.

    Raises:
        ImageError: a place does not exist, or there are no pictures in any of them.
    """
    found: list[Path] = []
    for place in map(Path, places):
        if place.is_file():
            found.append(place)
        elif place.is_dir():
            found += filter(is_image, place.rglob("*") if deep else place.glob("*"))
        else:
            raise ImageError(f"{place} is not a folder and not a file")
    if not found:
        raise ImageError(f"no pictures in {', '.join(map(str, places))}")
    return sorted(found)


def renamed(paths: Sequence[Path], suffix: str) -> list[Path]:
    """Names for what is made of files: their suffix replaced; where that is the name of several,
    each keeps its own suffix before the new one.
    """
    wanted = Counter(path.with_suffix(suffix) for path in paths)
    return [
        path.with_suffix(suffix)
        if wanted[path.with_suffix(suffix)] == 1
        else path.with_name(path.name + suffix)
        for path in paths
    ]
