"""One picture in one codec at every level, as real files: what a search goes up and down on.

    picture ─► Ladder ─┬─► view(level) ──────────────────► pixels to judge against `reference`
                       └─► encode(level) ─► bytes ─► decode ─► the same from the very file

Alpha travels along where the format has it; pixels are judged as a viewer shows them, what is transparent on white.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import PIL
from PIL import Image

from jndlic.bench.pillow_codecs import CodecError
from jndlic.errors import ImageError, ParameterError
from jndlic.image import Picture, decoded, encoded, shown
from jndlic.shipped_path import DEFAULT_WEIGHTS


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


Maker = Callable[[Picture], Ladder]


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


class Kind(NamedTuple):
    """A codec by its name on the command line."""

    suffixes: tuple[str, ...]
    """Of its files; the first one is given to new files."""
    open: Callable[[str, str], Maker]
    """From weights and device, which only the codecs of this project have."""


def _pillow(form: str, *attempts: Mapping[str, object]) -> Callable[[str, str], Maker]:
    def opened(weights: str, device: str) -> Maker:
        Image.init()
        if form not in Image.SAVE:
            raise CodecError(f"this Pillow ({PIL.__version__}) does not write {form}")
        return lambda picture: PillowLadder(picture, form, attempts)

    return opened


def _jxl(weights: str, device: str) -> Maker:
    from jndlic.picturewise.jxl_ladder import JxlLadder, load_plugin

    load_plugin()
    return JxlLadder


def _jndlic(weights: str, device: str) -> Maker:
    from jndlic.picturewise.jndlic_ladder import JndlicLadder
    from jndlic.weights import load_codec

    codec = load_codec(weights, device)
    return lambda picture: JndlicLadder(picture, codec)


_SUBSAMPLED = {"subsampling": "4:2:0"}

KINDS = {
    # Pillow's buffer for optimised and for progressive files is too small for noise.
    "jpeg": Kind((".jpg", ".jpeg"), _pillow("JPEG", {**_SUBSAMPLED, "optimize": True, "progressive": True}, _SUBSAMPLED)),
    "webp": Kind((".webp",), _pillow("WEBP", {"method": 4})),
    "avif": Kind((".avif",), _pillow("AVIF", {"speed": 6})),
    "jxl": Kind((".jxl",), _jxl),
    "jndlic": Kind((".jlic",), _jndlic),
}


def open_ladders(name: str, weights: str | None = None, device: str = "cpu") -> Maker:
    """What makes the ladders of a codec, each from a picture.

    Args:
        name: one of KINDS.
        weights: of jndlic; the shipped ones by default.
        device: where jndlic's networks run.

    Raises:
        ParameterError: there is no such codec.
        CodecError: a library is missing.
        WeightsError: as `load_codec`.
    """
    if name not in KINDS:
        raise ParameterError(f"no codec {name!r}; there are {', '.join(KINDS)}")
    return KINDS[name].open(weights or DEFAULT_WEIGHTS, device)


def codec_of(path: str | Path) -> str:
    """Name of the codec that a file's suffix stands for.

    Raises:
        ParameterError: there is none.
    """
    suffix = os.path.splitext(path)[1].lower()
    for name, kind in KINDS.items():
        if suffix in kind.suffixes:
            return name
    known = " ".join(suffix for kind in KINDS.values() for suffix in kind.suffixes)
    raise ParameterError(f"{path}: the suffix tells no codec (there are {known}); choose one with --codec")
