"""`jndlic decode`: a .jlic file to a picture."""

from __future__ import annotations

import argparse
import time

from jndlic.cli.common import add_common, load_codec_for, positive, say
from jndlic.console import GOOD
from jndlic.files import check_paths
from jndlic.format.container import AREA_MAX


def add_command(commands: argparse._SubParsersAction) -> None:
    """Adds `decode`."""
    decode = commands.add_parser("decode", help=".jlic to picture (the suffix chooses the format)")
    add_common(decode, ".jlic file", "picture: .png .jpg .webp .tif .ppm .pgm .bmp")
    decode.add_argument(
        "--max-pixels",
        type=positive,
        default=AREA_MAX,
        metavar="N",
        help="refuse files that claim more pixels (default: %(default)s)",
    )
    decode.set_defaults(run=_decode)


def _decode(arguments: argparse.Namespace) -> int:
    check_paths(arguments.input, arguments.output)
    from jndlic.images.files import output_format, save

    output_format(arguments.output)  # an unknown suffix should not cost the decoding
    data = arguments.input.read_bytes()
    from jndlic.format.container import unpack
    from jndlic.pipeline import decode_picture

    # Nor should a damaged file cost the loading of the weights
    header = unpack(data, arguments.max_pixels).header
    output_format(arguments.output, header.grey)
    codec = load_codec_for(arguments)
    start = time.perf_counter()
    picture = decode_picture(data, codec, arguments.max_pixels)
    seconds = time.perf_counter() - start
    save(arguments.output, picture)
    say(
        arguments, f"{arguments.output}: {picture.width} x {picture.height} pixels, {seconds:.2f} s"
    )
    return GOOD
