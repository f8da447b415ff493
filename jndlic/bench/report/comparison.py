"""A picture and its versions at equal sizes for the page of `jndlic compare`: what the viewer
shows, and a table of sizes and metrics.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jndlic.bench.report.layers import file_maps, pixel_layer, thumb
from jndlic.bench.report.tables import Table, equal_sizes, percent
from jndlic.bench.run.versions import PIXELS_MAX, Version
from jndlic.metrics.registry import title
from jndlic.runtime.backend import Backend


class AtQuality(NamedTuple):
    """One size of a picture's files."""

    quality: int
    """Of jndlic, 1..100."""
    own: Version
    """By jndlic."""
    rivals: Sequence[Version]
    """About as large."""


def viewed(
    name: str, pixels: np.ndarray, sizes: Sequence[AtQuality], backend: Backend
) -> dict[str, object]:
    """What the page's viewer shows of a picture.

    Args:
        name: of the picture.
        pixels: (H, W, 3) uint8, the original.
        sizes: its versions.
        backend: networks of jndlic's files, whose maps are shown too.
    """
    height, width = pixels.shape[:2]
    original = pixel_layer(
        "original", f"{width} × {height}, {pixels.nbytes:,} bytes as pixels", pixels
    )
    rates = []
    for quality, own, rivals in sizes:
        layers = [original]
        for one in (own, *rivals):
            caption = _caption(one, own, backend.trained_on)
            layers.append(pixel_layer(one.name, caption, one.pixels))
        layers += file_maps(own.data, pixels, backend, width_max=PIXELS_MAX)
        label = f"quality {quality}: {len(own.data):,} bytes, {own.bpp:.3f} bpp"
        rates.append({"label": label, "layers": layers})
    return {
        "name": name,
        "width": width,
        "height": height,
        "thumb": thumb(pixels),
        "rates": rates,
    }


def table(
    name: str,
    pixels: np.ndarray,
    sizes: Sequence[AtQuality],
    metrics: Sequence[str],
    trained_on: Sequence[str],
) -> Table:
    """Sizes and metrics of a picture's versions.

    Args:
        name: of the picture.
        pixels: (H, W, 3) uint8, the original.
        sizes: its versions.
        metrics: names.
        trained_on: metrics to mark.
    """
    groups = {f"quality {one.quality}": [one.own, *one.rivals] for one in sizes}
    return equal_sizes(
        name, f"{pixels.shape[1]} × {pixels.shape[0]} pixels.", groups, metrics, trained_on
    )


def _caption(one: Version, own: Version, trained_on: Sequence[str]) -> str:
    """Level, rate, bytes and metrics; of a rival also how its size differs from jndlic's."""
    figures = ", ".join(
        f"{title(name, trained_on)} {value:.4g}" for name, value in one.metrics.items()
    )
    difference = percent(100 * (len(one.data) / len(own.data) - 1))
    level = f"quality {one.level}" if one is own else f"level {one.level}"
    beside = "" if one is own else f" ({difference})"
    return f"{level}: {one.bpp:.3f} bpp, {len(one.data):,} bytes{beside}. {figures}"
