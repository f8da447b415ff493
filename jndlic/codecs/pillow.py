"""JPEG, WebP and AVIF as Pillow writes and reads them."""

from __future__ import annotations

import io

import numpy as np
import PIL
import PIL.features
from PIL import Image

from jndlic.errors import CodecError, ParameterError

SUBSAMPLINGS = ("4:2:0", "4:2:2", "4:4:4")


class _ByPillow:
    """What the three have in common.

    Args:
        format_name: Pillow's.
        options: of `Image.save`, besides the quality.
    """

    levels = (10, 20, 30, 40, 50, 60, 70, 80, 90, 95)

    def __init__(self, format_name: str, options: dict[str, object]) -> None:
        Image.init()
        if format_name not in Image.SAVE:
            raise CodecError(f"this Pillow ({PIL.__version__}) does not write {format_name}")
        self._format, self._options = format_name, options

    def encode(self, pixels: np.ndarray, level: int) -> bytes:
        """The file at a quality of 1 to 100."""
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, self._format, quality=level, **self._options)
        return file.getvalue()

    def decode(self, data: bytes) -> np.ndarray:
        """The pixels of a file."""
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    def parts(self, data: bytes) -> dict[str, int]:
        """No parts of interest."""
        return {}


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
        super().__init__("JPEG", {"optimize": True, "subsampling": subsampling, "progressive": bool(progressive)})
        turbo = PIL.features.version("libjpeg_turbo")
        library = f"libjpeg-turbo {turbo}" if turbo else f"libjpeg {PIL.features.version('jpg')}"
        self.name = "JPEG" if subsampling == "4:2:0" else f"JPEG {subsampling}"
        self.settings = f"{library}, optimised Huffman, {subsampling}{', progressive' * bool(progressive)}"


class WebP(_ByPillow):
    """Lossy WebP by libwebp.

    Args:
        method: effort, 0 (fast) to 6 (small files).
    """

    def __init__(self, method: int = 6) -> None:
        super().__init__("WEBP", {"method": method})
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
        super().__init__("AVIF", {"speed": speed, "subsampling": subsampling})
        self.name = "AVIF" if subsampling == "4:2:0" else f"AVIF {subsampling}"
        self.settings = f"libavif {PIL.features.version('avif')} (libaom), speed {speed}, {subsampling}"


def _check_subsampling(value: str) -> None:
    if value not in SUBSAMPLINGS:
        raise ParameterError(f"subsampling must be one of {', '.join(SUBSAMPLINGS)}, got {value!r}")
