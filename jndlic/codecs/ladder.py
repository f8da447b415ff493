"""One picture in one codec at every level, as real files: what a search goes up and down on.

    picture ─► Ladder ─┬─► view(level) ──────────────────► pixels to judge against `reference`
                       └─► encode(level) ─► bytes ─► decode ─► the same from the very file

Alpha travels along where the format has it; pixels are judged as a viewer shows them, what is transparent on white.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Ladder(Protocol):
    """A picture and a codec. Pixels are uint8 (H, W, 3), RGB."""

    levels: tuple[int, ...]
    """In the codec's own terms, coarse to fine."""
    reference: np.ndarray
    """Pixels of the picture as a viewer shows it."""
    real: bool
    """Whether `view` decodes a file: then what it shows needs no second look."""

    def view(self, level: int) -> np.ndarray:
        """Pixels of a level."""

    def encode(self, level: int) -> bytes:
        """The whole file of a level.

        Raises:
            ImageError: the format cannot hold the picture.
        """

    def decode(self, data: bytes) -> np.ndarray:
        """Pixels of a file."""
