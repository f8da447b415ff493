"""What several commands share: input and output, the codec, numbers, what is printed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from jndlic.runtime.backends import BACKENDS

if TYPE_CHECKING:
    from jndlic.runtime.backend import Backend


def add_common(parser: argparse.ArgumentParser, source: str, target: str) -> None:
    """Input, output, and where and how the network runs."""
    parser.add_argument("input", type=Path, metavar="IN", help=source)
    parser.add_argument("output", type=Path, metavar="OUT", help=target)
    parser.add_argument("--weights", metavar="FILE", help="other weights than the shipped ones")
    parser.add_argument(
        "--device", default="cpu", help="where the network runs: cpu (default), cuda ..."
    )
    parser.add_argument(
        "--backend",
        default=BACKENDS[0],
        choices=BACKENDS,
        help="what runs the networks: onnx (on a CPU only), torch, or auto (default)",
    )
    parser.add_argument(
        "--threads", type=positive, metavar="N", help="CPU threads (default: what is free)"
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def load_codec_for(arguments: argparse.Namespace) -> Backend:
    """The networks that the options ask for."""
    from jndlic.runtime.load import load_codec
    from jndlic.runtime.threads import limit_threads
    from jndlic.shipped_weights import DEFAULT_WEIGHTS

    if arguments.threads is not None:
        limit_threads(arguments.threads)
    return load_codec(arguments.weights or DEFAULT_WEIGHTS, arguments.device, arguments.backend)


def positive(text: str) -> int:
    """A number from 1 on, for argparse."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer, got {text!r}")
    return value


def say(arguments: argparse.Namespace, text: str) -> None:
    """Prints, unless asked to be quiet."""
    if not arguments.quiet:
        print(text)
