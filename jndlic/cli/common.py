"""What several commands share: input and output, the codec, numbers, what is printed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from jndlic.errors import ParameterError

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
        "--threads", type=positive, metavar="N", help="CPU threads (default: torch's choice)"
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def load_codec_for(arguments: argparse.Namespace) -> Backend:
    """The networks that the options ask for."""
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
