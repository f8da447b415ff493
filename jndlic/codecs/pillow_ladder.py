"""JPEG, WebP, AVIF and whatever else Pillow writes at many qualities."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np

from jndlic.errors import ImageError
from jndlic.images.files import decoded, encoded
from jndlic.images.picture import Picture
from jndlic.images.pillow import shown


class PillowLadder:
    """A format that Pillow writes.

    Args:
        picture: to encode.
        form: the format in Pillow's words.
        attempts: options of `Image.save` besides the quality; the later ones where Pillow fails with the earlier.
        finest: level; they begin at 1.
    """

    real = True

    def __init__(self, picture: Picture, form: str, attempts: tuple[Mapping[str, object], ...], finest: int = 100) -> None:
        self._picture, self._form, self._attempts = picture, form, attempts
        self.levels = tuple(range(1, finest + 1))
        self.reference = shown(picture)
        self._files: dict[int, bytes] = {}

    def view(self, level: int) -> np.ndarray:
        """See Ladder."""
        return self.decode(self.encode(level))

    def encode(self, level: int) -> bytes:
        """See Ladder. Files are kept: the one that a search ends with was made on its way."""
        if level not in self._files:
            self._files[level] = self._encoded(level)
        return self._files[level]

    def decode(self, data: bytes) -> np.ndarray:
        """See Ladder."""
        return shown(decoded(io.BytesIO(data), (self._form,)))

    def _encoded(self, level: int) -> bytes:
        for options in self._attempts[:-1]:
            try:
                return encoded(self._picture, self._form, {"quality": level, **options})
            except ImageError:
                continue
        return encoded(self._picture, self._form, {"quality": level, **self._attempts[-1]})
