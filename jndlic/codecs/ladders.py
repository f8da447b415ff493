"""Codecs whose files are made just fine enough, by the names of the command line."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import PIL
from PIL import Image

from jndlic.codecs.ladder import Ladder
from jndlic.codecs.pillow_ladder import PillowLadder
from jndlic.errors import CodecError, ParameterError
from jndlic.images.picture import Picture
from jndlic.shipped_weights import DEFAULT_WEIGHTS

Maker = Callable[[Picture], Ladder]


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
    from jndlic.codecs.jxl_ladder import JxlLadder, load_plugin

    load_plugin()
    return JxlLadder


def _jndlic(weights: str, device: str) -> Maker:
    from jndlic.codecs.jndlic_ladder import JndlicLadder
    from jndlic.runtime.load import load_codec

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
