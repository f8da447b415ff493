"""`jndlic encode`: a picture to a .jlic file. torch is imported when the picture has been read."""

from __future__ import annotations

import argparse
import time

from jndlic.cli import jnd as cli_jnd
from jndlic.cli import optimize as cli_optimize
from jndlic.cli.common import add_common, load_codec_for, say
from jndlic.console import GOOD
from jndlic.files import check_paths
from jndlic.format.container import QUALITY_MAX, QUALITY_MIN


def add_command(commands: argparse._SubParsersAction) -> None:
    """Adds `encode`."""
    encode = commands.add_parser("encode", help="picture (PNG, JPEG, WebP, TIFF, PPM ...) to .jlic")
    add_common(encode, "picture", ".jlic file")
    quality = encode.add_mutually_exclusive_group()
    quality.add_argument(
        "-q",
        "--quality",
        type=_quality,
        default=50,
        metavar=f"{QUALITY_MIN}..{QUALITY_MAX}",
        help="small file to visually lossless (default: %(default)s)",
    )
    cli_optimize.add_encoder_options(encode, quality)
    cli_jnd.add_encoder_option(encode)
    encode.set_defaults(run=_encode)


def _encode(arguments: argparse.Namespace) -> int:
    check_paths(arguments.input, arguments.output)
    cli_optimize.check_encoder_options(arguments)
    from jndlic.files import write_atomically
    from jndlic.images.files import load

    picture = load(arguments.input)
    # After the picture: a wrong one should not wait for torch
    from jndlic.pipeline import encode_picture

    codec = load_codec_for(arguments)
    start = time.perf_counter()
    if arguments.visually_lossless is None:
        data, said = (
            encode_picture(
                picture, arguments.quality, codec, arguments.jnd, cli_jnd.progress_bar()
            ),
            "",
        )
    else:
        data, said = cli_optimize.encode_visually_lossless(picture, codec, arguments)
        said = f", {said}"
    seconds = time.perf_counter() - start
    write_atomically(arguments.output, data)
    bpp = 8 * len(data) / (picture.width * picture.height)
    say(arguments, f"{arguments.output}: {len(data)} bytes, {bpp:.4f} bpp, {seconds:.2f} s{said}")
    return GOOD


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
