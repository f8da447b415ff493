"""Metadata of picture files in Pillow's words: ICC profile, EXIF, XMP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypedDict

from PIL import Image, PngImagePlugin, TiffImagePlugin

from jndlic.images.picture import Picture

EXIF_MARK = b"Exif\0\0"
_HAS_METADATA = ("PNG", "JPEG", "WEBP", "TIFF", "AVIF", "JXL")
_XMP_OPTION = ("JPEG", "WEBP", "AVIF", "JXL")
_XMP_KEY_PNG = "XML:com.adobe.xmp"
JPEG_EXIF_MAX = 65533 - len(EXIF_MARK)
JPEG_XMP_MAX = 65533 - len(b"http://ns.adobe.com/xap/1.0/\0")
_TIFF_XMP, _TIFF_ICC = 700, 34675
_BYTES, _UNDEFINED = 1, 7  # types of tags
_ORIENTATION = 0x0112
# A TIFF's own tags describe how its pixels are stored; only these describe the picture:
# description, make, model, orientation, software, date, artist, copyright; then the EXIF and GPS
# directories.
_TIFF_TAGS = (0x010E, 0x010F, 0x0110, 0x0112, 0x0131, 0x0132, 0x013B, 0x8298)
_TIFF_DIRECTORIES = (0x8769, 0x8825)
# Of EXIF that was a TIFF's once: how its pixels were stored, which other pixels are not
_TIFF_STORAGE = {
    *range(254, 260),  # kinds, sides, bits, compression
    *range(262, 267),  # what levels mean, order of bits
    *(273, *range(277, 282), 284, *range(288, 294)),  # strips, channels, codings of bits
    *(317, *range(320, 326)),  # prediction, colours of a map, tiles
    *range(330, 348),  # further pictures, inks, alpha, types of numbers, JPEG
    *range(512, 533),  # JPEG, luma and chroma
}


class Metadata(TypedDict):
    """Keyword arguments of a Picture."""

    icc: bytes | None
    exif: bytes | None
    xmp: bytes | None


def metadata_of(picture: Picture) -> Metadata:
    """What a picture carries."""
    return {"icc": picture.icc, "exif": picture.exif, "xmp": picture.xmp}


def read_metadata(image: Image.Image) -> Metadata:
    """Keyword arguments icc, exif and xmp of a Picture. Broken metadata is dropped: it must not
    cost the picture.
    """
    icc = image.info.get("icc_profile")
    # After conversion the pixels are RGB or grey; a profile of another colour space no longer
    # describes them.
    if not isinstance(icc, bytes) or icc[16:20] not in (b"RGB ", b"GRAY"):
        icc = None
    xmp = image.info.get("xmp") or image.info.get(_XMP_KEY_PNG)
    if isinstance(xmp, str):
        xmp = xmp.encode()
    try:
        exif = _tiff_exif(image) if image.format == "TIFF" else _plain_exif(image)
    except Exception:  # Pillow's readers raise nearly anything on damaged data
        exif = None
    return {
        "icc": icc,
        "exif": exif or None,
        "xmp": xmp if isinstance(xmp, bytes) and xmp else None,
    }


def exif_orientation(exif: bytes | None) -> int:
    """How a picture is to be turned to be seen: 1 to 8, as EXIF numbers it.

    Args:
        exif: of a Picture. Without it, or where it is broken or tells nothing, 1: as it stands.
    """

    def parsed() -> Image.Exif:
        tags = Image.Exif()
        tags.load(exif or b"")
        return tags

    return orientation_of(parsed)


def seen_orientation(picture: Picture) -> int:
    """How a picture is to be turned to be seen: its own orientation, or that of its EXIF."""
    return picture.orientation if picture.orientation != 1 else exif_orientation(picture.exif)


def stripped(picture: Picture) -> Picture:
    """The picture without EXIF and XMP, which is seen the same way up."""
    return replace(picture, exif=None, xmp=None, orientation=seen_orientation(picture))


def untold_orientation(form: str, exif: bytes | None) -> int:
    """How EXIF wants a picture turned, 1..8, in a format that has no place for it; 1 elsewhere.

    Args:
        form: in Pillow's words.
        exif: of the picture.
    """
    told = has_metadata(form) and not (form == "JPEG" and exif and len(exif) > JPEG_EXIF_MAX)
    return 1 if told else exif_orientation(exif)


def orientation_of(read: Callable[[], Image.Exif]) -> int:
    """1 to 8 as EXIF numbers them; 1 where it is missing or cannot be read."""
    try:
        turn = read().get(_ORIENTATION, 1)
    except Exception:  # Pillow's readers raise nearly anything on damaged data
        return 1
    return turn if turn in range(1, 9) else 1


def has_metadata(form: str) -> bool:
    """Whether a format, in Pillow's words, holds any."""
    return form in _HAS_METADATA


