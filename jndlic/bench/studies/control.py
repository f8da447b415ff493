"""Is a tolerance map a control? What happens to bits and error where the map is doubled, elsewhere,
and when all of it is scaled?
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jndlic.api import decode, encode
from jndlic.block_maps import block_maps
from jndlic.console import run_command
from jndlic.files import write_atomically
from jndlic.format.container import unpack
from jndlic.format.grid import JND_STRIDE, LATENT_STRIDE
from jndlic.images.files import load
from jndlic.images.folders import find_images
from jndlic.jnd.own_map import own_map
from jndlic.runtime.backend import Backend
from jndlic.runtime.load import load_codec
from jndlic.shipped_weights import DEFAULT_WEIGHTS

# Pixels around the rectangle that count neither as inside nor as outside: the transforms overlap.
GUARD = 64
FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


class Change(NamedTuple):
    """What the larger map did, in percent."""

    bits_inside: float
    """Of k, inside the rectangle."""
    bits_outside: float
    error_inside: float
    """Mean squared error."""
    error_outside: float
    file: float
    """Size of the whole file."""


class Scaled(NamedTuple):
    """A file made with a multiple of the picture's own map."""

    bpp: float
    """Bits per pixel."""
    error: float
    """Mean squared error."""


def rectangle(height: int, width: int) -> tuple[slice, slice]:
    """The middle half of both sides, on borders of the quality plane's blocks."""
    top, left = (side // 4 // JND_STRIDE * JND_STRIDE for side in (height, width))
    return slice(top, height // JND_STRIDE * JND_STRIDE - top), slice(
        left, width // JND_STRIDE * JND_STRIDE - left
    )


def change(pixels: np.ndarray, quality: int, codec: Backend, factor: float) -> Change:
    """Encode with the picture's own map and with one that is `factor` times as large inside the
    rectangle.

    Args:
        pixels: (H, W, 3) uint8, sides of 256 pixels at least.
        quality: 1..100.
        codec: network and tables.
        factor: of the map.
    """
    own = own_map(pixels)
    inside = rectangle(*pixels.shape[:2])
    other = own.copy()
    other[inside] *= factor
    outside = np.ones(pixels.shape[:2], bool)
    outside[tuple(slice(max(0, side.start - GUARD), side.stop + GUARD) for side in inside)] = False
    coarse = tuple(
        slice(side.start // LATENT_STRIDE, side.stop // LATENT_STRIDE) for side in inside
    )
    apart = outside[LATENT_STRIDE // 2 :: LATENT_STRIDE, LATENT_STRIDE // 2 :: LATENT_STRIDE]
    figures = []
    for jnd in (own, other):
        data = encode(pixels, quality, codec=codec, jnd=jnd)
        bits = block_maps(unpack(data), codec).bits
        away = bits[: apart.shape[0], : apart.shape[1]][apart].sum()
        error = _error(pixels, data, codec)
        figures.append(
            (bits[coarse].sum(), away, error[inside].mean(), error[outside].mean(), len(data))
        )
    return Change(*(100.0 * (new / old - 1.0) for old, new in zip(*figures)))


def scaled(pixels: np.ndarray, quality: int, codec: Backend, factor: float) -> Scaled:
    """Encode with a multiple of the picture's own map.

    Args:
        pixels: (H, W, 3) uint8.
        quality: 1..100, that of the own map.
        codec: network and tables.
        factor: of the map.
    """
    data = encode(pixels, quality, codec=codec, jnd=own_map(pixels) * np.float32(factor))
    return Scaled(8 * len(data) / pixels[..., 0].size, float(_error(pixels, data, codec).mean()))


def _error(pixels: np.ndarray, data: bytes, codec: Backend) -> np.ndarray:
    """Squared error of each pixel, mean over its channels: float64 (H, W)."""
    decoded = np.asarray(decode(data, codec=codec).convert("RGB"))
    return ((pixels.astype(np.float64) - decoded) ** 2).mean(2)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--images", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--qualities", default="20,40,60,80", help="with commas between (default: %(default)s)"
    )
    parser.add_argument(
        "--factor",
        type=float,
        default=2.0,
        help="of the map in the rectangle (default: %(default)s)",
    )
    parser.add_argument("--weights", default=DEFAULT_WEIGHTS, help="(default: the shipped ones)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON file for the means")
    options = parser.parse_args(argv)
    return run_command("control", lambda: _run(options))


def _run(options: argparse.Namespace) -> None:
    codec = load_codec(options.weights)
    pictures = [load(path).pixels for path in find_images(options.images)]
    qualities = [int(text) for text in options.qualities.split(",")]
    print(f"the map times {options.factor:g} inside a rectangle, % of change, means")
    print("quality" + "".join(f"{name:>16}" for name in Change._fields))
    inside = {}
    for quality in qualities:
        means = Change(
            *np.mean(
                [change(pixels, quality, codec, options.factor) for pixels in pictures], 0
            ).tolist()
        )
        print(f"{quality:>7}" + "".join(f"{value:>+16.2f}" for value in means), flush=True)
        inside[quality] = means._asdict()
    print("the whole map times a factor: bits per pixel / mean squared error, means")
    print("quality" + "".join(f"{factor:>16g}" for factor in FACTORS))
    whole = {}
    for quality in qualities:
        row = [
            Scaled(
                *np.mean(
                    [scaled(pixels, quality, codec, factor) for pixels in pictures], 0
                ).tolist()
            )
            for factor in FACTORS
        ]
        print(
            f"{quality:>7}" + "".join(f"{f'{one.bpp:.3f} / {one.error:.1f}':>16}" for one in row),
            flush=True,
        )
        whole[quality] = {str(factor): one._asdict() for factor, one in zip(FACTORS, row)}
    if options.out:
        content = {
            "factor": options.factor,
            "pictures": len(pictures),
            "percent": inside,
            "whole map": whole,
        }
        write_atomically(options.out, (json.dumps(content, indent=1) + "\n").encode())
