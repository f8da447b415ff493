"""The command `jndlic`: encode, decode, info, optimize, jnd, bench.

Exit codes: 0 good, 1 bad input or a file that cannot be read or written, 2 wrong usage. torch is
imported only when a picture is coded.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jndlic import __version__
from jndlic.cli import jnd as cli_jnd
from jndlic.cli import optimize as cli_optimize
from jndlic.console import GOOD, run_command
from jndlic.errors import ParameterError
from jndlic.files import check_paths
from jndlic.format.container import AREA_MAX, QUALITY_MAX, QUALITY_MIN

if TYPE_CHECKING:
    from jndlic.runtime.backend import Backend


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: arguments; those of the process by default.

    Returns:
        The exit code. Wrong arguments end in SystemExit(2), as argparse has it.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["bench"]:
        # Has a parser of its own, and torch with it
        from jndlic.bench.benchmark import main as bench

        return bench(words[1:])
    arguments = _parser().parse_args(words)
    return run_command("jndlic", lambda: arguments.run(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jndlic",
        description="Compress photos with a learned codec that knows what the eye tolerates.",
    )
    parser.add_argument("-V", "--version", action="version", version=f"jndlic {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    encode = commands.add_parser("encode", help="picture (PNG, JPEG, WebP, TIFF, PPM ...) to .jlic")
    _add_common(encode, "picture", ".jlic file")
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

    decode = commands.add_parser("decode", help=".jlic to picture (the suffix chooses the format)")
    _add_common(decode, ".jlic file", "picture: .png .jpg .webp .tif .ppm .pgm .bmp")
    decode.add_argument(
        "--max-pixels",
        type=_positive,
        default=AREA_MAX,
        metavar="N",
        help="refuse files that claim more pixels (default: %(default)s)",
    )
    decode.set_defaults(run=_decode)

    show = commands.add_parser(
        "info", help="what a .jlic file says about itself, and where its bytes go"
    )
    show.add_argument("input", type=Path, metavar="FILE", help=".jlic file")
    show.add_argument("--json", action="store_true", help="for programs")
    show.set_defaults(run=_info)

    cli_optimize.add_commands(commands)
    cli_jnd.add_commands(commands)
    commands.add_parser(
        "bench", help="codecs side by side on a folder of pictures; see `jndlic bench --help`"
    )
    return parser


def _add_common(parser: argparse.ArgumentParser, source: str, target: str) -> None:
    parser.add_argument("input", type=Path, metavar="IN", help=source)
    parser.add_argument("output", type=Path, metavar="OUT", help=target)
    parser.add_argument("--weights", metavar="FILE", help="other weights than the shipped ones")
    parser.add_argument(
        "--device", default="cpu", help="where the network runs: cpu (default), cuda ..."
    )
    parser.add_argument(
        "--threads", type=_positive, metavar="N", help="CPU threads (default: torch's choice)"
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _encode(arguments: argparse.Namespace) -> int:
    check_paths(arguments.input, arguments.output)
    cli_optimize.check_encoder_options(arguments)
    from jndlic.files import write_atomically
    from jndlic.images.files import load

    picture = load(arguments.input)
    # After the picture: a wrong one should not wait for torch
    from jndlic.pipeline import encode_picture

    codec = _load_codec(arguments)
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
    _say(arguments, f"{arguments.output}: {len(data)} bytes, {bpp:.4f} bpp, {seconds:.2f} s{said}")
    return GOOD


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
    codec = _load_codec(arguments)
    start = time.perf_counter()
    picture = decode_picture(data, codec, arguments.max_pixels)
    seconds = time.perf_counter() - start
    save(arguments.output, picture)
    _say(
        arguments, f"{arguments.output}: {picture.width} x {picture.height} pixels, {seconds:.2f} s"
    )
    return GOOD


def _info(arguments: argparse.Namespace) -> int:
    from jndlic.api import info

    facts = info(arguments.input.read_bytes())
    if arguments.json:
        print(json.dumps(facts, indent=2))
        return GOOD
    kind = ("grey" if facts["grey"] else "RGB") + (" + alpha" if facts["alpha"] else "")
    print(
        f"{arguments.input}: .jlic version {facts['version']}, {facts['width']} x "
        f"{facts['height']}, {kind}"
    )
    plane = facts["quality_plane"]
    varies = (
        f" (a plane of {plane['min']} to {plane['max']}, mean {plane['mean']:.1f})" if plane else ""
    )
    print(
        f"quality {facts['quality']}{varies}, weights {facts['model'] or 'unknown'} (fingerprint "
        f"{facts['fingerprint']})"
    )
    print(f"{facts['bytes']} bytes, {facts['bpp']:.4f} bpp, latent segments: {facts['segments']}")
    names = {
        "QPLN": "quality plane",
        "ALPH": "alpha plane",
        "icCp": "ICC profile",
        "exIf": "EXIF",
        "xmPd": "XMP",
        "naMe": "name of the weights",
    }
    rows = [("", stream["bytes"], f"{name} stream") for name, stream in facts["streams"].items()]
    rows += [
        (chunk["tag"], chunk["bytes"], names.get(chunk["tag"], "unknown"))
        for chunk in facts["chunks"]
    ]
    for tag, size, name in (*rows, ("", facts["overhead_bytes"], "header, framing, CRCs")):
        bpp = 8 * size / (facts["width"] * facts["height"])
        print(f"  {tag:4s} {size:10d} bytes {bpp:9.4f} bpp {size / facts['bytes']:6.1%}  {name}")
    return GOOD


def _load_codec(arguments: argparse.Namespace) -> Backend:
    import torch

    from jndlic.runtime.load import load_codec
    from jndlic.shipped_weights import DEFAULT_WEIGHTS

    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    try:
        torch.empty(0, device=arguments.device)
    except (RuntimeError, AssertionError) as error:
        # torch's words for "no such device", first line only
        raise ParameterError(f"--device {arguments.device}: {str(error).splitlines()[0]}") from None
    return load_codec(arguments.weights or DEFAULT_WEIGHTS, arguments.device)


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


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer, got {text!r}")
    return value


def _say(arguments: argparse.Namespace, text: str) -> None:
    if not arguments.quiet:
        print(text)
