"""Rate-distortion curve of a codec over a folder of pictures, from the bytes of real files.

    picture ─► encode ─► bytes ─► decode ─► metrics        for every picture and quality
                           └─► bits per pixel, of each stream too

The figures of a level are means over the pictures. Small and in one process; `jndlic bench` is for
many codecs and pictures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from jndlic.bench.run.bdrate import Curve, compare
from jndlic.bench.run.measure import Original, measure
from jndlic.bench.run.rows import TIMES
from jndlic.codecs.codec import ImageCodec
from jndlic.images.files import load
from jndlic.metrics.registry import LOWER_IS_BETTER, Metric


def evaluate(
    codec: ImageCodec,
    images: Sequence[Path],
    qualities: Sequence[int],
    metrics: dict[str, Metric],
) -> dict[str, list[float]]:
    """Encodes, decodes and measures every picture at every quality.

    Args:
        codec: under test.
        images: picture files; alpha is left out.
        qualities: in the codec's own terms.
        metrics: by name.

    Returns:
        One entry per quality in each list: "quality", "bpp", the metrics, "bpp-PART" for each part
        of the file, "encode-seconds" and "decode-seconds". NaN for a metric that does not apply to
        one of the pictures.

    Raises:
        ImageError: a picture cannot be read, or a decoded one has another size.
    """
    originals = (Original(load(image).pixels) for image in images)
    rows = [
        [measure(codec, original, quality, metrics) for quality in qualities]
        for original in originals
    ]
    parts = dict.fromkeys(
        name for picture in rows for row in picture for name in row if name.startswith("bpp-")
    )
    results = {"quality": [float(quality) for quality in qualities]}
    for name in ("bpp", *metrics, *parts, *TIMES):  # a file without some part spends no bits on it
        results[name] = [
            sum(row.get(name, 0.0) for row in level) / len(images) for level in zip(*rows)
        ]
    return results


def format_points(results: dict[str, list[float]]) -> str:
    """The operating points as a table, one row each."""
    width = {name: max(9, len(name)) for name in results}
    points = zip(*results.values())
    rows = [[f"{value:{width[name]}.4f}" for value, name in zip(row, results)] for row in points]
    header = [f"{name:>{width[name]}}" for name in results]
    return "\n".join("  ".join(row) for row in [header, *rows])


def format_rates(anchors: Sequence[Curve], tested: Curve, metrics: Sequence[str]) -> str:
    """BD-rate in percent against each anchor, one row each; a dash where there is none."""
    lines = ["BD-rate, %" + "".join(f"{name:>15}" for name in metrics)]
    for anchor in anchors:
        rates = compare(anchor, tested, metrics, LOWER_IS_BETTER)
        cells = [rates.get(name, math.nan) for name in metrics]
        cells = "".join("-".rjust(15) if math.isnan(c) else f"{c:+15.1f}" for c in cells)
        lines.append(" " * 10 + cells + f"  {anchor.name}")
    return "\n".join(lines)
