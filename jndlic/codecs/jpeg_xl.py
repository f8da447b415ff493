"""JPEG XL by libjxl, through the `imagecodecs` package."""

from __future__ import annotations

import numpy as np

from jndlic.errors import CodecError


class JpegXl:
    """Lossy JPEG XL (VarDCT). A level is a quality as `cjxl -q` has it.

    Args:
        effort: 1 (fast) to 10.

    Raises:
        CodecError: `imagecodecs` is not installed, or was built without libjxl.
    """

    levels = (10, 20, 30, 40, 50, 60, 70, 80, 90, 95)
    name = "JPEG XL"

    def __init__(self, effort: int = 7) -> None:
        try:
            import imagecodecs

            version = imagecodecs.jpegxl_version()
        except ImportError as error:  # also what a codec left out of the build raises
            raise CodecError("JPEG XL needs the `imagecodecs` package: pip install 'jndlic[bench]'") from error
        self._library, self._effort = imagecodecs, effort
        self.settings = f"{version}, effort {effort}"

    def encode(self, pixels: np.ndarray, level: int) -> bytes:
        """The file at a quality of 1 to 99."""
        return self._library.jpegxl_encode(pixels, distance=distance(level), effort=self._effort)

    def decode(self, data: bytes) -> np.ndarray:
        """The pixels of a file."""
        return self._library.jpegxl_decode(data)

    def parts(self, data: bytes) -> dict[str, int]:
        """No parts of interest."""
        return {}


def distance(quality: float) -> float:
    """Butteraugli distance that libjxl aims at for a quality, as `JxlEncoderDistanceFromQuality` has it."""
    if quality >= 30:
        return 0.1 + (100 - quality) * 0.09
    return 53 / 3000 * quality**2 - 23 / 20 * quality + 25
