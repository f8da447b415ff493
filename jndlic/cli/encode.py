"""`jndlic encode`: pictures to .jlic files. Networks are loaded after a picture has been read."""

from __future__ import annotations

import argparse
import io
import os
import time
from collections.abc import Mapping
from pathlib import Path

from jndlic.choices import OFF, QUALITY_DEFAULT
from jndlic.cli import batch, inputs, regions, streams
from jndlic.cli import jnd as cli_jnd
from jndlic.cli import jobs as cli_jobs
from jndlic.cli import optimize as cli_optimize
from jndlic.cli import patches as cli_patches
from jndlic.cli import targets as cli_targets
from jndlic.cli.common import Chooser, Coder, Done, add_codec_options, naming
from jndlic.cli.jobs import Job, Kind, find_jobs
from jndlic.console import share_line
from jndlic.format.container import (
    PIXELS_MAX,
    QUALITY_MAX,
    QUALITY_MIN,
    SUFFIX,
    read_front,
)


def add_command(commands: argparse._SubParsersAction) -> None:
    """Adds `encode`."""
    encode = commands.add_parser("encode", help="pictures (PNG, JPEG, WebP, TIFF ...) to .jlic")
    cli_jobs.add_options(encode, "pictures, or folders of them", ".jlic file")
    quality = encode.add_mutually_exclusive_group()
    quality.add_argument(
        "-q",
        "--quality",
        type=_quality,
        metavar=f"{QUALITY_MIN}..{QUALITY_MAX}",
        help=f"small file to visually lossless (default: {QUALITY_DEFAULT})",
    )
    cli_targets.add_options(quality)
    cli_patches.add_lossless_option(quality)
    cli_optimize.add_encoder_options(encode, quality)
    cli_targets.add_metric_options(encode)
    inputs.add_options(encode)
    cli_jnd.add_encoder_option(encode)
    regions.add_options(encode)
    cli_patches.add_patches_option(encode)
    add_codec_options(encode)
    batch.add_options(encode)
    encode.set_defaults(run=_encode)


class Encoder(Coder):
    """Makes a .jlic file of a picture."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        super().__init__(arguments)
        chosen: int | None = arguments.quality
        self.quality: int = QUALITY_DEFAULT if chosen is None else chosen
        self.reader = inputs.PictureReader(arguments)
        self.regions = regions.Regions(arguments)
        self.lossless: bool = arguments.lossless
        self.patches: bool = arguments.patches != OFF
        self.chooser: Chooser | None = None
        target = cli_targets.chosen_target(arguments)
        if target is not None:
            self.chooser = cli_targets.ToTarget(target)
        elif arguments.visually_lossless:
            self.chooser = cli_optimize.VisuallyLossless(arguments)

    def __call__(self, job: Job) -> Done:
        """See Coder."""
        with naming(job):
            self.prepare(job)
            with streams.opened_to_seek(job.source) as file:
                picture = self.reader.read(file)
                input_bytes = file.seek(0, os.SEEK_END)
            self.refuse_losses(picture.losses)
            jnd, roi = self.regions.jnd(job.source), self.regions.roi(job.source)
            # After the picture: a wrong one should not wait for the networks
            from jndlic.pipeline import encode_picture

            codec, bar = None if self.lossless else self.codec, share_line(self.telling)
            said, losses = "", picture.losses
            facts: Mapping[str, object] = {"quality": None if self.lossless else self.quality}
            start = time.perf_counter()
            if codec is None:
                data = cli_patches.encode_lossless(picture)
            elif self.chooser is None:
                data = encode_picture(picture, self.quality, codec, jnd, bar, roi, self.patches)
                if read_front(io.BytesIO(data), PIXELS_MAX).header.bare:
                    said, facts = ", patches alone", {"quality": None}
            else:
                data, told, facts, short = self.chooser.encode(
                    picture, codec, jnd, roi, input_bytes, bar
                )
                self.refuse_losses(short)
                said, losses = f", {told}", losses + short
            seconds = time.perf_counter() - start
            streams.write(job.target, data)
        bpp = 8 * len(data) / (picture.width * picture.height)
        return Done(
            job,
            picture.width,
            picture.height,
            len(data),
            input_bytes,
            seconds,
            f"{streams.output_name(job.target)}: {len(data)} bytes, {bpp:.4f} bpp, "
            f"{seconds:.2f} s{said}",
            losses,
            facts,
        )


def _encode(arguments: argparse.Namespace) -> int:
    from jndlic.images.folders import is_image

    cli_optimize.check_encoder_options(arguments)
    regions.check_options(arguments)
    cli_patches.check_options(arguments)
    kind = Kind("pictures", is_image, SUFFIX, lambda name: Path(name).suffix.lower() == SUFFIX)
    jobs, alone = find_jobs(arguments, kind)
    return batch.run(Encoder(arguments), jobs, alone, arguments)


def _quality(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if not QUALITY_MIN <= value <= QUALITY_MAX:
        raise argparse.ArgumentTypeError(
            f"must be an integer from {QUALITY_MIN} to {QUALITY_MAX}, got {text!r}"
        )
    return value
