"""A codec that gets a filtered picture to encode; it is judged beside the original all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jndlic.errors import ParameterError
from jndlic.jnd.models import FILTERS, critical

if TYPE_CHECKING:
    from jndlic.codecs.registry import Codec

class Filtered:
    """A codec behind a filter.

    Args:
        codec: encodes what the filter leaves.
        name: one of FILTERS of jndlic/jnd/models.py.

    Raises:
        ParameterError: there is no such filter.
    """

    def __init__(self, codec: Codec, name: str) -> None:
        if name not in FILTERS:
            raise ParameterError(f"no filter {name!r}; there are {', '.join(FILTERS)}")
        self._codec, self._filter = codec, name
        self.name = f"{codec.name} after {name}"
        self.settings = f"{codec.settings}; pictures filtered by {name} before"
        self.levels = codec.levels
        self.trained_on = getattr(codec, "trained_on", ())

    def encode(self, pixels: np.ndarray, level: int) -> bytes:
        """The file of the filtered picture."""
        return self._codec.encode(critical(pixels, self._filter), level)

    def decode(self, data: bytes) -> np.ndarray:
        """The pixels of a file."""
        return self._codec.decode(data)

    def parts(self, data: bytes) -> dict[str, int]:
        """Those of the codec."""
        return self._codec.parts(data)
