"""What a mask of regions moves: bits and error inside and outside at equal file size.

A plain file at one quality stands beside the file with a mask whose quality makes it the nearest in
size that is no larger. The mask is an ellipse in the middle, as wide and high as the picture's own
shape, of a given share of its area.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jndlic.bench.report.maps import to_pixels
from jndlic.bench.report.tables import Table
from jndlic.bench.run.equal_size import file_of_size
from jndlic.bench.studies.demo import demo_photo
from jndlic.block_maps import block_maps
from jndlic.choices import ROI_STRENGTH
from jndlic.codecs.ours import JndlicSession
from jndlic.console import progress, run_command
from jndlic.errors import ParameterError
from jndlic.files import write_atomically
from jndlic.format.container import unpack
from jndlic.format.grid import LATENT_STRIDE
from jndlic.images.files import load
from jndlic.images.folders import find_images
from jndlic.images.picture import Picture, from_array
from jndlic.jnd.regions import WHITE, Roi, roi_octaves
from jndlic.pipeline import analyse_picture
from jndlic.runtime.backend import Backend
from jndlic.runtime.load import load_codec
from jndlic.shipped_weights import DEFAULT_WEIGHTS

SHARES = (5.0, 20.0, 50.0)
STRENGTHS = (1.0, 2.0, 3.0)
PICTURE_QUALITY, PICTURE_SHARE = 20, 20.0
"""Of the drawing: coarse enough to see."""


class Change(NamedTuple):
    """What a mask did to one picture, or the mean of several."""

    quality: float
    """Of the white part, at the size of the plain file."""
    size: float
    """Percent that the file is larger than the plain one: at most 0."""
    bits_inside: float
    """Percent of the bits of the latents."""
    bits_outside: float
    error_inside: float
    """Percent of the squared error."""
    error_outside: float
    psnr_inside: float
    """dB."""
    psnr_outside: float
    size_same_quality: float
    """Percent that the file is larger when the white part has the quality of the plain one."""


class Spent(NamedTuple):
    """A file's bits and mean squared error in two parts of a picture."""

    bits: tuple[float, float]
    error: tuple[float, float]


def ellipse(height: int, width: int, share: float) -> np.ndarray:
    """A mask.

    Args:
        height, width: of the picture in pixels.
        share: of its area that is white, in percent, up to 78 (an ellipse that touches the sides).

    Returns:
        uint8 (H, W), 0 or 255.
    """
    reach = math.sqrt(share / 100.0 / math.pi)
    rows, columns = (((np.arange(side) + 0.5) / side - 0.5) / reach for side in (height, width))
    return np.where(rows[:, None] ** 2 + columns**2 <= 1.0, WHITE, 0).astype(np.uint8)


def session_of(picture: Picture, codec: Backend) -> Callable[[Roi | None], JndlicSession]:
    """Gives the sessions of a picture without and with a mask; it is analysed once."""
    analysed = analyse_picture(picture, codec)

    def session(roi: Roi | None) -> JndlicSession:
        octaves = None if roi is None else roi_octaves(roi, picture)
        return JndlicSession(picture, codec, analysed._replace(octaves=octaves))

    return session


