"""Layers of a page's viewer: pixels and maps as images inside the page.

A layer is what viewer.js shows: {name, caption, width, source}, of a map also {map, low, top,
shades}. `source` is a data URI; `width` says how many pixels of the picture the image covers.
"""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from jndlic.block_maps import block_maps
from jndlic.format.container import unpack
from jndlic.format.grid import JND_STRIDE, LATENT_STRIDE
from jndlic.jnd.own_map import own_map

if TYPE_CHECKING:
    from jndlic.runtime.backend import Backend

THUMB_HEIGHT = 136
MAP_WIDTH = 512
SHADES = 9
"""Colours that stand for a colour map in its legend."""

Layer = dict[str, object]


def pixel_layer(name: str, caption: str, pixels: np.ndarray) -> Layer:
    """Pixels as they are: WebP without loss, which every browser shows.

    Args:
        name: for the choice of layers.
        caption: below the picture.
        pixels: (H, W, 3) uint8.
    """
    return {
        "name": name,
        "caption": caption,
        "width": pixels.shape[1],
        "source": _uri(Image.fromarray(pixels), lossless=True, method=4),
    }


def map_layer(
    name: str,
    caption: str,
    values: np.ndarray,
    colours: str,
    stride: int,
    width: int,
    width_max: int = MAP_WIDTH,
) -> Layer:
    """A map in false colours.

    Args:
        name: for the choice of layers.
        caption: what the values are.
        values: (h, w).
        colours: a colour map of matplotlib.
        stride: pixels of the picture in one value; the last ones may lie beyond its border.
        width: of the picture.
        width_max: larger maps are made smaller.
    """
    import matplotlib

    chosen = matplotlib.colormaps[colours]
    low, top = float(values.min()), float(np.percentile(values, 99.5))
    shades = chosen(np.clip((values - low) / ((top - low) or 1.0), 0.0, 1.0))
    drawn = Image.fromarray((shades[..., :3] * 255).round().astype(np.uint8))
    shrink = min(1.0, width_max / drawn.width)
    if shrink < 1.0:
        drawn = drawn.resize((width_max, round(drawn.height * shrink)), Image.Resampling.BOX)
    legend = (chosen(np.linspace(0.0, 1.0, SHADES))[:, :3] * 255).round().astype(int)
    return {
        "name": name,
        "caption": f"{caption}; dark {low:.3g}, bright {top:.3g}",
        "width": width * shrink / stride,
        "source": _uri(drawn, lossless=True),
        "map": True,
        "low": f"{low:.3g}",
        "top": f"{top:.3g}",
        "shades": [f"rgb({red} {green} {blue})" for red, green, blue in legend],
    }


def file_maps(
    data: bytes, pixels: np.ndarray, backend: Backend, width_max: int = MAP_WIDTH
) -> list[Layer]:
    """Maps of what jndlic did where, read from the very file: the JND map, step sizes, bits, and
    the plane of qualities where there is one.

    Args:
        data: a .jlic file.
        pixels: (H, W, 3) uint8, of the picture that it was made of.
        backend: networks that it was made with.
        width_max: see `map_layer`; of the JND map, the others are small.

    Raises:
        JndlicError: as `block_maps`.
    """
    found, width = block_maps(unpack(data), backend), pixels.shape[1]
    square = f"{LATENT_STRIDE}×{LATENT_STRIDE} pixels"
    maps = [
        (
            "JND map",
            "grey levels that a pixel may change unseen",
            own_map(pixels).mean(2),
            "gray",
            1,
        ),
        (
            "step map",
            f"quantisation step of the latents of {square}, mean over the channels",
            found.steps,
            "viridis",
            LATENT_STRIDE,
        ),
        (
            "bits map",
            f"bits of the latents for each {square}, {found.bits.sum() / 8:,.0f} bytes in all",
            found.bits,
            "magma",
            LATENT_STRIDE,
        ),
    ]
    if np.ptp(found.quality):
        caption = f"quality of each {JND_STRIDE}×{JND_STRIDE} pixels, 1 to 100"
        maps.append(("quality plane", caption, found.quality, "cividis", JND_STRIDE))
    return [map_layer(*one, width, width_max) for one in maps]


def thumb(pixels: np.ndarray) -> str:
    """A small picture to choose by, as a data URI."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((4 * THUMB_HEIGHT, THUMB_HEIGHT))
    return _uri(picture, quality=80)


def _uri(picture: Image.Image, **options: object) -> str:
    file = io.BytesIO()
    picture.save(file, "WEBP", **options)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
