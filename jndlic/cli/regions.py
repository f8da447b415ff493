"""`jndlic encode --roi`, `--tolerance`: files that say which parts of a picture matter. One file
serves every picture; of a folder, the file that is called like the picture.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jndlic.choices import OWN_JND_MODEL, ROI_STRENGTH
from jndlic.cli.streams import STANDARD, input_name
from jndlic.errors import ImageError, ParameterError

if TYPE_CHECKING:
    import numpy as np

    from jndlic.jnd.regions import Roi

_ARRAY = ".npy"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options to `encode`."""
    parser.add_argument(
        "--tolerance",
        metavar="FILE",
        help="in place of --jnd: map of the change that each pixel tolerates, in grey levels: .npy "
        "(H, W) or (H, W, 3), or an 8-bit picture; or a folder of maps with the names of the "
        "pictures",
    )
    parser.add_argument(
        "--roi",
        metavar="FILE",
        help="mask as large as the picture: white has the quality, black a coarser one; or a "
        "folder of masks with the names of the pictures",
    )
    parser.add_argument(
        "--roi-strength",
        type=_strength,
        metavar="N",
        help="how many times the quantisation step is doubled where the mask is black; each takes "
        f"about half the bits there (default: {ROI_STRENGTH:g})",
    )


def check_options(arguments: argparse.Namespace) -> None:
    """Finds options of `encode` that mean nothing.

    Raises:
        ParameterError: a map and a model; a strength without a mask; a mask, and a judge of the
            whole picture.
    """
    if arguments.tolerance is not None and arguments.jnd != OWN_JND_MODEL:
        # Both are relative to the picture's own map: their sum would count it twice
        raise ParameterError("--tolerance takes the place of --jnd: name one of them")
    if arguments.roi is None and arguments.roi_strength is not None:
        raise ParameterError("--roi-strength goes with --roi")
    if arguments.roi is not None and arguments.visually_lossless:
        raise ParameterError(
            "--visually-lossless judges the whole picture: it does not go with --roi"
        )


class Regions:
    """Maps and masks of the pictures that a command encodes. Can be pickled.

    Args:
        arguments: of `encode`.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._inputs: Sequence[str] = arguments.inputs
        self._model: str = arguments.jnd
        self._tolerance: str | None = arguments.tolerance
        self._roi: str | None = arguments.roi
        self._strength: float = (
            ROI_STRENGTH if arguments.roi_strength is None else arguments.roi_strength
        )

    def jnd(self, source: str) -> np.ndarray | str:
        """A picture's tolerance map, or the name of a JND model; see `analyse_picture`.

        Args:
            source: name of the picture.

        Raises:
            ImageError, OSError: there is no map for it, or it cannot be read.
        """
        if self._tolerance is None:
            return self._model
        return read_map(self._file_of(self._tolerance, source, (_ARRAY,)))

    def roi(self, source: str) -> Roi | None:
        """A picture's mask, if there is one.

        Args:
            source: name of the picture.

        Raises:
            ImageError, OSError: there is no mask for it, or it cannot be read.
        """
        if self._roi is None:
            return None
        from jndlic.jnd.regions import region_of_interest

        return region_of_interest(self._file_of(self._roi, source, ()), self._strength)

    def _file_of(self, name: str, source: str, suffixes: Sequence[str]) -> Path:
        """The file that is meant for a picture: the one that was named, or the one in that folder.

        Args:
            name: of a file or a folder.
            source: name of the picture.
            suffixes: beside those of pictures.
        """
        if not os.path.isdir(name):
            return Path(name)
        if source == STANDARD:
            raise ParameterError(f"{name}: a folder, but standard input has no name to look for")
        from jndlic.images.folders import SUFFIXES

        wanted = Path(name) / _below(source, self._inputs)
        named = [
            one
            for one in sorted(wanted.parent.glob("*"))
            if one.stem == wanted.stem and one.suffix.lower() in (*SUFFIXES, *suffixes)
        ]
        exact = [one for one in named if one.name == wanted.name]
        if len(exact or named) != 1:
            found = f"{len(named)} files are called" if named else "no file is called"
            raise ImageError(f"{input_name(source)}: {found} {wanted.with_suffix('.*')}")
        return (exact or named)[0]


def read_map(path: Path) -> np.ndarray:
    """A tolerance map.

    Args:
        path: of an array, or of a picture whose values are grey levels of tolerance.

    Returns:
        (H, W) or (H, W, 3), what the file holds.

    Raises:
        ImageError: it is neither, or has more than 8 bits.
        OSError: the file cannot be read.
    """
    if path.suffix.lower() != _ARRAY:
        from jndlic.images.files import load

        picture = load(path)
        if picture.losses:
            raise ImageError(f"{path}: {'; '.join(picture.losses)}: a map must be exact")
        return picture.pixels[..., 0] if picture.grey else picture.pixels
    import numpy as np

    try:
        # Mapped: an array that claims more than the file holds is refused before it takes memory
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # numpy raises nearly anything on damaged data
        raise ImageError(f"{path}: not an array of numbers: {error}") from error
    if not isinstance(values, np.ndarray):
        raise ImageError(f"{path}: not an array of numbers, but an archive of some")
    return values


def _below(source: str, inputs: Sequence[str]) -> Path:
    """A picture's path below the folder that was named; of one named itself, its name."""
    path = Path(source)
    for folder in map(Path, inputs):
        if folder != path and path.is_relative_to(folder):
            return path.relative_to(folder)
    return Path(path.name)


def _strength(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"must be 0 or a positive number, got {text!r}")
    return value
