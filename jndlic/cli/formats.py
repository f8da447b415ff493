"""Formats of pictures that commands write: by the suffix of OUT, or by `--format`."""

from __future__ import annotations

import argparse
from pathlib import Path

from jndlic.cli import streams
from jndlic.errors import ParameterError

FORMATS = ("png", "jpg", "webp", "tif", "ppm", "pgm", "bmp")
"""As suffixes; jndlic/images/files.py has what Pillow calls them."""


def add_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--format`."""
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="where OUT has no suffix that tells (default: png)",
    )


def output_form(target: str, chosen: str | None, force: bool, grey: bool = True) -> str:
    """The format of an output in Pillow's words.

    Args:
        target: its name.
        chosen: of `--format`, or None.
        force: whether `--force` was given: then any suffix will do.
        grey: whether the picture has one channel.

    Raises:
        ParameterError: its suffix and --format contradict each other.
        ImageError: its suffix is unknown, or of a format that cannot hold the picture.
    """
    from jndlic.images.files import FORMATS as by_suffix
    from jndlic.images.files import output_format

    suffix = Path(target).suffix.lower()
    if chosen is None:
        odd = streams.is_stream(target) or (force and suffix not in by_suffix)
        return output_format(target, grey, ".png" if odd else None)
    form = output_format(target, grey, f".{chosen}")
    told = by_suffix.get(suffix, form)
    if told != form and not force and not streams.is_stream(target):
        raise ParameterError(f"{target}: the suffix says {told}, --format {form}")
    return form
