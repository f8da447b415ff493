"""One picture through a codec and back, timed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from jndlic.bench.run.process import timed
from jndlic.codecs.codec import ImageCodec
from jndlic.errors import ImageError


class Coded(NamedTuple):
    """A file and what became of it."""

    data: bytes
    decoded: np.ndarray
    """(H, W, 3) uint8."""
    seconds: dict[str, float]
    """Wall time: "encode-seconds" and "decode-seconds"."""


def code(codec: ImageCodec, pixels: np.ndarray, level: int) -> Coded:
    """Encodes and decodes.

    Args:
        codec: under test.
        pixels: (H, W, 3) uint8.
        level: of the codec.

    Raises:
        ImageError: the decoded picture has another size.
    """
    data, encoding = timed(lambda: codec.encode(pixels, level))
    decoded, decoding = timed(lambda: codec.decode(data))
    if decoded.shape != pixels.shape:
        raise ImageError(f"{codec.name} made {decoded.shape} of a picture of shape {pixels.shape}")
    return Coded(data, decoded, {"encode-seconds": encoding, "decode-seconds": decoding})
