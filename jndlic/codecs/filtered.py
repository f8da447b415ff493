"""A codec that gets a filtered picture to encode; it is judged beside the original all the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from jndlic.choices import JND_FILTERS
from jndlic.codecs.codec import ImageCodec, Session, Source, as_picture
from jndlic.errors import ParameterError
from jndlic.format.container import DEPTH_MIN
from jndlic.images.picture import Picture, with_depth
from jndlic.jnd.models import critical


class Filtered:
    """A codec behind a filter.

    Args:
        codec: encodes what the filter leaves.
        name: one of JND_FILTERS.

    Raises:
        ParameterError: there is no such filter.
    """

    def __init__(self, codec: ImageCodec, name: str) -> None:
        if name not in JND_FILTERS:
            raise ParameterError(f"no filter {name!r}; there are {', '.join(JND_FILTERS)}")
        self._codec, self._filter = codec, name
        self.name = f"{codec.name} after {name}"
        self.settings = f"{codec.settings}; pictures filtered by {name} before"
        self.levels, self.usual_levels = codec.levels, codec.usual_levels
        self.trained_on = getattr(codec, "trained_on", ())

    def encode(self, picture: Source, level: int) -> bytes:
        """The file of the filtered picture."""
        return self._codec.encode(self._filtered(as_picture(picture)), level)

    def decode(self, data: bytes) -> np.ndarray:
        """The pixels of a file."""
        return self._codec.decode(data)

    def parts(self, data: bytes) -> dict[str, int]:
        """Those of the codec."""
        return self._codec.parts(data)

    def session(self, picture: Picture) -> Session:
        """See ImageCodec; the reference is the original, as the codec shows it."""
        session = self._codec.session(self._filtered(picture))
        session.reference = self._codec.session(picture).reference
        return session

    def _filtered(self, picture: Picture) -> Picture:
        picture = with_depth(picture, DEPTH_MIN)
        return replace(picture, pixels=critical(picture.pixels, self._filter))