def metadata_options(form: str, picture: Picture) -> dict[str, Any]:
    """Arguments of Image.save that carry the metadata; each format takes them in its own way."""
    if not has_metadata(form):
        return {}
    options: dict[str, Any] = {"icc_profile": picture.icc} if picture.icc and form != "JXL" else {}
    exif, xmp = picture.exif, picture.xmp
    if form == "JPEG":  # each must fit into one marker segment; better without it than no picture
        exif = exif if exif and len(exif) <= JPEG_EXIF_MAX else None
        xmp = xmp if xmp and len(xmp) <= JPEG_XMP_MAX else None
    if exif:
        # JPEG XL's box of EXIF begins with the place of its data, four bytes, which the plugin
        # leaves to its caller.
        options["exif"] = (b"\0\0\0\0" if form == "JXL" else EXIF_MARK) + exif
    if xmp and form in _XMP_OPTION:
        options["xmp"] = xmp
    elif xmp and form == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt(_XMP_KEY_PNG, xmp.decode("utf-8", "replace"))
        options["pnginfo"] = text
    if (exif or xmp) and form == "TIFF":
        # Tags are given either as `exif` or as `tiffinfo`: never both
        options.pop("exif", None)
        options["tiffinfo"] = _described(exif, xmp)
    return options


def tiff_tags(picture: Picture) -> TiffImagePlugin.ImageFileDirectory_v2:
    """The metadata as tags of a TIFF: EXIF, XMP and colour profile."""
    tags = _described(picture.exif, picture.xmp)
    if picture.icc:
        tags.tagtype[_TIFF_ICC] = _UNDEFINED
        tags[_TIFF_ICC] = picture.icc
    return tags


def _described(exif: bytes | None, xmp: bytes | None) -> TiffImagePlugin.ImageFileDirectory_v2:
    """EXIF and XMP as tags of a TIFF."""
    source, tags = Image.Exif(), TiffImagePlugin.ImageFileDirectory_v2()
    source.load(EXIF_MARK + exif if exif else b"")
    for tag in sorted(set(source) - _TIFF_STORAGE):
        tags[tag] = source.get_ifd(tag) if tag in _TIFF_DIRECTORIES else source[tag]
    if xmp:
        tags.tagtype[_TIFF_XMP] = _BYTES
        tags[_TIFF_XMP] = xmp
    return tags


def _plain_exif(image: Image.Image) -> bytes:
    data = image.info.get("exif")
    if isinstance(data, bytes):
        return data.removeprefix(EXIF_MARK)
    exif = image.getexif()
    return exif.tobytes().removeprefix(EXIF_MARK) if len(exif) else b""


def _tiff_exif(image: Image.Image) -> bytes:
    source, kept = image.getexif(), Image.Exif()
    for tag in _TIFF_TAGS:
        if tag in source:
            kept[tag] = source[tag]
    for tag in _TIFF_DIRECTORIES:
        entries = source.get_ifd(tag)
        if entries:
            kept.get_ifd(tag).update(entries)
            kept[tag] = dict(entries)
    return kept.tobytes().removeprefix(EXIF_MARK) if len(kept) else b""
