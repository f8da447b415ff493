"""Photos as files: finding them, setting some apart for validation, decoding them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from jndlic.errors import ImageError, ParameterError
from jndlic.images.files import load
from jndlic.images.folders import find_images

LOSSY_SUFFIXES = {".jpg", ".jpeg"}


def find_photos(folders: Sequence[str | Path]) -> list[Path]:
    """Every picture below the folders, sorted.

    Raises:
        ParameterError: a folder does not exist or nothing was found.
    """
    try:
        return find_images(*folders, deep=True)
    except ImageError as error:
        raise ParameterError(f"training data: {error}") from error


def held_out(path: Path, percent: int) -> bool:
    """Whether an image belongs to the validation share; depends on its file name alone."""
    return zlib.crc32(path.name.encode()) % 100 < percent


def loaded_size(path: Path, lossy_reduction: float) -> tuple[int, int]:
    """Width and height that `load_pixels` will give, from the file's header alone.

    Raises:
        ImageError: the file cannot be read, or is no image.
    """
    try:
        with Image.open(path) as image:
            return _reduced(path, image.size, lossy_reduction)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError(f"{path}: {error}") from error


def load_pixels(path: Path, lossy_reduction: float) -> np.ndarray:
    """(H, W, 3) uint8; files with coding artefacts of their own (JPEG) are reduced to hide them.

    Raises:
        ImageError: the file is damaged.
        OSError: it cannot be read.
    """
    pixels = load(path).pixels
    height, width = pixels.shape[:2]
    size = _reduced(path, (width, height), lossy_reduction)
    if size != (width, height):
        pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    return pixels


def decode_all(
    paths: Sequence[Path], lossy_reduction: float, workers: int, title: str
) -> Iterator[np.ndarray]:
    """The pixels of many photos, in their order, decoded by several threads; damaged ones are
    reported and left out.

    Args:
        paths: files.
        lossy_reduction: see `load_pixels`.
        workers: threads.
        title: of the progress bar.
    """

    def decoded(path: Path) -> np.ndarray | ImageError | OSError:
        try:
            return load_pixels(path, lossy_reduction)
        except (ImageError, OSError) as error:
            return error

    with ThreadPoolExecutor(workers) as pool:
        for result in tqdm(pool.map(decoded, paths), desc=title, unit="photo", total=len(paths)):
            if isinstance(result, np.ndarray):
                yield result
            else:
                tqdm.write(f"training data: left out: {result}")


def _reduced(path: Path, size: tuple[int, int], factor: float) -> tuple[int, int]:
    if path.suffix.lower() not in LOSSY_SUFFIXES or factor <= 1:
        return size
    return max(1, round(size[0] / factor)), max(1, round(size[1] / factor))
