"""How badly the network draws the blocks of photos, at each quality: the floors below which the
encoder patches what does not look like a photo.

photos ─► a part of each ─► symbols and pixels at each quality ─► errors of blocks ─► percentile
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jndlic.console import emit, run_command
from jndlic.errors import ImageError
from jndlic.format.coding import DecodedSymbols
from jndlic.format.quality import Quality
from jndlic.images.files import load
from jndlic.images.folders import find_images
from jndlic.jnd.own_map import own_map
from jndlic.patches.blocks import block_errors
from jndlic.patches.floors import QUALITIES
from jndlic.pipeline import grey_levels
from jndlic.runtime.load import load_codec
from jndlic.shipped_weights import DEFAULT_WEIGHTS

if TYPE_CHECKING:
    from jndlic.runtime.backend import Backend

PERCENTILE = 99.9
WIDTH, HEIGHT = 640, 448
"""Of the part, from the middle of a photo, in pixels; smaller photos are left out."""

_SEED = 5


def floors_of(paths: Sequence[Path], codec: Backend, count: int) -> tuple[list[float], int]:
    """The percentile at each of `QUALITIES`.

    Args:
        paths: of pictures.
        codec: that draws them.
        count: how many of them are chosen, at random but always the same.

    Returns:
        Mean squared errors of blocks, in squared grey levels; the number of photos that were large
        enough.

    Raises:
        ImageError: no picture is large enough.
    """
    chosen = list(paths)
    random.Random(_SEED).shuffle(chosen)
    errors: list[np.ndarray] = []
    for path in chosen[:count]:
        pixels = load(path).pixels
        top, left = (pixels.shape[0] - HEIGHT) // 2, (pixels.shape[1] - WIDTH) // 2
        if top < 0 or left < 0:
            continue
        part = np.ascontiguousarray(pixels[top : top + HEIGHT, left : left + WIDTH])
        features = codec.analyse(part, own_map(part))
        errors.append(np.array([_errors(part, features, level, codec) for level in QUALITIES]))
    if not errors:
        raise ImageError(f"no picture of at least {WIDTH} x {HEIGHT} pixels")
    return list(np.percentile(np.concatenate(errors, 1), PERCENTILE, axis=1)), len(errors)


def _errors(part: np.ndarray, features: object, quality: int, codec: Backend) -> np.ndarray:
    symbols = codec.quantise(features, quality)
    _, steps = codec.table_index(symbols.z_jnd, symbols.z, quality)
    decoded = DecodedSymbols(symbols, steps, Quality(quality))
    drawn = grey_levels(codec.synthesise(decoded, HEIGHT, WIDTH), grey=False)
    return block_errors(part, drawn).ravel()


def main(arguments: list[str] | None = None) -> int:
    """Prints the table of jndlic/patches/floors.py."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("photos", metavar="FOLDER", type=Path, help="with all that is in it")
    parser.add_argument("--count", type=int, default=60, help="of photos (default: %(default)s)")
    parser.add_argument(
        "--weights", default=DEFAULT_WEIGHTS, help="a file, or the name of shipped ones"
    )
    options = parser.parse_args(arguments)
    return run_command("patch_floors", lambda: _run(options))


def _run(options: argparse.Namespace) -> None:
    codec = load_codec(options.weights)
    found, photos = floors_of(find_images(options.photos, deep=True), codec, options.count)
    emit(f"# {photos} photos")
    emit(f"QUALITIES = {QUALITIES}")
    emit(f"FLOORS = {tuple(round(value) for value in found)}")
