"""The demonstration: a real photo to small files and back, with figures and a picture of what
happened.

The photo is "coffee" from scikit-image (Rachel Michetti, CC0), 600 x 400 pixels; any other may be
named.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from jndlic.api import decode, encode
from jndlic.bench.report.maps import step_map, to_pixels
from jndlic.bench.run.equal_size import file_of_size
from jndlic.block_maps import bits_map
from jndlic.codecs.pillow import Jpeg
from jndlic.console import run_command
from jndlic.files import write_atomically
from jndlic.images.files import load
from jndlic.jnd.own_map import own_map
from jndlic.metrics.psnr import psnr
from jndlic.metrics.ssimulacra2_package import ssimulacra2
from jndlic.runtime.backend import Backend
from jndlic.runtime.load import load_codec

QUALITIES = (10, 30, 50, 70, 90)
PICTURE_QUALITY = 30
JPEG_FINEST = 95
"""Beyond it JPEGs grow without looking better."""


class Result(NamedTuple):
    """One file and how good it is."""

    name: str
    data: bytes
    pixels: np.ndarray
    """(H, W, 3) uint8, decoded."""
    bpp: float
    """Bits per pixel."""
    psnr: float
    """dB over RGB."""
    ssimulacra2: float
    """100 is identical, 90 hard to tell apart, 70 good, 50 medium."""

    def __str__(self) -> str:
        return (
            f"{self.name:12s} {len(self.data):8,d} bytes {self.bpp:7.3f} bpp"
            f" {self.psnr:7.2f} dB {self.ssimulacra2:7.1f}"
        )


def demo_photo() -> np.ndarray:
    """The photo, (400, 600, 3) uint8."""
    from skimage.data import coffee  # late: whoever names a photo needs no scikit-image

    return coffee()


def measured(name: str, data: bytes, pixels: np.ndarray, original: np.ndarray) -> Result:
    """Measure a decoded picture.

    Args:
        name: for the table.
        data: the compressed file.
        pixels: (H, W, 3) uint8, decoded from it.
        original: (H, W, 3) uint8.
    """
    bpp = 8.0 * len(data) / (original.shape[0] * original.shape[1])
    return Result(name, data, pixels, bpp, psnr(original, pixels), ssimulacra2(original, pixels))


def jpeg_of_size(original: np.ndarray, size: int) -> tuple[int, bytes]:
    """The best JPEG (4:2:0, optimised Huffman tables) that is no larger than `size` bytes.

    Returns:
        Its quality and its bytes; the smallest if even that is larger.
    """
    jpeg = Jpeg()
    levels = range(1, JPEG_FINEST + 1)
    return file_of_size(lambda level: jpeg.encode(original, level), levels, size, excess=0.0)


def picture(
    original: np.ndarray, result: Result, rival: Result, codec: Backend, quality: int, path: Path
) -> None:
    """Write the side-by-side picture: pixels above, the codec's maps below.

    Args:
        original: (H, W, 3) uint8.
        result: jndlic at `quality`.
        rival: JPEG of the same size.
        codec: that made the result.
        quality: 1..100.
        path: PNG to write.
    """
    from matplotlib.figure import Figure  # late: matplotlib takes long to load

    height, width = original.shape[:2]
    tolerance = own_map(original)
    symbols = codec.quantise(codec.analyse(original, tolerance), quality)
    _, step_index = codec.table_index(symbols.z_jnd, symbols.z, quality)
    bits = to_pixels(bits_map(symbols.k, symbols.t, codec.tables_latent), height, width)
    steps = to_pixels(step_map(step_index), height, width)

    # a third of the width less a colour bar for each panel, and two lines of caption above it
    figure = Figure(figsize=(15.0, 2.0 * (4.4 * height / width + 0.6)), layout="constrained")
    figure.set_layout_engine("constrained", w_pad=0.03, h_pad=0.04)
    axes = figure.subplots(2, 3).ravel()
    photos = (
        (original, f"original\n24 bpp, {original.nbytes:,} bytes"),
        (result.pixels, _caption(f"jndlic, quality {quality}", result)),
        (rival.pixels, _caption(f"{rival.name}, at most as large", rival)),
    )
    maps = (
        (tolerance.mean(2), "gray", "JND map: invisible change, grey levels"),
        (steps, "viridis", "quantisation step, relative to the mean"),
        (bits, "magma", "bits spent per 16×16 pixels"),
    )
    for axis, (pixels, caption) in zip(axes[:3], photos):
        axis.imshow(pixels, interpolation="lanczos")
        axis.set_title(caption, fontsize=11)
    for axis, (values, colours, caption) in zip(axes[3:], maps):
        drawn = axis.imshow(
            values, cmap=colours, interpolation="nearest", vmax=np.percentile(values, 99.5)
        )
        axis.set_title(caption, fontsize=11)
        figure.colorbar(drawn, ax=axis, shrink=0.8, pad=0.01)
    for axis in axes:
        axis.set_axis_off()
    write_atomically(path, lambda file: figure.savefig(file, format="png", dpi=120))


def run(
    original: np.ndarray, name: str, qualities: list[int], picture_quality: int, folder: Path
) -> None:
    """Compress, restore, measure, and write everything to a folder.

    Args:
        original: (H, W, 3) uint8.
        name: stem of the files.
        qualities: 1..100 each; the table has a pair of lines for every one.
        picture_quality: the one that the picture shows.
        folder: is created.
    """
    codec = load_codec()
    folder.mkdir(parents=True, exist_ok=True)
    height, width = original.shape[:2]
    print(
        f"{name}: {width} x {height}, {original.nbytes:,} bytes as pixels; weights {codec.name}\n"
    )
    print(f"{'':12s} {'size':>14s} {'rate':>11s} {'PSNR':>10s} {'SSIMULACRA2':>11s}")
    for quality in sorted({*qualities, picture_quality}):
        data = encode(original, quality, codec=codec)
        pixels = np.asarray(decode(data, codec=codec).convert("RGB"))
        result = measured(f"jndlic q{quality}", data, pixels, original)
        jpeg_quality, jpeg = jpeg_of_size(original, len(data))
        rival = measured(
            f"JPEG q{jpeg_quality}", jpeg, np.asarray(Image.open(io.BytesIO(jpeg))), original
        )
        print(f"{result}\n{rival}")
        write_atomically(folder / f"{name}-q{quality}.jlic", data)
        write_atomically(folder / f"{name}-q{quality}.png", _png(pixels))
        if quality == picture_quality:
            picture(original, result, rival, codec, quality, folder / "demo.png")
    print(f"\nfiles, restored pictures and the side-by-side picture demo.png are in {folder}/")


def _caption(title: str, result: Result) -> str:
    return (
        f"{title}\n{result.bpp:.3f} bpp, {len(result.data):,} bytes, PSNR {result.psnr:.1f} dB,"
        f" SSIMULACRA2 {result.ssimulacra2:.0f}"
    )


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def main(argv: list[str] | None = None) -> int:
    """Command line of the demonstration."""
    parser = argparse.ArgumentParser(
        description="compress and restore a photo, with figures and a picture"
    )
    parser.add_argument(
        "--image", type=Path, help="another photo (default: coffee, CC0, from scikit-image)"
    )
    parser.add_argument(
        "--quality", type=int, nargs="+", default=list(QUALITIES), metavar="Q", help="1 to 100"
    )
    parser.add_argument(
        "--picture-quality",
        type=int,
        default=PICTURE_QUALITY,
        metavar="Q",
        help="shown in the picture",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("demo"), help="folder (default: %(default)s)"
    )
    options = parser.parse_args(argv)

    def work() -> None:
        original = load(options.image).pixels if options.image else demo_photo()
        name = options.image.stem if options.image else "coffee"
        run(original, name, options.quality, options.picture_quality, options.out)

    return run_command("demo", work)
