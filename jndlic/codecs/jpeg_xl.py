"""JPEG XL by libjxl, through one of two Python packages.

Neither package can do the work of the other. `imagecodecs`, which the published results were made
with, writes no EXIF and no XMP; `pillow-jxl-plugin` keeps them, and is a seventh of the size for
those who want JPEG XL only. At the same quality and effort they write other bytes and other pixels,
so that neither gives the results of the other.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np

from jndlic.codecs.codec import FileSession, Session, Source, WholeFiles, as_picture
from jndlic.codecs.display import upright
from jndlic.codecs.pillow import PillowFormat
from jndlic.errors import CodecError, ParameterError
from jndlic.images.colours import to_srgb
from jndlic.images.picture import Picture
from jndlic.images.pillow import shown


class JpegXl(WholeFiles):
    """Lossy JPEG XL (VarDCT). A level is a quality as `cjxl -q` has it.

    Args:
        effort: 1 (fast) to 10.
        library: one of LIBRARIES. "imagecodecs" writes pixels only, "pillow" alpha and metadata
            too.

    Raises:
        ParameterError: there is no such library.
        CodecError: the library is not installed, or was built without libjxl.
    """

    levels = tuple(range(1, 100))  # the plugin refuses 100, which stands for no loss at all
    usual_levels = (10, 20, 30, 40, 50, 60, 70, 80, 90, 95)
    name = "JPEG XL"

    def __init__(self, effort: int = 7, library: str = "imagecodecs") -> None:
        if library not in LIBRARIES:
            raise ParameterError(f"library must be one of {', '.join(LIBRARIES)}, got {library!r}")
        self._library = LIBRARIES[library](effort)
        self.settings = self._library.settings

    def encode(self, picture: Source, level: int) -> bytes:
        """See ImageCodec."""
        return self._library.encode(self._library.prepared(as_picture(picture)), level)

    def decode(self, data: bytes) -> np.ndarray:
        """See ImageCodec."""
        return self._library.decode(data)

    def session(self, picture: Picture) -> Session:
        """See ImageCodec; with "pillow" the reference is upright and in sRGB, as the files are."""
        return FileSession(
            self._library.prepared(picture), self.levels, self._library.encode, self._library.decode
        )


class _Imagecodecs:
    """The package `imagecodecs`: pixels only."""

    def __init__(self, effort: int) -> None:
        try:
            import imagecodecs

            libjxl = imagecodecs.jpegxl_version()
        except ImportError as error:  # also what a codec left out of the build raises
            raise CodecError(
                "JPEG XL needs the `imagecodecs` package: pip install 'jndlic[bench]'"
            ) from error
        self._package, self._effort = imagecodecs, effort
        self.settings = f"{libjxl}, effort {effort}"

    def prepared(self, picture: Picture) -> Picture:
        """The picture as it is."""
        return picture

    def encode(self, picture: Picture, quality: int) -> bytes:
        """The file at a quality of 1 to 99."""
        return self._package.jpegxl_encode(
            shown(picture), distance=distance(quality), effort=self._effort
        )

    def decode(self, data: bytes) -> np.ndarray:
        """The pixels of a file."""
        return self._package.jpegxl_decode(data)


class _Plugin:
    """The package `pillow-jxl-plugin`.

    It writes pixels as sRGB and neither ICC profiles nor an orientation, and readers of JPEG XL do
    not heed the one in EXIF. Hence a picture is turned upright and converted to sRGB first, so that
    it looks as the original does.
    """

    def __init__(self, effort: int) -> None:
        try:
            import pillow_jxl  # noqa: F401 (makes Pillow read and write JPEG XL)
        except ImportError as error:
            raise CodecError(
                "JPEG XL needs the `pillow-jxl-plugin` package: pip install 'jndlic[jxl]'"
            ) from error
        form = PillowFormat("JXL", {"effort": effort})
        self.encode, self.decode = form.encode, form.decode
        self.settings = f"pillow-jxl-plugin {version('pillow-jxl-plugin')}, effort {effort}"

    def prepared(self, picture: Picture) -> Picture:
        """The picture upright and in sRGB."""
        return to_srgb(upright(picture))


LIBRARIES = {"imagecodecs": _Imagecodecs, "pillow": _Plugin}
"""By the names of the option."""


def distance(quality: float) -> float:
    """Butteraugli distance that libjxl aims at for a quality, as `JxlEncoderDistanceFromQuality`
    has it.
    """
    if quality >= 30:
        return 0.1 + (100 - quality) * 0.09
    return 53 / 3000 * quality**2 - 23 / 20 * quality + 25
