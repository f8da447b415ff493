"""Pictures in and out through Pillow: colour, alpha, metadata.

Everything the codec does not code itself (alpha, ICC profile, EXIF, XMP) travels beside the pixels in a `Picture`.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, PngImagePlugin, TiffImagePlugin

from jndlic.errors import ImageError
from jndlic.files import write_atomically
from jndlic.format.container import AREA_MAX, SIDE_MAX

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".ppm": "PPM",
    ".pgm": "PPM",
    ".pnm": "PPM",
    ".bmp": "BMP",
}
"""Formats that can be written, by suffix."""

READABLE = ("PNG", "JPEG", "WEBP", "TIFF", "PPM", "BMP", "GIF")
"""Formats that are read. Pillow knows more, but some of those run other programs on the file (EPS)."""

_WRITE_OPTIONS: dict[str, dict[str, object]] = {
    "PNG": {},
    "JPEG": {"quality": 95, "subsampling": 0},  # "optimize" fails on noise: Pillow's buffer is too small
    "WEBP": {"lossless": True, "exact": True},
    "TIFF": {},  # not compressed: Pillow's compressing writer fails on EXIF directories
    "PPM": {},
    "BMP": {},
}
_OPAQUE_ONLY = ("JPEG", "PPM", "BMP")
_HAS_METADATA = ("PNG", "JPEG", "WEBP", "TIFF", "AVIF", "JXL")
_XMP_OPTION = ("JPEG", "WEBP", "AVIF", "JXL")
_XMP_KEY_PNG = "XML:com.adobe.xmp"
_EXIF_MARK = b"Exif\0\0"
_JPEG_EXIF_MAX = 65533 - len(_EXIF_MARK)
_JPEG_XMP_MAX = 65533 - len(b"http://ns.adobe.com/xap/1.0/\0")
# Whether rows and columns change places, then whether the rows and the columns are reversed, by EXIF's orientation.
_TURNS = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}
_TIFF_XMP = 700
# A TIFF's own tags describe how its pixels are stored; only these describe the picture: description, make, model,
# orientation, software, date, artist, copyright; then the EXIF and GPS directories.
_TIFF_TAGS = (0x010E, 0x010F, 0x0110, 0x0112, 0x0131, 0x0132, 0x013B, 0x8298)
_TIFF_DIRECTORIES = (0x8769, 0x8825)


@dataclass
class Picture:
    """A decoded picture.

    Attributes:
        pixels: uint8 (H, W, 3), RGB; three equal channels where `grey`.
        alpha: uint8 (H, W), or None for an opaque picture.
        grey: the picture has one channel.
        icc: ICC profile, or None.
        exif: EXIF data as a TIFF structure (without JPEG's "Exif" mark), or None. Its orientation is kept, not applied.
        xmp: XMP packet, or None.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    grey: bool = False
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 3 or self.pixels.shape[2] != 3:
            raise ImageError(
                f"need uint8 pixels of shape (H, W, 3), got {self.pixels.dtype} {self.pixels.shape}"
            )
        if self.alpha is not None and (self.alpha.dtype != np.uint8 or self.alpha.shape != self.pixels.shape[:2]):
            raise ImageError(f"need uint8 alpha of shape {self.pixels.shape[:2]}, got {self.alpha.shape}")
        _check_size(self.width, self.height)

    @property
    def height(self) -> int:
        """Pixels."""
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        """Pixels."""
        return self.pixels.shape[1]


def from_array(array: np.ndarray) -> Picture:
    """A picture from bare pixels.

    Args:
        array: uint8 (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGB and alpha.

    Raises:
        ImageError: another shape or type.
    """
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ImageError(f"need a uint8 array (H, W), (H, W, 3) or (H, W, 4), got {array.dtype} {array.shape}")
    if array.ndim == 2:
        return Picture(_three_channels(array), grey=True)
    alpha = np.ascontiguousarray(array[..., 3]) if array.shape[2] == 4 else None
    return Picture(np.ascontiguousarray(array[..., :3]), alpha)


def turned(picture: Picture, orientation: int) -> Picture:
    """A picture turned as an orientation of EXIF asks.

    Args:
        picture: as it was coded.
        orientation: 1..8; 1 leaves it as it is.
    """
    if orientation == 1:
        return picture
    transposed, upside_down, mirrored = _TURNS[orientation]

    def turn(plane: np.ndarray) -> np.ndarray:
        plane = plane.swapaxes(0, 1) if transposed else plane
        return np.ascontiguousarray(plane[:: -1 if upside_down else 1, :: -1 if mirrored else 1])

    return replace(picture, pixels=turn(picture.pixels), alpha=None if picture.alpha is None else turn(picture.alpha))


def from_pillow(image: Image.Image) -> Picture:
    """A picture from a Pillow image of any usual mode; of an animation, the frame that it stands at.

    16-bit grey is rounded to 8 bits; palettes, CMYK, YCbCr, HSV and one-bit pictures are converted.

    Raises:
        ImageError: the image is damaged, empty, too large, or of a mode without a natural 8-bit form (float, Lab).
    """
    _check_size(*image.size)
    try:
        image.load()
        # Not before: PNG may hold metadata behind the pixels, and Pillow turns TIFF upright while it loads.
        metadata = _metadata(image)
        if image.mode.startswith("I"):
            return Picture(_three_channels(_to_8_bits(np.asarray(image))), grey=True, **metadata)
        transparent = image.has_transparency_data
        if image.mode in ("1", "L", "LA", "La"):
            if not transparent:
                return Picture(_three_channels(np.asarray(image.convert("L"))), grey=True, **metadata)
            if image.mode == "La":  # Pillow knows no direct way from here to RGBA
                image = image.convert("LA")
            both = np.asarray(image.convert("RGBA"))
            return Picture(_three_channels(both[..., 0]), both[..., 3].copy(), grey=True, **metadata)
        if image.mode in ("F", "LAB"):
            raise ImageError(f"pictures of mode {image.mode} are not supported: convert to 8-bit RGB first")
        if not transparent:
            return Picture(np.array(image.convert("RGB")), **metadata)
        both = np.asarray(image.convert("RGBA"))
        return Picture(both[..., :3].copy(), both[..., 3].copy(), **metadata)
    except ImageError:
        raise
    except Exception as error:  # Pillow's readers raise nearly anything on damaged data
        raise ImageError(f"the picture cannot be decoded: {error}") from error


def to_pillow(picture: Picture) -> Image.Image:
    """A Pillow image of mode L, LA, RGB or RGBA, with the metadata in its `info`."""
    if picture.grey:
        image = Image.fromarray(np.ascontiguousarray(picture.pixels[..., 0]))
    else:
        image = Image.fromarray(picture.pixels)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    if picture.icc is not None:
        image.info["icc_profile"] = picture.icc
    if picture.exif is not None:
        image.info["exif"] = _EXIF_MARK + picture.exif
    if picture.xmp is not None:
        image.info["xmp"] = picture.xmp
    return image


def load(path: str | Path) -> Picture:
    """Reads a picture file; of an animation, the first frame.

    Raises:
        ImageError: it is no picture, damaged, too large, or a decompression bomb.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        try:
            return decoded(file)
        except ImageError as error:
            raise ImageError(f"{path}: {error}") from error


def decoded(file: BinaryIO, formats: Sequence[str] = READABLE) -> Picture:
    """Reads a picture from an open file; of an animation, the first frame.

    Args:
        file: at its beginning.
        formats: in Pillow's words; what is in another one counts as no picture.

    Raises:
        ImageError: it is no picture, damaged, too large, or a decompression bomb.
    """
    with warnings.catch_warnings():
        # Pillow warns from 89 million pixels on and refuses from 179 million on; large photos are welcome here.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            image = Image.open(file, formats=formats)
        except Image.DecompressionBombError as error:
            raise ImageError(str(error)) from error
        except Exception as error:  # as above
            raise ImageError("not a picture of a known format") from error
        return from_pillow(image)


def save(path: str | Path, picture: Picture) -> None:
    """Writes a picture file, whole or not at all; the suffix chooses the format.

    JPEG is written at quality 95 without chroma subsampling, WebP lossless. JPEG, PPM and BMP have no alpha: the
    picture is laid on white. PPM and BMP have no metadata; JPEG leaves out EXIF or XMP of more than 64 kB; metadata that
    Pillow cannot write is left out.

    Raises:
        ImageError: the suffix is unknown, or the format cannot hold the picture.
        OSError: the file cannot be written.
    """
    form = output_format(path, picture.grey)
    try:
        content = encoded(picture, form, _WRITE_OPTIONS[form])
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
    write_atomically(path, content)


def encoded(picture: Picture, form: str, options: Mapping[str, object]) -> bytes:
    """A picture as the content of a file, with alpha and metadata as `save` has it.

    Args:
        picture: what the file shall show.
        form: one of Pillow's formats: of FORMATS, "AVIF", or "JXL" where the plugin for it is loaded.
        options: of Pillow's `Image.save`, but for the metadata.

    Raises:
        ImageError: the format cannot hold the picture.
    """
    image = to_pillow(picture)
    if form in _OPAQUE_ONLY and picture.alpha is not None:
        image = _on_white(image)
    try:
        return _written(image, form, {**options, **_metadata_options(form, picture)})
    except Exception:  # as above; broken metadata must not cost the picture, so once more without
        try:
            return _written(image, form, options)
        except Exception as error:  # a side too long for WebP, for example
            raise ImageError(f"cannot be written as {form}: {error}") from error


def shown(picture: Picture) -> np.ndarray:
    """The pixels as a viewer shows them, uint8 (H, W, 3): what is transparent lies on white."""
    if picture.alpha is None:
        return picture.pixels
    return np.asarray(_on_white(to_pillow(picture)).convert("RGB"))


def output_format(path: str | Path, grey: bool = True) -> str:
    """The format that a suffix stands for, in Pillow's words.

    Args:
        path: of the file to be; it is not touched.
        grey: whether the picture has one channel.

    Raises:
        ImageError: there is none, or it holds grey pictures only.
    """
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in FORMATS:
        raise ImageError(f"{path}: unknown suffix; pictures can be written as {' '.join(sorted(FORMATS))}")
    if suffix == ".pgm" and not grey:
        raise ImageError(f"{path}: .pgm holds grey pictures only; choose .ppm")
    return FORMATS[suffix]


def _check_size(width: int, height: int) -> None:
    if not (1 <= width <= SIDE_MAX and 1 <= height <= SIDE_MAX) or width * height > AREA_MAX:
        raise ImageError(
            f"a picture of {width} x {height} pixels: sides must be 1 to {SIDE_MAX}, the area at most {AREA_MAX} pixels"
        )


def _three_channels(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=2)


def _to_8_bits(values: np.ndarray) -> np.ndarray:
    """16-bit grey levels, of whatever integer type Pillow chose for them, to 8 bits, rounded."""
    if values.min() < 0 or values.max() > 65535:
        raise ImageError("a picture with more than 16 bits per sample is not supported")
    return ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


def _metadata(image: Image.Image) -> dict[str, bytes | None]:
    """Keyword arguments icc, exif and xmp of a Picture. Broken metadata is dropped: it must not cost the picture."""
    icc = image.info.get("icc_profile")
    # After conversion the pixels are RGB or grey; a profile of another colour space no longer describes them.
    if not isinstance(icc, bytes) or icc[16:20] not in (b"RGB ", b"GRAY"):
        icc = None
    xmp = image.info.get("xmp") or image.info.get(_XMP_KEY_PNG)
    if isinstance(xmp, str):
        xmp = xmp.encode()
    try:
        exif = _tiff_exif(image) if image.format == "TIFF" else _plain_exif(image)
    except Exception:  # as above
        exif = None
    return {"icc": icc, "exif": exif or None, "xmp": xmp if isinstance(xmp, bytes) and xmp else None}


def _plain_exif(image: Image.Image) -> bytes:
    data = image.info.get("exif")
    if isinstance(data, bytes):
        return data.removeprefix(_EXIF_MARK)
    exif = image.getexif()
    return exif.tobytes().removeprefix(_EXIF_MARK) if len(exif) else b""


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
    return kept.tobytes().removeprefix(_EXIF_MARK) if len(kept) else b""


def _written(image: Image.Image, form: str, options: Mapping[str, object]) -> bytes:
    content = io.BytesIO()
    image.info = {}  # or Pillow falls back on what it finds there
    image.save(content, form, **options)
    return content.getvalue()


def _metadata_options(form: str, picture: Picture) -> dict[str, object]:
    """Arguments of Image.save that carry the metadata; each format wants them in its own way."""
    if form not in _HAS_METADATA:
        return {}
    options: dict[str, object] = {"icc_profile": picture.icc} if picture.icc and form != "JXL" else {}
    exif, xmp = picture.exif, picture.xmp
    if form == "JPEG":  # each must fit into one marker segment; better without it than no picture
        exif = exif if exif and len(exif) <= _JPEG_EXIF_MAX else None
        xmp = xmp if xmp and len(xmp) <= _JPEG_XMP_MAX else None
    if exif:
        # JPEG XL's box of EXIF begins with the place of its data, four bytes, which the plugin leaves to its caller.
        options["exif"] = (b"\0\0\0\0" if form == "JXL" else _EXIF_MARK) + exif
    if xmp and form in _XMP_OPTION:
        options["xmp"] = xmp
    elif xmp and form == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt(_XMP_KEY_PNG, xmp.decode("utf-8", "replace"))
        options["pnginfo"] = text
    elif xmp and form == "TIFF":
        # XMP is one of a TIFF's own tags. Those are given either as `exif` or as `tiffinfo`: never both.
        source, tags = Image.Exif(), TiffImagePlugin.ImageFileDirectory_v2()
        source.load(options.pop("exif", b""))
        for tag in source:
            tags[tag] = source.get_ifd(tag) if tag in _TIFF_DIRECTORIES else source[tag]
        tags.tagtype[_TIFF_XMP] = 1  # bytes
        tags[_TIFF_XMP] = xmp
        options["tiffinfo"] = tags
    return options


def _on_white(image: Image.Image) -> Image.Image:
    colour = Image.new("RGBA", image.size, "white")
    colour.alpha_composite(image.convert("RGBA"))
    return colour.convert("L" if image.mode == "LA" else "RGB")
