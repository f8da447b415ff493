"""`jndlic decode`: .jlic files to pictures."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from jndlic.choices import BIT_DEPTHS
from jndlic.cli import batch, formats, streams
from jndlic.cli import jobs as cli_jobs
from jndlic.cli.common import Coder, Done, add_codec_options, naming, positive, rectangle
from jndlic.cli.formats import FORMATS, output_form
from jndlic.cli.jobs import Job, Kind, find_jobs
from jndlic.console import share_line
from jndlic.files import write_atomically
from jndlic.format.container import (
    AREA_MAX,
    DEPTH_MAX,
    DEPTH_MIN,
    SUFFIX,
    TAG_ALPHA,
    TAG_EXIF,
    TAG_ICC,
    TAG_XMP,
)

if TYPE_CHECKING:
    from jndlic.format.container import Header
    from jndlic.images.metadata import Metadata
    from jndlic.images.picture import Picture


def add_command(commands: argparse._SubParsersAction) -> None:
    """Adds `decode`."""
    decode = commands.add_parser(
        "decode", help=".jlic to pictures (the suffix or --format chooses the format)"
    )
    suffixes = " ".join(f".{name}" for name in FORMATS)
    cli_jobs.add_options(decode, ".jlic files, or folders of them", f"picture: {suffixes}")
    formats.add_option(decode)
    decode.add_argument(
        "--region",
        type=rectangle,
        metavar="X,Y,W,H",
        help="a part of the picture: left, top, width and height in pixels; only what it depends "
        "on is read",
    )
    decode.add_argument(
        "--bit-depth",
        type=int,
        choices=BIT_DEPTHS,
        help="bits a channel of the picture (default: those of the file)",
    )
    decode.add_argument(
        "--max-pixels",
        type=positive,
        default=AREA_MAX,
        metavar="N",
        help="refuse files that claim more pixels (default: %(default)s)",
    )
    add_codec_options(decode)
    batch.add_options(decode)
    decode.set_defaults(run=_decode)


class Decoder(Coder):
    """Makes a picture of a .jlic file."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        super().__init__(arguments)
        self.format: str | None = arguments.format
        self.max_pixels: int = arguments.max_pixels
        self.region: tuple[int, ...] | None = arguments.region
        self.bit_depth: int | None = arguments.bit_depth

    def __call__(self, job: Job) -> Done:
        """See Coder."""
        with naming(job):
            self.prepare(job)
            from jndlic.images.deep_writing import depth_losses
            from jndlic.images.files import picture_file
            from jndlic.images.losses import writing_losses
            from jndlic.images.metadata import untold_orientation
            from jndlic.jlic_file import JlicFile

            # An unknown suffix should not cost the reading
            output_form(job.target, self.format, self.force)
            with streams.opened(job.source) as stream:
                file = JlicFile(stream, area_max=self.max_pixels)
                front = file.front
                # Nor should a damaged file cost the loading of the weights
                if self.region is None:
                    file.container()
                form = output_form(job.target, self.format, self.force, front.header.grey)
                alpha = front.payload(TAG_ALPHA) is not None
                metadata: Metadata = {
                    "icc": front.payload(TAG_ICC),
                    "exif": front.payload(TAG_EXIF),
                    "xmp": front.payload(TAG_XMP),
                }
                depth = self.bit_depth or front.header.depth
                lost_bits = depth_losses(form, depth, front.header.grey, alpha)
                losses = lost_bits + writing_losses(form, alpha, metadata)
                self.refuse_losses(losses)
                # What the network draws is rounded once, to the bits that are written
                depth = DEPTH_MIN if lost_bits or depth == DEPTH_MIN else DEPTH_MAX
                codec = None if front.header.bare else self.codec
                start = time.perf_counter()
                bar = share_line(self.telling)
                draw = partial(file.picture, self.region, codec, progress=bar, bit_depth=depth)
                turn = untold_orientation(form, metadata["exif"])
                plain = form == "PPM" and depth == DEPTH_MIN and not (front.header.grey or alpha)
                if plain and turn == 1 and self._can_draw_into(front.header, job.target):
                    width, height = file.size
                    write_atomically(job.target, partial(_fill, draw, width, height))
                    seconds, size = time.perf_counter() - start, os.path.getsize(job.target)
                else:
                    picture = draw()
                    seconds = time.perf_counter() - start
                    width, height = picture.width, picture.height
                    if turn >= 5:  # rows and columns change places
                        width, height = height, width
                    content, found = picture_file(picture, form)
                    losses = lost_bits + found
                    self.refuse_losses(losses)
                    streams.write(job.target, content)
                    size = len(content)
        return Done(
            job,
            width,
            height,
            size,
            front.size,
            seconds,
            f"{streams.output_name(job.target)}: {width} x {height} pixels, {seconds:.2f} s",
            losses,
        )

    def _can_draw_into(self, header: Header, target: str) -> bool:
        from jndlic.pipeline import can_draw_into

        whole = self.region is None and can_draw_into(header)
        return whole and not streams.is_stream(target)


def _fill(draw: Callable[..., Picture], width: int, height: int, file: BinaryIO) -> None:
    """Draws a picture into a file that is to be a PPM, window by window."""
    from jndlic.images.mapped import ppm_to_fill

    draw(into=ppm_to_fill(file, width, height))


def _decode(arguments: argparse.Namespace) -> int:
    kind = Kind(
        f"{SUFFIX} files",
        lambda path: path.suffix.lower() == SUFFIX and path.is_file(),
        f".{arguments.format or 'png'}",
        lambda name: Path(name).suffix.lower() != SUFFIX and not Path(name).is_dir(),
    )
    jobs, alone = find_jobs(arguments, kind)
    return batch.run(Decoder(arguments), jobs, alone, arguments)
