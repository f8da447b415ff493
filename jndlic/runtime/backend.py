"""What runs the networks: one interface on numpy arrays, whatever library is behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeVar

import numpy as np

from jndlic.format.coding import DecodedSymbols, SegmentSource, TableSource
from jndlic.format.grid import Area
from jndlic.format.symbols import Symbols, SymbolStream
from jndlic.runtime.rows import Source

Features = TypeVar("Features")


class Backend(TableSource, Protocol[Features]):
    """A codec that is ready for use. `Features` are its own and mean nothing to others."""

    trained_on: tuple[str, ...]
    """Metrics in the training loss, by the names of the benchmark; empty where the weights do not
    tell.
    """

    knows_photos: bool
    """Whether it draws photos as well as the shipped weights do, so that what it draws worse is no
    photo, and the encoder patches it.
    """

    def analyse(self, pixels: np.ndarray, jnd: np.ndarray) -> Features:
        """The part of encoding that no quality changes.

        Args:
            pixels: grey levels 0..255 (H, W, 3), any size: uint8 or float32.
            jnd: float32 (H, W, 3), tolerance in grey levels: the picture's own map, on which the
                networks were trained.
        """
        ...

    def analyse_rows(self, pixels: Source, height: int, width: int) -> Features:
        """The same of pixels that are given window by window: little is held beside the features.

        Args:
            pixels: see `code`.
            height, width: of the picture.
        """
        ...

    def quantise(self, features: Features, quality: int | np.ndarray) -> Symbols:
        """Integers of a picture at one quality.

        Args:
            features: of `analyse`.
            quality: 1..100, or a plane of such integers, (ph / 32, pw / 32).

        Raises:
            ParameterError: the quality is out of range, or the plane has another size.
        """
        ...

    def quantise_rows(self, features: Features, quality: int | np.ndarray) -> SymbolStream:
        """The same, made while they are coded: little is held beside the features.

        Args:
            features: of `analyse` or `analyse_rows`.
            quality: see `quantise`.

        Raises:
            ParameterError: see `quantise`.
        """
        ...

    def synthesise(self, decoded: DecodedSymbols, height: int, width: int) -> np.ndarray:
        """Symbols to pixels.

        Args:
            decoded: integers of one picture.
            height, width: of the picture; the padding is cut off.

        Returns:
            float32 (height, width, 3), grey levels, not rounded.
        """
        ...

    def code(
        self, pixels: Source, height: int, width: int, quality: int | np.ndarray
    ) -> SymbolStream:
        """Integers of a picture from pixels that are given window by window, in bounded memory.

        Args:
            pixels: gives grey levels and map of an area, padded as for `analyse`: float32 (16 rows,
                16 columns, 3).
            height, width: of the picture.
            quality: see `quantise`.

        Raises:
            ParameterError: see `quantise`.
        """
        ...

    def draw(
        self, symbols: SegmentSource, height: int, width: int, area: Area
    ) -> Iterator[tuple[Area, np.ndarray]]:
        """Symbols to pixels, window by window, in bounded memory.

        Args:
            symbols: gives those segments that the area depends on.
            height, width: of the picture.
            area: that is wanted; its borders are multiples of 2.

        Yields:
            Windows of the area from the top down; their pixels, padding included, float32
            (16 rows, 16 columns, 3), grey levels 0..255, not rounded.
        """
        ...

    def step_levels(self) -> np.ndarray:
        """How coarse each quality is: float64 (100,), mean over the channels of log2 of the
        quantization step.
        """
        ...
