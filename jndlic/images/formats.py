"""Which kinds of picture files are read: what Pillow and its installed plugins can, but for what
runs other programs on the file.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from jndlic.errors import ImageError
from jndlic.format.container import MAGIC

USUAL = ("PNG", "JPEG", "WEBP", "TIFF", "PPM", "BMP", "GIF")
"""Formats in Pillow's words that are tried first: the others cost the loading of more readers."""

_UNREAD = frozenset({"EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG", "FPX", "MIC", "JLIC"})
"""Formats that Pillow hands to other programs, or that it knows by name alone; and our own, which
is compressed already, whether Pillow knows it (jndlic/pillow_plugin.py) or not.
"""

_PLUGINS = {"pillow_jxl": None, "pillow_heif": "register_heif_opener"}
"""Packages that teach Pillow a format, and the function that each has for it, if not the import
alone."""

_JPEG_XL = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
_HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1")


def opened(file: BinaryIO, formats: Sequence[str] | None = None) -> Image.Image:
    """A picture file; its pixels are not decoded yet.

    Args:
        file: at its beginning; one that can be sought.
        formats: in Pillow's words, of which it must be one. None: all that are read.

    Raises:
        ImageError: the file is empty, or no picture of a known format.
    """
    head = file.read(16)
    file.seek(0)
    if not head:
        raise ImageError("empty file")
    try:
        return Image.open(file, formats=tuple(formats or USUAL))
    except UnidentifiedImageError:
        known = tuple(formats) if formats else readable()
    file.seek(0)
    try:
        return Image.open(file, formats=known)
    except UnidentifiedImageError as error:
        raise ImageError(_unknown(head, known)) from error


def readable() -> tuple[str, ...]:
    """All formats that are read, in Pillow's words, sorted; loads Pillow's readers and plugins."""
    Image.init()
    for package, function in _PLUGINS.items():
        try:
            module = importlib.import_module(package)
        except ImportError:
            continue
        if function is not None:
            getattr(module, function)()
    return tuple(sorted(set(Image.OPEN) - _UNREAD))


def _unknown(head: bytes, known: tuple[str, ...]) -> str:
    """What to say of a file that none of the known formats fits; `head` is its beginning."""
    if head.startswith(MAGIC):
        return "a .jlic file, which is compressed already"
    if head.startswith(_JPEG_XL) and "JXL" not in known:
        return "JPEG XL is read with the package `pillow-jxl-plugin`: pip install 'jndlic[jxl]'"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF and "HEIF" not in known:
        return "HEIF is read with the package `pillow-heif`, which is not installed"
    return f"not a picture of a known format, or damaged; known are {' '.join(known)}"
