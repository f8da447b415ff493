"""`import jndlic.pillow_plugin` teaches Pillow the format: `Image.open("photo.jlic")`,
`image.save("photo.jlic", quality=50)`. Whatever goes through Pillow can then do so too.

Image.open ─► front of the file: size, mode, info       image.load() ─► pixels
image.save ─► Picture ─► jndlic.encode ─► file

Errors are those that Pillow's callers expect. Damaged files: UnidentifiedImageError where they are
opened, OSError where they are loaded (the first is a kind of the second). Too large a picture:
DecompressionBombError. A wrong option of `save`: our ParameterError, which is a ValueError. A
target that no quality meets: OSError, whose `__cause__` is our TargetError.
"""

from __future__ import annotations

from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

from PIL import Image, ImageFile, UnidentifiedImageError

from jndlic.api import encode
from jndlic.choices import ROI_STRENGTH
from jndlic.errors import ImageError, JndlicError, ParameterError
from jndlic.format.container import (
    AREA_MAX,
    MAGIC,
    PIXELS_MAX,
    SUFFIX,
    TAG_EXIF,
    TAG_ICC,
    TAG_XMP,
    Container,
    Front,
    read_front,
    read_rest,
)
from jndlic.images.metadata import EXIF_MARK, read_metadata
from jndlic.images.pillow import from_pillow, to_pillow
from jndlic.jlic_file import pillow_depth, restored, shown_mode

if TYPE_CHECKING:
    from jndlic.images.picture import Picture

FORMAT = "JLIC"
"""As Pillow's `Image.format` and the `format` of `Image.save`."""

MIME = "image/x-jndlic"

_METADATA = {"icc_profile": "icc", "exif": "exif", "xmp": "xmp"}
"""Options of `save`, and keys of an image's `info`, to fields of a Picture."""


class JlicImageFile(ImageFile.ImageFile):
    """A .jlic file that Pillow has opened; decoded when its pixels are first asked for.

    Its `info` holds quality (1..100; not where patches alone make up the picture), orientation
    (1..8: how the decoder turns the picture; size and pixels are those of the turned one), and
    where the file has them icc_profile, exif and xmp. A file of more than 8 bits a channel has mode
    I;16 where it is grey without alpha, else 8 bits: Pillow has no such mode.
    """

    format = FORMAT
    format_description = "jndlic: photographs, by a learned codec"
    _front: Front | None = None
    """Until the pixels are there."""

    def _open(self) -> None:
        try:
            # Our own limit comes second, since its error should be the one that Pillow has for it
            front = read_front(cast("BinaryIO", self.fp), PIXELS_MAX)
        except JndlicError as error:
            raise UnidentifiedImageError(str(error)) from error
        self._size, self._mode = front.header.shown_size, shown_mode(front)
        if self._size[0] * self._size[1] > AREA_MAX:
            raise Image.DecompressionBombError(
                f"the file claims {self._size[0]} x {self._size[1]} pixels; the limit is "
                f"{AREA_MAX} pixels in all"
            )
        self.info.update(orientation=front.header.orientation)
        if not front.header.bare:
            self.info.update(quality=front.header.quality)
        for key, tag, mark in (
            ("icc_profile", TAG_ICC, b""),
            ("exif", TAG_EXIF, EXIF_MARK),
            ("xmp", TAG_XMP, b""),
        ):
            payload = front.payload(tag)
            if payload is not None:
                self.info[key] = mark + payload
        self._front = front

    def load(self) -> Any:
        """Decodes the picture, unless that has been done.

        Raises:
            OSError: the file is damaged, or needs weights that are not here.
        """
        if self._front is not None:
            try:
                container = self._container(self._front)
                depth = pillow_depth(container, None)
                picture = restored(container, codec=None, threads=None, bit_depth=depth)
                self.im = to_pillow(picture).im
            except JndlicError as error:
                raise OSError(str(error)) from error
            self._front, self.readonly = None, 0
            if self._exclusive_fp and self.fp:
                self.fp.close()
            self.fp = None
        return super().load()

    def verify(self) -> None:
        """Reads the whole file and compares its CRCs, without decoding it.

        Raises:
            OSError: it is damaged.
        """
        if self._front is not None:
            try:
                self._container(self._front)
            except JndlicError as error:
                raise OSError(str(error)) from error
        super().verify()

    def _container(self, front: Front) -> Container:
        if self.fp is None:
            raise ValueError("Operation on closed image")  # in Pillow's words
        return read_rest(cast("BinaryIO", self.fp), front)


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(MAGIC)


def _save(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    """Options: quality, target_size, target_bpp, target_metric, jnd, roi, roi_strength, patches,
    lossless, strip, keep_profile, bit_depth, codec and threads as of `jndlic.encode`; icc_profile,
    exif and xmp to replace what the image's info has of them, None to leave it out. Others are
    ignored, as Pillow has it.
    """
    options = cast("dict[str, Any]", image.encoderinfo)
    try:
        picture = _picture(image, options)
    except ImageError as error:
        raise OSError(f"cannot write mode {image.mode} as {FORMAT}: {error}") from error
    try:
        data = encode(
            picture,
            options.get("quality"),
            target_size=options.get("target_size"),
            target_bpp=options.get("target_bpp"),
            target_metric=options.get("target_metric"),
            codec=options.get("codec"),
            threads=options.get("threads"),
            jnd=options.get("jnd"),
            roi=options.get("roi"),
            roi_strength=options.get("roi_strength", ROI_STRENGTH),
            patches=options.get("patches"),
            lossless=options.get("lossless", False),
            strip=options.get("strip", False),
            keep_profile=options.get("keep_profile", True),
            bit_depth=options.get("bit_depth"),
        )
    except ParameterError:
        raise
    except JndlicError as error:
        raise OSError(f"cannot write {FORMAT}: {error}") from error
    file.write(data)


def _picture(image: Image.Image, options: dict[str, Any]) -> Picture:
    picture = from_pillow(image)
    given = {key: options[key] for key in _METADATA if key in options}
    if isinstance(given.get("exif"), Image.Exif):
        given["exif"] = given["exif"].tobytes()
    # Checked like what an image brings along
    carrier = Image.new("1", (1, 1))
    carrier.info = {key: value for key, value in given.items() if value}
    found = cast("dict[str, bytes | None]", read_metadata(carrier))
    return replace(picture, **{_METADATA[key]: found[_METADATA[key]] for key in given})


Image.register_open(FORMAT, JlicImageFile, _accept)
Image.register_save(FORMAT, _save)
Image.register_extension(FORMAT, SUFFIX)
Image.register_mime(FORMAT, MIME)
