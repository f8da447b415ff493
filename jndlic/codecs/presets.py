"""Codecs whose files `jndlic optimize` makes just fine enough, by the names of the command line.

The codecs are those of registry.py; what differs from a benchmark's settings is said here and
nowhere else. A search writes the picture many times, so WebP and AVIF have less effort here;
JPEG is progressive, which costs little time and saves bytes; JPEG XL is written by the library that
keeps metadata.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jndlic.choices import OPTIMIZED_CODECS
from jndlic.codecs.codec import ImageCodec
from jndlic.codecs.registry import Spec, build
from jndlic.errors import ParameterError
from jndlic.format.container import DEPTH_MIN
from jndlic.images.colours import to_srgb
from jndlic.images.deep_writing import depth_losses
from jndlic.images.losses import writing_losses
from jndlic.images.metadata import metadata_of
from jndlic.images.picture import Picture, with_depth


class Preset(NamedTuple):
    """A codec of registry.py and its settings."""

    suffixes: tuple[str, ...]
    """Of its files; the first one is given to new files."""
    options: dict[str, str]
    """As in the text of a codec."""
    form: str
    """Of its files, in Pillow's words; empty for jndlic."""


PRESETS: dict[str, Preset] = dict(
    zip(
        OPTIMIZED_CODECS,
        (
            Preset((".jpg", ".jpeg"), {"progressive": "1"}, "JPEG"),
            Preset((".webp",), {"method": "4"}, "WEBP"),
            Preset((".avif",), {"speed": "6"}, "AVIF"),
            Preset((".jxl",), {"library": "pillow"}, "JXL"),
            Preset((".jlic",), {}, ""),
        ),
        strict=True,
    )
)
"""By the names of the command line, which are those of KINDS."""


def open_preset(name: str, weights: str | None = None, device: str = "cpu") -> ImageCodec:
    """A codec with its preset.

    Args:
        name: one of PRESETS.
        weights: of jndlic; the shipped ones by default. Other codecs have none.
        device: where jndlic's networks run.

    Raises:
        ParameterError: there is no such codec.
        CodecError: a library is missing.
        WeightsError: as `load_codec`.
    """
    if name not in PRESETS:
        raise ParameterError(f"no codec {name!r}; there are {', '.join(PRESETS)}")
    options = dict(PRESETS[name].options)
    if name == "jndlic":
        options |= {"device": device, **({"weights": weights} if weights else {})}
    return build(Spec(name, options, None))


def losses(name: str, picture: Picture) -> tuple[str, ...]:
    """What a codec's files cannot hold of a picture, in words for the user.

    Args:
        name: one of PRESETS.
        picture: to encode.
    """
    form = PRESETS[name].form
    if not form:
        return ()
    alpha = picture.alpha is not None
    found = depth_losses(form, picture.depth, picture.grey, alpha)
    found += writing_losses(form, alpha, metadata_of(picture))
    if form == "JXL" and picture.icc is not None:
        eight = with_depth(picture, DEPTH_MIN)
        converted = to_srgb(eight)
        found += converted.losses[len(eight.losses) :]
        if not np.array_equal(converted.pixels, eight.pixels):
            found += ("JXL is written in sRGB: colours are converted, and their profile left out",)
    return found


def codec_of(path: str | Path) -> str:
    """Name of the codec that a file's suffix stands for.

    Raises:
        ParameterError: there is none.
    """
    suffix = os.path.splitext(path)[1].lower()
    for name, preset in PRESETS.items():
        if suffix in preset.suffixes:
            return name
    known = " ".join(suffix for preset in PRESETS.values() for suffix in preset.suffixes)
    raise ParameterError(
        f"{path}: the suffix tells no codec (there are {known}); choose one with --codec"
    )
