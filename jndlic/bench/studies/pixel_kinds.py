"""What pictures of 16 bits a channel gain, and what grey ones cost: the tables of docs/usage.md.

16-bit picture ─┬─► .jlic of 16 bits ─┬─► 16 bits ─┐
                │                     └─► 8 bits  ─┤
                └─► 8 bits ─► .jlic ──┬─► 16 bits ─┼─► error in 16-bit levels
                                      └─► 8 bits  ─┘
photo, and the same in grey ─► bytes and seconds
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jndlic.api import encode, imread
from jndlic.console import emit, run_command
from jndlic.images.depth import scaled, to_levels
from jndlic.images.files import load
from jndlic.images.folders import find_images
from jndlic.luma import LUMA

QUALITIES = 90, 100
GREY_QUALITY = 50
ROWS, COLUMNS = 512, 768
"""Of what is drawn, in pixels."""

_WHITE = 65535
_REPEATS = 3


class Errors(NamedTuple):
    """Of a picture at a quality: bytes of the two files, and root mean squared errors in 16-bit
    levels, by the bits of the picture that was encoded and of the one that was decoded.
    """

    bytes_16: int
    from_16_to_16: float
    from_16_to_8: float
    bytes_8: int
    from_8_to_16: float
    from_8_to_8: float
    steps: tuple[int, int]
    """Values in the middle row of green: decoded to 16 bits, and to 8."""


class Cost(NamedTuple):
    """Of a picture: bytes of its file, and seconds of the processor."""

    bytes: int
    encoding: float
    decoding: float


def gradient() -> np.ndarray:
    """A slow ramp: uint16 (H, W, 3). A row of it crosses some 30 levels of 8 bits, in bands of 25
    pixels.
    """
    row, column = np.mgrid[:ROWS, :COLUMNS]
    ramps = 16_000 + 12 * column + 4 * row, 14_000 + 9 * column + 10 * row, 20_000 + 6 * column
    return np.stack(ramps, 2).astype(np.uint16)


def sky() -> np.ndarray:
    """Slow waves of blue: uint16 (H, W, 3)."""
    row, column = np.mgrid[:ROWS, :COLUMNS]
    waves = (
        0.35 + 0.25 * np.sin((column + 0.3 * row) / 400),
        0.45 + 0.2 * np.sin((column + 0.4 * row) / 450 + 0.4),
        0.7 + 0.15 * np.sin((row + 0.2 * column) / 350),
    )
    return np.rint(np.stack(waves, 2) * _WHITE).astype(np.uint16)


def halved(pixels: np.ndarray) -> np.ndarray:
    """A photo of half the sides: means of four pixels, which have 10 bits. uint16 (H, W, 3)."""
    height, width = (side // 2 * 2 for side in pixels.shape[:2])
    parts = pixels[:height, :width].reshape(height // 2, 2, width // 2, 2, 3)
    return np.rint(parts.mean((1, 3)) * (_WHITE / 255)).astype(np.uint16)


def errors_of(pixels: np.ndarray, quality: int) -> Errors:
    """What is lost of a picture, uint16 (H, W, 3)."""

    def error(data: bytes, depth: int) -> tuple[float, int]:
        decoded = imread(data, bit_depth=depth)
        difference = scaled(decoded, depth, 16).astype(np.float64) - pixels
        steps = len(np.unique(decoded[len(decoded) // 2, :, 1]))
        return float(np.sqrt(np.mean(difference**2))), steps

    deep, flat = encode(pixels, quality), encode(pixels, quality, bit_depth=8)
    (fine, values), (rounded, few) = error(deep, 16), error(deep, 8)
    return Errors(
        len(deep), fine, rounded, len(flat), error(flat, 16)[0], error(flat, 8)[0], (values, few)
    )


def cost_of(pixels: np.ndarray) -> Cost:
    """What a picture takes, uint8 (H, W) or (H, W, 3), by one thread: the best of some runs."""
    data, best = b"", (np.inf, np.inf)
    for _ in range(_REPEATS):
        start = time.process_time()
        data = encode(pixels, GREY_QUALITY, threads=1)
        middle = time.process_time()
        imread(data, threads=1)
        best = min(best[0], middle - start), min(best[1], time.process_time() - middle)
    return Cost(len(data), *best)


def luma(pixels: np.ndarray) -> np.ndarray:
    """Grey of a photo: uint8 (H, W)."""
    return np.rint(to_levels(pixels, 8) @ np.array(LUMA, dtype=np.float32)).astype(np.uint8)


def tables(paths: Sequence[Path]) -> Iterator[str]:
    """Lines of both tables, for the photos."""
    photos = {path.stem: load(path).pixels for path in paths}
    deep = {"gradient": gradient(), "sky": sky()}
    deep |= {f"{name}, halved": halved(pixels) for name, pixels in photos.items()}
    yield "| picture | quality | of 16 bits | to 16 | to 8 | values | of 8 bits | to 16 | to 8 |"
    yield "|" + "---|" * 9
    for name, pixels in deep.items():
        for quality in QUALITIES:
            found = errors_of(pixels, quality)
            cells = (
                name,
                quality,
                f"{found.bytes_16} B",
                f"{found.from_16_to_16:.1f}",
                f"{found.from_16_to_8:.1f}",
                f"{found.steps[0]}, {found.steps[1]}",
                f"{found.bytes_8} B",
                f"{found.from_8_to_16:.1f}",
                f"{found.from_8_to_8:.1f}",
            )
            yield f"| {' | '.join(map(str, cells))} |"
    yield ""
    yield "| picture | file | to encode | to decode |"
    yield "|" + "---|" * 4
    for name, pixels in photos.items():
        for kind, one in ((name, pixels), (f"{name} in grey", luma(pixels))):
            cost = cost_of(one)
            yield f"| {kind} | {cost.bytes} B | {cost.encoding:.3f} s | {cost.decoding:.3f} s |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("photos", metavar="PHOTO", nargs="+", help="in colours, or folders of them")
    options = parser.parse_args(arguments)
    return run_command("pixel_kinds", lambda: _run(options.photos))


def _run(photos: Sequence[str]) -> None:
    for line in tables(find_images(*photos)):
        emit(line)
