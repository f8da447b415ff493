"""Pictures for the report: originals, what the codecs made of them at about equal size, and the
maps of jndlic.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from jndlic.bench.report.maps import bits_map, step_map
from jndlic.bench.run.measure import Row
from jndlic.bench.run.rows import Measured
from jndlic.bench.run.store import Store
from jndlic.codecs.ours import Jndlic
from jndlic.codecs.registry import open_codec
from jndlic.format.grid import LATENT_STRIDE
from jndlic.images.files import load
from jndlic.jnd.models import tolerance_map
from jndlic.metrics.registry import TITLES

THUMB_HEIGHT = 136
MAP_WIDTH = 512
Layer = dict[str, object]


def gallery(
    images: Sequence[Path],
    measured: Sequence[Measured],
    rows: Sequence[Row],
    store: Store,
    rates: Sequence[float],
    metrics: Sequence[str],
) -> list[dict]:
    """What the page's viewer shows.

    Args:
        images: pictures to show.
        measured: codecs; the first is the one under test.
        rows: of them all.
        store: has their files.
        rates: bits per pixel to show the first codec near; the others follow at the nearest rate
            that they have.
        metrics: for the captions.
    """
    codecs = {one.codec.spec: open_codec(one.codec.spec) for one in measured}
    pictures = []
    for image in images:
        pixels = load(image).pixels
        height, width = pixels.shape[:2]
        own = [row for row in rows if row["image"] == image.name and "error" not in row]
        original = _layer(
            "original", f"{width} × {height}, {pixels.nbytes:,} bytes as pixels", pixels
        )
        shown = []
        for rate in rates:
            layers, target = [original], rate
            for one in measured:
                candidates = [row for row in own if row["codec"] == one.codec.spec]
                if not candidates:
                    continue
                row = min(candidates, key=lambda row: abs(math.log(float(row["bpp"]) / target)))
                target = float(row["bpp"]) if one is measured[0] else target
                decoded = codecs[one.codec.spec].decode(store.file(str(row["key"])).read_bytes())
                layers.append(_layer(one.codec.name, _caption(row, metrics), decoded))
            tested = codecs[measured[0].codec.spec]
            if isinstance(tested, Jndlic) and len(layers) > 1:
                level = min(
                    (row for row in own if row["codec"] == measured[0].codec.spec),
                    key=lambda row: abs(float(row["bpp"]) - target),
                )["level"]
                layers += _maps(tested, pixels, int(level))
            shown.append({"label": f"about {target:.2f} bits per pixel", "layers": layers})
        pictures.append(
            {
                "name": image.name,
                "width": width,
                "height": height,
                "thumb": _thumb(pixels),
                "rates": shown,
            }
        )
    return pictures


def _maps(codec: Jndlic, pixels: np.ndarray, level: int) -> list[Layer]:
    """JND map, step map and bits map of a picture as layers."""
    tolerance = tolerance_map(pixels)
    symbols = codec.codec.quantise(codec.codec.analyse(pixels, tolerance), level)
    _, steps = codec.codec.table_index(symbols.z_jnd, symbols.z, level)
    bits = bits_map(symbols.k, symbols.t, codec.codec.tables_latent)
    maps = (
        ("JND map", "grey levels that a pixel may change unseen", tolerance.mean(2), "gray", 1),
        (
            "step map",
            "quantisation step, relative to the mean",
            step_map(steps),
            "viridis",
            LATENT_STRIDE,
        ),
        (
            "bits map",
            f"bits for each {LATENT_STRIDE}×{LATENT_STRIDE} pixels",
            bits,
            "magma",
            LATENT_STRIDE,
        ),
    )
    return [_map_layer(*one, pixels.shape[1]) for one in maps]


def _layer(name: str, caption: str, pixels: np.ndarray) -> Layer:
    """Pixels as they are: WebP without loss, which every browser shows."""
    return {
        "name": name,
        "caption": caption,
        "width": pixels.shape[1],
        "source": _uri(Image.fromarray(pixels), lossless=True, method=4),
    }


def _map_layer(
    name: str, caption: str, values: np.ndarray, colours: str, stride: int, width: int
) -> Layer:
    """A map in false colours.

    Args:
        name: for the choice of layers.
        caption: what the values are.
        values: (h, w).
        colours: a colour map of matplotlib.
        stride: pixels of the picture in one value; the last ones may lie beyond its border.
        width: of the picture.
    """
    import matplotlib

    low, top = float(values.min()), float(np.percentile(values, 99.5))
    shades = matplotlib.colormaps[colours](np.clip((values - low) / ((top - low) or 1.0), 0.0, 1.0))
    drawn = Image.fromarray((shades[..., :3] * 255).round().astype(np.uint8))
    shrink = min(1.0, MAP_WIDTH / drawn.width)
    if shrink < 1.0:
        drawn = drawn.resize((MAP_WIDTH, round(drawn.height * shrink)), Image.Resampling.BOX)
    text = f"{caption}; dark {low:.3g}, bright {top:.3g}"
    return {
        "name": name,
        "caption": text,
        "width": width * shrink / stride,
        "source": _uri(drawn, lossless=True),
        "map": True,
    }


def _caption(row: Row, metrics: Sequence[str]) -> str:
    figures = ", ".join(
        f"{TITLES.get(name, name)} {float(row[name]):.4g}" for name in metrics if name in row
    )
    return (
        f"level {int(row['level'])}: {float(row['bpp']):.3f} bpp, {int(row['bytes']):,} bytes. "
        f"{figures}"
    )


def _thumb(pixels: np.ndarray) -> str:
    picture = Image.fromarray(pixels)
    picture.thumbnail((4 * THUMB_HEIGHT, THUMB_HEIGHT))
    return _uri(picture, quality=80)


def _uri(picture: Image.Image, **options: object) -> str:
    file = io.BytesIO()
    picture.save(file, "WEBP", **options)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
