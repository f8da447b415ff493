"""One picture through a codec and back, timed."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

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
    """Encodes and decodes (H, W, 3) uint8.

    Raises:
        ImageError: the decoded picture has another size.
    """
    start = time.perf_counter()
    data = codec.encode(pixels, level)
    encoded = time.perf_counter()
    decoded = codec.decode(data)
    end = time.perf_counter()
    if decoded.shape != pixels.shape:
        raise ImageError(f"{codec.name} made {decoded.shape} of a picture of shape {pixels.shape}")
    return Coded(data, decoded, {"encode-seconds": encoded - start, "decode-seconds": end - encoded})
