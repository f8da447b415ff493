"""Is the JND map a control? The map is doubled inside a rectangle: what happens to bits and error there, and elsewhere?"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from jndlic.api import decode, encode
from jndlic.bench.command import run_command
from jndlic.bench.evaluate import find_images
from jndlic.bench.maps import LATENT_STRIDE, bits_map
from jndlic.files import write_atomically
from jndlic.image import load
from jndlic.jnd.pixel import jnd_map_numpy
from jndlic.model.codec import Codec
from jndlic.weights import DEFAULT_WEIGHTS, load_codec

GUARD = 64  # pixels around the rectangle that count neither as inside nor as outside: the transforms overlap


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


def rectangle(height: int, width: int) -> tuple[slice, slice]:
    """The middle half of both sides, on borders of latent positions."""
    top, left = (side // 4 // LATENT_STRIDE * LATENT_STRIDE for side in (height, width))
    return slice(top, height - top), slice(left, width - left)


def change(pixels: np.ndarray, quality: int, codec: Codec, factor: float) -> Change:
    """Encode with the picture's own map and with one that is `factor` times as large inside the rectangle.

    Args:
        pixels: (H, W, 3) uint8, sides of 256 pixels at least.
        quality: 1..100.
        codec: network and tables.
        factor: of the map.
    """
    own = jnd_map_numpy(pixels)
    inside = rectangle(*pixels.shape[:2])
    other = own.copy()
    other[inside] *= factor
    outside = np.ones(pixels.shape[:2], bool)
    outside[tuple(slice(max(0, side.start - GUARD), side.stop + GUARD) for side in inside)] = False
    coarse = tuple(slice(side.start // LATENT_STRIDE, side.stop // LATENT_STRIDE) for side in inside)
    figures = []
    for jnd in (own, other):
        data = encode(pixels, quality, codec=codec, jnd=jnd)
        decoded = np.asarray(decode(data, codec=codec).convert("RGB"))
        error = ((pixels.astype(np.float64) - decoded) ** 2).mean(2)
        bits = _bits(pixels, jnd, quality, codec)
        apart = outside[LATENT_STRIDE // 2 :: LATENT_STRIDE, LATENT_STRIDE // 2 :: LATENT_STRIDE]
        away = bits[: apart.shape[0], : apart.shape[1]][apart].sum()
        figures.append((bits[coarse].sum(), away, error[inside].mean(), error[outside].mean(), len(data)))
    return Change(*(100.0 * (new / old - 1.0) for old, new in zip(*figures)))


def _bits(pixels: np.ndarray, jnd: np.ndarray, quality: int, codec: Codec) -> np.ndarray:
    image, tolerance = (torch.tensor(values).permute(2, 0, 1)[None].float() for values in (pixels, jnd))
    symbols = codec.quantise(codec.analyse(image, tolerance), quality)
    return bits_map(symbols.k, symbols.t, codec.tables_latent)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="jnd_control", description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True, metavar="DIR")
    parser.add_argument("--qualities", default="20,40,60,80", help="with commas between (default: %(default)s)")
    parser.add_argument("--factor", type=float, default=2.0, help="of the map (default: %(default)s)")
    parser.add_argument("--weights", default=DEFAULT_WEIGHTS, help="(default: the shipped ones)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON file for the means")
    options = parser.parse_args(argv)
    return run_command("jnd_control", lambda: _run(options))


def _run(options: argparse.Namespace) -> None:
    codec = load_codec(options.weights)
    pictures = [load(path).pixels for path in find_images(options.images)]
    print("quality" + "".join(f"{name:>16}" for name in Change._fields) + "   (% of change, means)")
    report = {}
    for quality in map(int, options.qualities.split(",")):
        means = Change(*np.mean([change(pixels, quality, codec, options.factor) for pixels in pictures], 0).tolist())
        print(f"{quality:>7}" + "".join(f"{value:>+16.2f}" for value in means), flush=True)
        report[quality] = means._asdict()
    if options.out:
        content = {"factor": options.factor, "pictures": len(pictures), "percent": report}
        write_atomically(options.out, (json.dumps(content, indent=1) + "\n").encode())
