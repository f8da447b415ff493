"""Sheets to look at: the same detail of a picture by several codecs at the same sizes, 1:1.

                 original   jndlic   AVIF   JPEG XL
    0.15 bpp
    0.3 bpp                    pixels of real files
    0.6 bpp

A codec's level is the one whose file comes nearest to the size asked for; the label tells how near.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from jndlic.bench.run.equal_size import file_of_size
from jndlic.codecs.codec import ImageCodec
from jndlic.codecs.registry import open_codec
from jndlic.console import run_command
from jndlic.errors import ParameterError
from jndlic.files import write_atomically
from jndlic.images.files import load

RATES = (0.15, 0.3, 0.6)
CODECS = ("jndlic", "avif", "jxl")
SIDE = 256
LABEL = 16
"""Pixels above each detail."""

BYTES_MAX = 400_000
LEVELS = (1, 100)
"""What all codecs of a sheet count by."""


class Detail(NamedTuple):
    """Where to look."""

    picture: Path
    left: int
    top: int


def nearest_level(codec: ImageCodec, pixels: np.ndarray, rate: float) -> tuple[int, bytes]:
    """The level whose file is nearest to a rate, and that file.

    Args:
        codec: whose files grow with the level, 1 to 100.
        pixels: (H, W, 3) uint8.
        rate: bits per pixel.
    """
    wanted = rate * pixels.shape[0] * pixels.shape[1] / 8
    return file_of_size(
        lambda level: codec.encode(pixels, level), range(LEVELS[0], LEVELS[1] + 1), wanted
    )


def sheet(
    detail: Detail, codecs: Sequence[ImageCodec], rates: Sequence[float] = RATES
) -> Image.Image:
    """One picture's sheet.

    Raises:
        ImageError: the picture cannot be read.
        ParameterError: it ends before the detail does.
    """
    pixels = load(detail.picture).pixels
    place = (slice(detail.top, detail.top + SIDE), slice(detail.left, detail.left + SIDE))
    if pixels[place].shape[:2] != (SIDE, SIDE):
        raise ParameterError(
            f"{detail.picture}: the detail at {detail.left},{detail.top} reaches beyond the picture"
        )
    cell = (SIDE + 4, SIDE + LABEL + 4)
    image = Image.new("RGB", (cell[0] * (1 + len(codecs)), cell[1] * len(rates)), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(12)

    def show(row: int, column: int, text: str, shown: np.ndarray) -> None:
        corner = (column * cell[0], row * cell[1])
        draw.text((corner[0] + 2, corner[1]), text, "black", font)
        image.paste(
            Image.fromarray(np.ascontiguousarray(shown[place])), (corner[0], corner[1] + LABEL)
        )

    for row, rate in enumerate(rates):
        show(row, 0, f"original, {detail.picture.stem}", pixels)
        for column, codec in enumerate(codecs, 1):
            level, data = nearest_level(codec, pixels, rate)
            bits = 8 * len(data) / (pixels.shape[0] * pixels.shape[1])
            show(
                row,
                column,
                f"{codec.name} {level}: {bits:.3f} bpp, {len(data):,} bytes",
                codec.decode(data),
            )
    return image


def compressed(image: Image.Image) -> bytes:
    """A WebP of at most 400 kB, as good as that allows."""
    for quality in (95, 90, 80, 65):
        file = io.BytesIO()
        image.save(file, "WEBP", quality=quality, method=6)
        if file.tell() <= BYTES_MAX:
            break
    return file.getvalue()


def read_details(path: Path, folder: Path) -> list[Detail]:
    """Details from a JSON file: picture name to [left, top].

    Raises:
        ParameterError: it is not such a file.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return [Detail(folder / name, int(left), int(top)) for name, (left, top) in entries.items()]
    except (ValueError, TypeError, AttributeError) as error:
        raise ParameterError(f"{path} does not say where to look: {error}") from error


def main(argv: list[str] | None = None) -> int:
    """Command line; the exit code."""
    parser = argparse.ArgumentParser(
        description="sheets of details by several codecs at the same sizes"
    )
    parser.add_argument("folder", type=Path, help="of the pictures")
    parser.add_argument(
        "--details",
        type=Path,
        default=Path("configs/sheets.json"),
        help="picture to [left, top] (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for NAME.webp")
    parser.add_argument(
        "--codecs",
        nargs="+",
        default=CODECS,
        metavar="CODEC",
        help="as for `jndlic bench` (default: %(default)s)",
    )
    options = parser.parse_args(argv)

    def work() -> None:
        codecs = [open_codec(text) for text in options.codecs]
        options.out.mkdir(parents=True, exist_ok=True)
        for detail in read_details(options.details, options.folder):
            write_atomically(
                options.out / f"{detail.picture.stem}.webp", compressed(sheet(detail, codecs))
            )
            print(options.out / f"{detail.picture.stem}.webp")

    return run_command("sheets", work)
