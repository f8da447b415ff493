"""jndlic's own files. The analysis is done once for all levels, and what is only looked at is not entropy-coded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from jndlic.format.coding import DecodedSymbols
from jndlic.format.container import QUALITY_MAX, QUALITY_MIN
from jndlic.images.picture import Picture
from jndlic.images.pillow import shown
from jndlic.pipeline import analyse_picture, decode_picture, pack_picture, quantise, synthesise_pixels
from jndlic.runtime.backend import Backend


class JndlicLadder:
    """A picture in jndlic at every quality.

    Args:
        picture: to encode.
        codec: network and tables.
        jnd: see `analyse_picture`.
    """

    levels = tuple(range(QUALITY_MIN, QUALITY_MAX + 1))
    real = False

    def __init__(self, picture: Picture, codec: Backend, jnd: np.ndarray | str | None = None) -> None:
        self._picture, self._codec = picture, codec
        self._analysed = analyse_picture(picture, codec, jnd)
        self.reference = shown(picture)

    def view(self, level: int) -> np.ndarray:
        """See Ladder: from the symbols, without the way through a file."""
        picture, codec = self._picture, self._codec
        symbols, quality = quantise(self._analysed, level, codec)
        _, step_index = codec.table_index(symbols.z_jnd, symbols.z, quality.values)
        decoded = DecodedSymbols(symbols, step_index, quality)
        pixels = synthesise_pixels(decoded, codec, picture.height, picture.width, picture.grey)
        return shown(replace(picture, pixels=pixels))

    def encode(self, level: int) -> bytes:
        """See Ladder."""
        return pack_picture(self._picture, *quantise(self._analysed, level, self._codec), self._codec)

    def decode(self, data: bytes) -> np.ndarray:
        """See Ladder."""
        return shown(decode_picture(data, self._codec))
