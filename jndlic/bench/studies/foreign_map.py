"""Maps that are not the picture's own, for networks trained with such maps
(jndlic/training/codec/ablation.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jndlic.images.files import load
from jndlic.jnd.own_map import own_map


def no_map(pixels: np.ndarray) -> np.ndarray:
    """Zeros in the picture's shape."""
    return np.zeros(pixels.shape, np.float32)


class OtherMap:
    """The map of the next picture of a list, repeated or cut to the size of this one.

    Args:
        images: picture files; only pictures of the list can be asked for.
    """

    def __init__(self, images: Sequence[Path]) -> None:
        self._images = images
        self._next: dict[bytes, np.ndarray] = {}

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 to a map of that shape."""
        if not self._next:
            pictures = [load(path).pixels for path in self._images]
            self._next = {a.tobytes(): b for a, b in zip(pictures, [*pictures[1:], pictures[0]])}
        other = own_map(self._next[pixels.tobytes()])
        missing = [
            (0, max(0, wanted - had)) for wanted, had in zip(pixels.shape[:2], other.shape[:2])
        ]
        return np.pad(other, (*missing, (0, 0)), mode="wrap")[: pixels.shape[0], : pixels.shape[1]]
