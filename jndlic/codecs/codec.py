"""What a codec is, and a session of one with one picture.

A benchmark, many pictures and few levels:

    picture, level ─► ImageCodec.encode ─► bytes ─► decode ─► pixels

A search, one picture and many levels:

    picture ─► ImageCodec.session ─► Session
    Session ─┬─► view(level) ─► pixels to judge against `reference`
             └─► encode(level) ─► bytes ─► decode ─► the same, from the very file

Pixels are uint8 (H, W, 3), RGB, as a viewer shows them: what is transparent lies on white. Formats
that know alpha and metadata keep those of a picture; bare pixels have none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from jndlic.images.picture import Picture, from_array
from jndlic.images.pillow import shown

Source = Picture | np.ndarray
"""What is encoded: a picture, or pixels as `from_array` takes them."""


class Session(Protocol):
    """One picture in one codec at every level; what the levels have in common is computed once."""

    levels: tuple[int, ...]
    """In the codec's own terms, coarse to fine."""
    reference: np.ndarray
    """Pixels of the picture as a viewer shows it."""
    real: bool
    """Whether `view` decodes a file: then what it shows needs no second look."""

    def view(self, level: int) -> np.ndarray:
        """Pixels of a level."""
        ...

    def encode(self, level: int) -> bytes:
        """The whole file of a level.

        Raises:
            ImageError: the format cannot hold the picture.
        """
        ...

    def decode(self, data: bytes) -> np.ndarray:
        """Pixels of a file."""
        ...


class ImageCodec(Protocol):
    """Pictures to files and back; the network of this project is a `Codec` of jndlic/network, this
    is any format with all its settings.
    """

    name: str
    """Short, for tables and curves."""
    settings: str
    """Encoder, version, options: all that the bytes depend on besides picture and level. Results
    are kept under this text.
    """
    levels: tuple[int, ...]
    """All of them, in the codec's own terms, coarse to fine."""
    usual_levels: tuple[int, ...]
    """The operating points of a curve, by rising rate."""

    def encode(self, picture: Source, level: int) -> bytes:
        """The whole file.

        Raises:
            ImageError: the format cannot hold the picture.
            CodecError: a program failed.
        """
        ...

    def decode(self, data: bytes) -> np.ndarray:
        """The pixels of a file.

        Raises:
            JndlicError: it is damaged, or of another format.
        """
        ...

    def parts(self, data: bytes) -> dict[str, int]:
        """Bytes of each part of a file, by name; none where the file has no parts of interest."""
        ...

    def session(self, picture: Picture) -> Session:
        """The picture at every level."""
        ...


class FileSession:
    """A session whose every look at a level is a real file, each made once: the one that a search
    ends with was made on its way.

    Args:
        picture: to encode.
        levels: coarse to fine.
        encode: the file of a picture at a level.
        decode: the pixels of a file.
    """

    real = True

    def __init__(
        self,
        picture: Picture,
        levels: tuple[int, ...],
        encode: Callable[[Picture, int], bytes],
        decode: Callable[[bytes], np.ndarray],
    ) -> None:
        self._picture, self._encode, self._decode = picture, encode, decode
        self.levels, self.reference = levels, shown(picture)
        self._files: dict[int, bytes] = {}

    def view(self, level: int) -> np.ndarray:
        """See Session."""
        return self.decode(self.encode(level))

    def encode(self, level: int) -> bytes:
        """See Session."""
        if level not in self._files:
            self._files[level] = self._encode(self._picture, level)
        return self._files[level]

    def decode(self, data: bytes) -> np.ndarray:
        """See Session."""
        return self._decode(data)


class WholeFiles(ImageCodec):
    """Base of the codecs whose levels have nothing in common and whose files have no parts of
    interest.
    """

    def parts(self, data: bytes) -> dict[str, int]:
        """None."""
        return {}

    def session(self, picture: Picture) -> Session:
        """See ImageCodec."""
        return FileSession(picture, self.levels, self.encode, self.decode)


def as_picture(source: Source) -> Picture:
    """A picture of what is to be encoded.

    Raises:
        ImageError: the pixels have another shape or type than `from_array` takes.
    """
    return source if isinstance(source, Picture) else from_array(source)


def as_pixels(source: Source) -> np.ndarray:
    """The pixels of what is to be encoded, for formats that hold nothing else."""
    return shown(source) if isinstance(source, Picture) else source
