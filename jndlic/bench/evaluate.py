"""Rate-distortion curve of a codec over a folder of pictures, from the bytes of real files.

    picture ─► encode ─► bytes ─► decode ─► metrics        for every picture and quality
                           └─► bits per pixel, of each stream too

The figures of a quality are means over the pictures. Against each anchor, a result file of another
codec, the BD-rate is printed for every metric that both have.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from jndlic.bench.bdrate import Curve, compare, read_curve, write_curve
from jndlic.bench.codecs import NAMES as CODECS
from jndlic.bench.codecs import Codec, open_codec
from jndlic.bench.command import run_command
from jndlic.bench.metrics import LOWER_IS_BETTER, USUAL, Metric, select
from jndlic.bench.metrics import NAMES as METRICS
from jndlic.errors import ImageError
from jndlic.image import load

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".ppm", ".bmp"})


def evaluate(
    codec: Codec,
    images: Sequence[Path],
    qualities: Sequence[int],
    metrics: dict[str, Metric],
    on_file: Callable[[], object] = lambda: None,
) -> dict[str, list[float]]:
    """Encodes, decodes and measures every picture at every quality.

    Args:
        codec: under test.
        images: picture files; alpha is left out.
        qualities: in the codec's own terms.
        metrics: by name.
        on_file: called after each file.

    Returns:
        One entry per quality in each list: "quality", "bpp", the metrics, "bpp-PART" for each part
        of the file, "encode-seconds" and "decode-seconds". NaN for a metric that does not apply to
        one of the pictures.

    Raises:
        ImageError: a picture cannot be read, or a decoded one has another size.
    """
    sums: list[dict[str, float]] = [{} for _ in qualities]
    for image in images:
        pixels = load(image).pixels
        for total, quality in zip(sums, qualities):
            for name, value in _measure(codec, pixels, quality, metrics).items():
                total[name] = total.get(name, 0.0) + value
            on_file()
    means = [
        {"quality": float(quality)} | {name: value / len(images) for name, value in total.items()}
        for quality, total in zip(qualities, sums)
    ]
    return {name: [mean[name] for mean in means] for name in means[0]}


def find_images(folder: Path) -> list[Path]:
    """The pictures in a folder, by name; of a file, the file itself.

    Raises:
        ImageError: there are none.
    """
    pictures = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
    found = [folder] if folder.is_file() else pictures
    if not found:
        raise ImageError(f"no pictures in {folder}")
    return found


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


def _measure(
    codec: Codec, pixels: np.ndarray, quality: int, metrics: dict[str, Metric]
) -> dict[str, float]:
    """Figures of one picture at one quality."""
    start = time.perf_counter()
    data = codec.encode(pixels, quality)
    encoded = time.perf_counter()
    decoded = codec.decode(data)
    end = time.perf_counter()
    if decoded.shape != pixels.shape:
        raise ImageError(f"{codec.name} made {decoded.shape} of a picture of shape {pixels.shape}")
    area = pixels.shape[0] * pixels.shape[1]
    values = {"bpp": 8 * len(data) / area}
    values |= {name: metric(pixels, decoded) for name, metric in metrics.items()}
    values |= {f"bpp-{name}": 8 * size / area for name, size in codec.parts(data).items()}
    return values | {"encode-seconds": encoded - start, "decode-seconds": end - encoded}


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the evaluation; exit codes as those of `jndlic`."""
    options = _parser().parse_args(argv)
    return run_command("evaluate", lambda: _run(options))


def _run(options: argparse.Namespace) -> None:
    from tqdm import tqdm

    # First of all, since a wrong name should not cost an hour.
    anchors = [read_curve(path) for path in options.anchor]
    images = find_images(options.images)
    codec = open_codec(options.codec, options.weights, options.device)
    metrics = select(options.metrics, options.lpips_weights, options.device)
    with tqdm(total=len(images) * len(options.qualities), unit="file") as bar:
        results = evaluate(codec, images, options.qualities, metrics, bar.update)
    count = f"{len(images)} picture{'s' * (len(images) > 1)}"
    description = f"mean over {count}, bytes of real files, 8-bit RGB decodes"
    curve = Curve(options.name or codec.name, description, results)
    write_curve(options.out, curve)
    print(format_points(results))
    if anchors:
        print(format_rates(anchors, curve, list(metrics)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evaluate", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--images", type=Path, required=True, metavar="DIR", help="folder of pictures, or one")
    add("--qualities", type=_integers, default=[*range(10, 101, 10)], help="with commas between")
    add("--codec", choices=CODECS, default=CODECS[0], help="default: %(default)s")
    add("--weights", help="of jndlic: a .safetensors file or a name (default: the shipped ones)")
    add("--device", default="cpu", help="for the networks (default: %(default)s)")
    add("--out", type=Path, required=True, metavar="FILE", help="JSON file for the results")
    add("--name", help="of the curve (default: the codec's)")
    add("--anchor", type=Path, nargs="+", default=[], metavar="FILE", help="results to beat")
    add("--metrics", type=_words, default=[*USUAL], help=f"of {','.join(METRICS)} (default: the first {len(USUAL)})")
    add("--lpips-weights", metavar="FILE", help="SqueezeNet trunk ($JNDLIC_LPIPS_WEIGHTS)")
    return parser


def _integers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _words(text: str) -> list[str]:
    return text.split(",")
