"""jndlic's own files. The analysis is done once for all levels, and what is only looked at is not entropy-coded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from jndlic.api import DecodedSymbols, analyse_picture, decode_picture, pack_picture, quantise, synthesise_pixels
from jndlic.format.container import QUALITY_MAX, QUALITY_MIN
from jndlic.images.pillow import Picture, shown
from jndlic.network.codec import Codec


class JndlicLadder:
    """A picture in jndlic at every quality.

    Args:
        picture: to encode.
        codec: network and tables.
        jnd: tolerance map, see `encode`; the encoder's own by default.
    """

    levels = tuple(range(QUALITY_MIN, QUALITY_MAX + 1))
    real = False

    def __init__(self, picture: Picture, codec: Codec, jnd: np.ndarray | None = None) -> None:
        self._picture, self._codec = picture, codec
        self._analysed = analyse_picture(picture, codec, jnd)
        self.reference = shown(picture)

    def view(self, level: int) -> np.ndarray:
        """See Ladder: from the symbols, without the way through a file."""
        picture, codec = self._picture, self._codec
        symbols, quality = quantise(self._analysed, level, codec)
        _, step_index = codec.table_index(symbols.z_jnd, symbols.z, quality.values)
        size = (picture.height, picture.width)
        pixels = synthesise_pixels(DecodedSymbols(symbols, step_index, quality), codec, size, picture.grey)
        return shown(replace(picture, pixels=pixels))

    def encode(self, level: int) -> bytes:
        """See Ladder."""
        return pack_picture(self._picture, *quantise(self._analysed, level, self._codec), self._codec)

    def decode(self, data: bytes) -> np.ndarray:
        """See Ladder."""
        return shown(decode_picture(data, self._codec))
