"""Options of `encode` for how its pictures are read, and what of them is kept."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, BinaryIO

from jndlic.choices import BIT_DEPTHS
from jndlic.format.container import DEPTH_MIN

if TYPE_CHECKING:
    from jndlic.images.picture import Picture


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds `--frame`, `--strip`, `--keep-profile` and `--bit-depth`."""
    parser.add_argument(
        "--frame",
        type=_number,
        metavar="N",
        help="of an animation or a file of several pages, which is read, from 0 on (default: the "
        "first, with a warning)",
    )
    parser.add_argument(
        "--strip",
        action="store_true",
        help="leave out EXIF and XMP; the colour profile stays, and the picture the same way up",
    )
    parser.add_argument(
        "--keep-profile",
        action=argparse.BooleanOptionalAction,
        # No default that argparse knows: some versions of Python would say it once more
        help="keep the colour profile (default), or convert to sRGB by it and leave it out",
    )
    parser.add_argument(
        "--bit-depth",
        type=int,
        choices=BIT_DEPTHS,
        help="bits a channel in the file (default: those of the picture, at least 8)",
    )


class PictureReader:
    """Reads pictures as the options say. Can be pickled.

    Args:
        arguments: of `encode`.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._frame: int | None = arguments.frame
        self._strip: bool = arguments.strip
        self._keep_profile: bool = arguments.keep_profile is not False
        self._bit_depth: int | None = arguments.bit_depth

    def read(self, file: BinaryIO) -> Picture:
        """A picture. Its pixels may stay in the file, to be read only.

        Args:
            file: at its beginning; one that can be sought.

        Raises:
            ImageError: it cannot be read.
            ParameterError: it has no such frame.
            UnsupportedError: Pillow was built without LittleCMS.
        """
        from jndlic.images.files import decoded
        from jndlic.sources import picture_to_keep

        deep = self._bit_depth != DEPTH_MIN
        picture = decoded(file, frame=self._frame, deep=deep, mapped=True)
        return picture_to_keep(picture, self._strip, self._keep_profile, self._bit_depth)


def _number(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = -1
    if value < 0:
        raise argparse.ArgumentTypeError(f"must be 0 or a positive integer, got {text!r}")
    return value
