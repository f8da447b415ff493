"""`jndlic info --map`: what a file spends where, as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from jndlic.cli.streams import STANDARD
from jndlic.files import check_paths
from jndlic.format.container import QUALITY_MAX, QUALITY_MIN
from jndlic.format.grid import JND_STRIDE, LATENT_STRIDE

if TYPE_CHECKING:
    import numpy as np

    from jndlic.images.panels import Panel


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options to `info`."""
    add = parser.add_argument
    add(
        "--map",
        type=Path,
        metavar="OUT",
        help="draw quality, quantisation step and bits of each block into this picture; needs the "
        "weights",
    )
    add("--weights", metavar="FILE", help="of --map: other weights than the shipped ones")
    add("-f", "--force", action="store_true", help="of --map: replace OUT if it is there already")


def check_options(arguments: argparse.Namespace) -> None:
    """Finds out before the work what would fail after it.

    Raises:
        JndlicError, OSError: the picture cannot be written, or is there already.
    """
    if arguments.map is None:
        return
    from jndlic.images.files import output_format

    output_format(arguments.map, grey=False)
    source = "" if arguments.input == STANDARD else arguments.input
    check_paths(source, arguments.map, arguments.force)


def draw(data: bytes, target: Path, weights: str | None) -> None:
    """Draws the maps of a file.

    Args:
        data: a .jlic file.
        target: of the picture.
        weights: file of other weights than the shipped ones, or None.

    Raises:
        JndlicError, OSError: the file is damaged or needs other weights, or the picture cannot be
            written.
    """
    from jndlic.images.files import save
    from jndlic.images.panels import drawn
    from jndlic.images.picture import Picture

    save(target, Picture(drawn(panels(data, weights))))


def panels(data: bytes, weights: str | None = None) -> list[Panel]:
    """Three maps of a file, turned as its picture is handed out; arguments and errors of `draw`."""
    from jndlic.block_maps import block_maps
    from jndlic.choices import AUTO
    from jndlic.cli.common import load_networks
    from jndlic.errors import UnsupportedError
    from jndlic.format.container import unpack
    from jndlic.images.panels import Panel
    from jndlic.images.picture import turned_plane

    container = unpack(data)
    header = container.header
    if header.bare:
        raise UnsupportedError("patches alone make up the picture: there is no map of its bits")
    found = block_maps(container, load_networks(weights, "cpu", AUTO, None))
    rows, columns = (-(-side // JND_STRIDE) for side in (header.height, header.width))

    def seen(values: np.ndarray, stride: int) -> np.ndarray:
        """Without the blocks that lie beyond the picture."""
        finer = JND_STRIDE // stride
        return turned_plane(values[: finer * rows, : finer * columns], header.orientation)

    quality = seen(found.quality, JND_STRIDE)
    steps, bits = seen(found.steps, LATENT_STRIDE), seen(found.bits, LATENT_STRIDE)
    block, latent = (f"{side} x {side} pixels" for side in (JND_STRIDE, LATENT_STRIDE))
    total = f"{found.bits.sum() / 8:,.0f} bytes"
    return [
        Panel(f"quality of {block}", quality, QUALITY_MIN, QUALITY_MAX),
        Panel(f"quantisation step, mean of {latent}", steps, steps.min(), steps.max()),
        Panel(f"bits of the latents of {latent}, {total}", bits, 0.0, bits.max()),
    ]
