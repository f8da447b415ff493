"""Options of `encode` for what is coded without the network."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from jndlic.choices import AUTO, OWN_JND_MODEL, PATCHES
from jndlic.cli.common import NoCodec
from jndlic.errors import ParameterError, UnsupportedError

if TYPE_CHECKING:
    from jndlic.images.picture import Picture

_NETWORK_ONLY = {
    "patches": None,
    "jnd": OWN_JND_MODEL,
    "tolerance": None,
    "roi": None,
    "weights": None,
    "device": "cpu",
    "backend": AUTO,
}
"""Options that choose something about the network, and their defaults."""


def add_lossless_option(quality: argparse._MutuallyExclusiveGroup) -> None:
    """Adds `--lossless`, in a group with the quality that it takes the place of."""
    quality.add_argument(
        "--lossless",
        action="store_true",
        help="exactly, as lossless WebP in a .jlic file; needs no network, nor does decoding",
    )


def add_patches_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--patches`."""
    parser.add_argument(
        "--patches",
        choices=PATCHES,
        help="whether what the network cannot draw (text, screenshots, stripes) is stored in "
        "another way (default: auto; photos stay as they are)",
    )


def check_options(arguments: argparse.Namespace) -> None:
    """Finds options of `encode` that mean nothing.

    Raises:
        ParameterError: something about the network, and the network has no part in it; patches,
            and a search that knows none.
    """
    for search in ("visually_lossless", "target_size", "target_bpp", "target_metric"):
        if arguments.patches is not None and getattr(arguments, search):
            raise ParameterError(f"--patches does not go with --{search.replace('_', '-')}")
    for option, default in _NETWORK_ONLY.items():
        if arguments.lossless and getattr(arguments, option) != default:
            raise ParameterError(f"--{option} does not go with --lossless")


def encode_lossless(picture: Picture) -> bytes:
    """A .jlic file that holds a picture exactly.

    Raises:
        NoCodec: Pillow was built without what it takes.
    """
    from jndlic.patches.bare import encode_lossless

    try:
        return encode_lossless(picture)
    except UnsupportedError as error:
        raise NoCodec(error) from error
