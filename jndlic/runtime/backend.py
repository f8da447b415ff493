"""What runs the networks: one interface on numpy arrays, whatever library is behind it."""

from __future__ import annotations

from typing import Protocol, TypeVar

import numpy as np

from jndlic.format.coding import DecodedSymbols, TableSource
from jndlic.format.symbols import Symbols

Features = TypeVar("Features")


class Backend(TableSource, Protocol[Features]):
    """A codec that is ready for use. `Features` are its own and mean nothing to others."""

    trained_on: tuple[str, ...]
    """Metrics in the training loss, by the names of the benchmark; empty where the weights do not
    tell.
    """

    def analyse(self, pixels: np.ndarray, jnd: np.ndarray) -> Features:
        """The part of encoding that no quality changes.

        Args:
            pixels: uint8 (H, W, 3), any size.
            jnd: float32 (H, W, 3), tolerance in grey levels: the picture's own map, on which the
                networks were trained.
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

    def synthesise(self, decoded: DecodedSymbols, height: int, width: int) -> np.ndarray:
        """Symbols to pixels.

        Args:
            decoded: integers of one picture.
            height, width: of the picture; the padding is cut off.

        Returns:
            float32 (height, width, 3), grey levels, not rounded.
        """
        ...

    def step_levels(self) -> np.ndarray:
        """How coarse each quality is: float64 (100,), mean over the channels of log2 of the
        quantization step.
        """
        ...