def spent(data: bytes, session: JndlicSession, codec: Backend, mask: np.ndarray) -> Spent:
    """What a file spends inside and outside.

    Args:
        data: a .jlic file.
        session: of its picture.
        codec: that made it.
        mask: uint8 (H, W), 0 or 255. A latent counts where the middle of its pixels does.
    """
    bits = block_maps(unpack(data), codec).bits
    middles = mask[LATENT_STRIDE // 2 :: LATENT_STRIDE, LATENT_STRIDE // 2 :: LATENT_STRIDE] > 0
    bits = bits[: middles.shape[0], : middles.shape[1]]
    error = ((session.reference.astype(np.float64) - session.decode(data)) ** 2).mean(2)
    inside = mask > 0
    return Spent(
        (float(bits[middles].sum()), float(bits[~middles].sum())),
        (float(error[inside].mean()), float(error[~inside].mean())),
    )


def changes(
    picture: Picture,
    quality: int,
    codec: Backend,
    shares: Sequence[float],
    strengths: Sequence[float],
) -> dict[tuple[float, float], Change]:
    """What masks do to a picture.

    Args:
        picture: with sides of 256 pixels at least.
        quality: 1..100, of the plain file.
        codec: network and tables.
        shares: of the masks, in percent.
        strengths: octaves.

    Returns:
        The change by share and strength.
    """
    sessions = session_of(picture, codec)
    session = sessions(None)
    plain = session.encode(quality)
    found: dict[tuple[float, float], Change] = {}
    for share in shares:
        mask = ellipse(picture.height, picture.width, share)
        before = spent(plain, session, codec, mask)
        for strength in strengths:
            masked = sessions(Roi(mask, strength))
            level, data = file_of_size(masked.encode, masked.levels, len(plain), excess=0.0)
            after = spent(data, masked, codec, mask)
            bits, error = (
                [100.0 * (new / old - 1.0) for old, new in zip(*pair)]
                for pair in ((before.bits, after.bits), (before.error, after.error))
            )
            psnr = [-10.0 * math.log10(1.0 + percent / 100.0) for percent in error]
            size, same_quality = (
                100.0 * (len(one) / len(plain) - 1.0) for one in (data, masked.encode(quality))
            )
            found[share, strength] = Change(
                level,
                size,
                bits_inside=bits[0],
                bits_outside=bits[1],
                error_inside=error[0],
                error_outside=error[1],
                psnr_inside=psnr[0],
                psnr_outside=psnr[1],
                size_same_quality=same_quality,
            )
    return found


def table(means: dict[tuple[float, float], Change], quality: int, count: int) -> Table:
    """The figures for docs/regions.md."""
    rows = tuple(
        (
            f"{share:g} %",
            f"{strength:g}",
            f"{one.quality:.0f}",
            f"{one.bits_inside:+.0f} %",
            f"{one.bits_outside:+.0f} %",
            f"{one.psnr_inside:+.2f}",
            f"{one.psnr_outside:+.2f}",
            f"{one.size:+.1f} %",
            f"{one.size_same_quality:+.0f} %",
        )
        for (share, strength), one in means.items()
    )
    return Table(
        "Regions of interest",
        f"Means over {count} pictures, against plain files of quality {quality}.",
        (
            "white",
            "strength",
            "`-q` at equal size",
            "bits inside",
            "bits outside",
            "PSNR inside, dB",
            "PSNR outside, dB",
            "its size",
            f"size at `-q {quality}`",
        ),
        rows,
    )


def drawing(pixels: np.ndarray, codec: Backend, path: Path) -> None:
    """Draws a picture with and without a mask at equal size, and where the bits of both go.

    Args:
        pixels: (H, W, 3) uint8.
        codec: network and tables.
        path: PNG to write.
    """
    from matplotlib.figure import Figure  # late: matplotlib takes long to load

    picture = from_array(pixels)
    height, width = pixels.shape[:2]
    mask = ellipse(height, width, PICTURE_SHARE)
    sessions = session_of(picture, codec)
    plain, masked = sessions(None), sessions(Roi(mask, ROI_STRENGTH))
    before = plain.encode(PICTURE_QUALITY)
    level, after = file_of_size(masked.encode, masked.levels, len(before), excess=0.0)
    maps = [block_maps(unpack(data), codec) for data in (before, after)]
    most = max(float(np.percentile(one.bits, 99.5)) for one in maps)
    figure = Figure(figsize=(15.0, 2.0 * (4.4 * height / width + 0.6)), layout="constrained")
    figure.set_layout_engine("constrained", w_pad=0.03, h_pad=0.04)
    axes = figure.subplots(2, 3).ravel()
    shown = (
        (np.where(mask[..., None] > 0, pixels, pixels // 3), "what matters: white in the mask"),
        (plain.decode(before), f"plain, quality {PICTURE_QUALITY}: {len(before):,} bytes"),
        (
            masked.decode(after),
            f"with the mask, quality {level}, strength {ROI_STRENGTH:g}: {len(after):,} bytes",
        ),
    )
    for axis, (image, caption) in zip(axes[:3], shown):
        axis.imshow(image, interpolation="lanczos")
        axis.set_title(caption, fontsize=11)
    quality = to_pixels(maps[1].quality.repeat(2, 0).repeat(2, 1), height, width)
    panels = [(quality, "cividis", None, "quality with the mask, of each 32×32 pixels")]
    panels += [
        (to_pixels(one.bits, height, width), "magma", most, f"bits of 16×16 pixels, {name}")
        for one, name in zip(maps, ("plain", "with the mask"))
    ]
    for axis, (values, colours, top, caption) in zip(axes[3:], panels):
        image = axis.imshow(values, cmap=colours, interpolation="nearest", vmax=top)
        axis.set_title(caption, fontsize=11)
        figure.colorbar(image, ax=axis, shrink=0.8, pad=0.01)
    for axis in axes:
        axis.set_axis_off()
    write_atomically(path, lambda file: figure.savefig(file, format="png", dpi=80))


def main(argv: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    add = parser.add_argument
    add("--images", nargs="*", type=Path, default=[], metavar="FILE", help="pictures, or folders")
    add("--quality", type=int, default=50, help="of the plain files (default: %(default)s)")
    add(
        "--shares",
        type=_numbers,
        default=SHARES,
        metavar="P,...",
        help="percent of the picture that is white (default: 5,20,50)",
    )
    add(
        "--strengths",
        type=_numbers,
        default=STRENGTHS,
        metavar="N,...",
        help="octaves of the step (default: 1,2,3)",
    )
    add("--weights", default=DEFAULT_WEIGHTS, help="(default: the shipped ones)")
    add("--out", type=Path, metavar="FILE", help="JSON file for the figures")
    add("--picture", type=Path, metavar="FILE", help="draw the photo of the demo into this PNG")
    options = parser.parse_args(argv)
    return run_command("roi", lambda: _run(options))


def _run(options: argparse.Namespace) -> None:
    if not (options.images or options.picture):
        raise ParameterError("nothing to do: name --images, or a --picture to draw")
    codec = load_codec(options.weights)
    if options.picture:
        drawing(demo_photo(), codec, options.picture)
    if not options.images:
        return
    files = find_images(*options.images)
    found = [
        changes(load(path), options.quality, codec, options.shares, options.strengths)
        for path in progress(files, "picture")
    ]
    means = {key: Change(*np.mean([one[key] for one in found], 0).tolist()) for key in found[0]}
    print(table(means, options.quality, len(files)).markdown())
    if options.out:
        content = {
            "quality": options.quality,
            "weights": codec.name,
            "fingerprint": codec.fingerprint.hex(),
            "pictures": [path.name for path in files],
            "means": [_row(key, one) for key, one in means.items()],
            "each": [[_row(key, one) for key, one in picture.items()] for picture in found],
        }
        write_atomically(options.out, (json.dumps(content, indent=1) + "\n").encode())


def _row(key: tuple[float, float], one: Change) -> dict[str, float]:
    return {"share": key[0], "strength": key[1]} | {
        name: round(value, 3) for name, value in one._asdict().items()
    }


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(word) for word in text.split(","))
