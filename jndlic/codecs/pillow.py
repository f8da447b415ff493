"""JPEG, WebP and AVIF as Pillow writes and reads them."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
import PIL
import PIL.features
from PIL import Image

from jndlic.codecs.codec import Source, WholeFiles, as_picture
from jndlic.errors import CodecError, ImageError, ParameterError
from jndlic.images.files import decoded, encoded
from jndlic.images.picture import Picture
from jndlic.images.pillow import shown

SUBSAMPLINGS = ("4:2:0", "4:2:2", "4:4:4")


class PillowFormat:
    """A format that Pillow writes and reads.

    Args:
        name: Pillow's.
        options: of `Image.save`, besides the quality.
        fallback: options in their place where Pillow fails with those.

    Raises:
        CodecError: this Pillow does not write it.
    """

    def __init__(
        self, name: str, options: Mapping[str, object], fallback: Mapping[str, object] | None = None
    ) -> None:
        Image.init()
        if name not in Image.SAVE:
            raise CodecError(f"this Pillow ({PIL.__version__}) does not write {name}")
        self._name, self._options, self._fallback = name, options, fallback

    def encode(self, picture: Picture, quality: int) -> bytes:
        """The file, with alpha and metadata where the format has them.

        Raises:
            ImageError: the format cannot hold the picture.
        """
        try:
            return encoded(picture, self._name, {"quality": quality, **self._options})
        except ImageError:
            if self._fallback is None:
                raise
        return encoded(picture, self._name, {"quality": quality, **self._fallback})

    def decode(self, data: bytes) -> np.ndarray:
        """The pixels of a file, uint8 (H, W, 3).

        Raises:
            ImageError: it is damaged, or of another format.
        """
        return shown(decoded(io.BytesIO(data), (self._name,)))


class _ByPillow(WholeFiles):
    """What the three have in common. A level is a quality of 1 to 100."""

    levels = tuple(range(1, 101))
    usual_levels = (10, 20, 30, 40, 50, 60, 70, 80, 90, 95)

    def __init__(self, form: PillowFormat) -> None:
        self._format = form

    def encode(self, picture: Source, level: int) -> bytes:
        """See ImageCodec."""
        return self._format.encode(as_picture(picture), level)

    def decode(self, data: bytes) -> np.ndarray:
        """See ImageCodec."""
        return self._format.decode(data)


class Jpeg(_ByPillow):
    """Baseline JPEG by libjpeg-turbo, with optimised Huffman tables.

    Args:
        subsampling: of the colour planes, one of SUBSAMPLINGS.
        progressive: 1 for progressive scans, 2 to 5 % smaller.

    Raises:
        ParameterError: there is no such subsampling.
    """

    def __init__(self, subsampling: str = "4:2:0", progressive: int = 0) -> None:
        _check_subsampling(subsampling)
        options = {"optimize": True, "subsampling": subsampling, "progressive": bool(progressive)}
        # Pillow's buffer for optimised and for progressive files is too small for noise.
        super().__init__(PillowFormat("JPEG", options, fallback={"subsampling": subsampling}))
        turbo = PIL.features.version("libjpeg_turbo")
        library = f"libjpeg-turbo {turbo}" if turbo else f"libjpeg {PIL.features.version('jpg')}"
        self.name = "JPEG" if subsampling == "4:2:0" else f"JPEG {subsampling}"
        self.settings = (
            f"{library}, optimised Huffman, {subsampling}{', progressive' * bool(progressive)}"
        )


class WebP(_ByPillow):
    """Lossy WebP by libwebp.

    Args:
        method: effort, 0 (fast) to 6 (small files).
    """

    def __init__(self, method: int = 6) -> None:
        super().__init__(PillowFormat("WEBP", {"method": method}))
        self.name = "WebP"
        self.settings = f"libwebp {PIL.features.version('webp')}, method {method}"


class Avif(_ByPillow):
    """AVIF by libavif and libaom.

    Args:
        speed: 0 (slow) to 10.
        subsampling: of the colour planes, one of SUBSAMPLINGS.

    Raises:
        ParameterError: there is no such subsampling.
        CodecError: this Pillow cannot write AVIF.
    """

    def __init__(self, speed: int = 4, subsampling: str = "4:2:0") -> None:
        _check_subsampling(subsampling)
        # Left to itself, Pillow writes 4:2:0, and of a grey picture no colour planes at all: told
        # 4:2:0 it would write them.
        chosen = {} if subsampling == "4:2:0" else {"subsampling": subsampling}
        super().__init__(PillowFormat("AVIF", {"speed": speed, **chosen}))
        self.name = "AVIF" if subsampling == "4:2:0" else f"AVIF {subsampling}"
        self.settings = (
            f"libavif {PIL.features.version('avif')} (libaom), speed {speed}, {subsampling}"
        )


def _check_subsampling(value: str) -> None:
    if value not in SUBSAMPLINGS:
        raise ParameterError(f"subsampling must be one of {', '.join(SUBSAMPLINGS)}, got {value!r}")
