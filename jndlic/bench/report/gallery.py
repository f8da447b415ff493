"""Pictures for the report: originals, what the codecs made of them at about equal size, and the
maps of jndlic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from jndlic.bench.report.layers import file_maps, pixel_layer, thumb
from jndlic.bench.run.measure import Row
from jndlic.bench.run.rows import Measured
from jndlic.bench.run.store import Store
from jndlic.codecs.ours import Jndlic
from jndlic.codecs.registry import open_codec
from jndlic.images.files import load
from jndlic.metrics.registry import TITLES


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
        original = pixel_layer(
            "original", f"{width} × {height}, {pixels.nbytes:,} bytes as pixels", pixels
        )
        shown = []
        for rate in rates:
            layers, maps, target = [original], [], rate
            for one in measured:
                candidates = [row for row in own if row["codec"] == one.codec.spec]
                if not candidates:
                    continue
                row = min(candidates, key=lambda row: abs(math.log(float(row["bpp"]) / target)))
                target = float(row["bpp"]) if one is measured[0] else target
                data, codec = store.file(str(row["key"])).read_bytes(), codecs[one.codec.spec]
                caption = _caption(row, metrics)
                layers.append(pixel_layer(one.codec.name, caption, codec.decode(data)))
                if one is measured[0] and isinstance(codec, Jndlic):
                    maps = file_maps(data, pixels, codec.codec)
            layers += maps
            shown.append({"label": f"about {target:.2f} bits per pixel", "layers": layers})
        pictures.append(
            {
                "name": image.name,
                "width": width,
                "height": height,
                "thumb": thumb(pixels),
                "rates": shown,
            }
        )
    return pictures


def _caption(row: Row, metrics: Sequence[str]) -> str:
    figures = ", ".join(
        f"{TITLES.get(name, name)} {float(row[name]):.4g}" for name in metrics if name in row
    )
    return (
        f"level {int(row['level'])}: {float(row['bpp']):.3f} bpp, {int(row['bytes']):,} bytes. "
        f"{figures}"
    )
