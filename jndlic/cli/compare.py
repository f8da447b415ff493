"""`jndlic compare`: a page to look at, pictures by jndlic and other codecs at equal sizes."""

from __future__ import annotations

import argparse
import io
import os
from collections.abc import Generator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from jndlic.choices import JND_MODELS
from jndlic.cli import streams
from jndlic.cli.common import (
    NoCodec,
    add_codec_options,
    integers,
    load_networks,
    naming,
    rectangle,
    words,
)
from jndlic.cli.jnd import add_encoder_option
from jndlic.cli.jobs import Job
from jndlic.console import BAD_INPUT, GOOD, explained, note, progress, say
from jndlic.errors import JndlicError, ParameterError
from jndlic.format.container import QUALITY_MAX, QUALITY_MIN

if TYPE_CHECKING:
    from jndlic.bench.comparison import Compared, Comparison
    from jndlic.runtime.backend import Backend

QUALITY = 30
"""At which differences can be seen without enlargement."""

NEEDS = ("jinja2", "matplotlib", "scipy", "torch")
SUFFIXES = (".html", ".htm")


def add_command(commands: argparse._SubParsersAction) -> None:
    """Adds `compare`."""
    parser = commands.add_parser(
        "compare", help="a page to look at: jndlic and other codecs at equal sizes"
    )
    add = parser.add_argument
    add("inputs", nargs="+", metavar="IN", help="pictures; - is standard input")
    add(
        "-o",
        "--output",
        required=True,
        metavar="PAGE",
        help="HTML file, which needs nothing else; - is standard output",
    )
    add(
        "-q",
        "--quality",
        type=_qualities,
        default=(QUALITY,),
        metavar="Q,...",
        help=f"of jndlic, {QUALITY_MIN} to {QUALITY_MAX}, one or several (default: {QUALITY})",
    )
    add(
        "--codecs",
        nargs="+",
        metavar="CODEC",
        help="rivals, as `jndlic bench` names them: NAME[:OPTION=VALUE,...][@LEVEL,...] "
        "(default: avif jxl webp jpeg)",
    )
    add(
        "--metrics",
        type=words,
        metavar="NAME,...",
        help="as `jndlic bench` names them (default: those whose needs are met)",
    )
    add(
        "--crop",
        type=rectangle,
        metavar="X,Y,W,H",
        help="compare this part of each picture, in pixels; needed for large ones",
    )
    add_encoder_option(parser)
    add_codec_options(parser)
    add("--lpips-weights", metavar="FILE", help="SqueezeNet trunk ($JNDLIC_LPIPS_WEIGHTS)")
    add("-f", "--force", action="store_true", help="replace PAGE if it is there already")
    add("--quiet", action="store_true", help="print nothing but errors")
    parser.set_defaults(run=_compare)


def _compare(arguments: argparse.Namespace) -> int:
    _check(arguments)
    from jndlic.bench.needs import check_installed

    check_installed("the comparison", NEEDS)
    from jndlic.bench.comparison import Comparison

    jnd = None if arguments.jnd == JND_MODELS[0] else arguments.jnd
    comparison = Comparison(
        arguments.quality, arguments.codecs, arguments.metrics, arguments.lpips_weights, jnd
    )
    if not arguments.quiet:
        for reason in comparison.missing:
            note(f"jndlic: {reason}")
    worker = _Worker(arguments, comparison)
    names = progress(arguments.inputs, "picture", shown=not arguments.quiet)
    try:
        shown = [one for name in names if (one := worker.attempt(name))]
    except NoCodec as error:
        raise error.reason from None
    if shown:
        page = comparison.page(shown, worker.codec, arguments.crop).encode()
        streams.write(arguments.output, page)
        if not arguments.quiet:
            count = f"{len(shown)} {'picture' if len(shown) == 1 else 'pictures'}"
            say(
                f"{streams.output_name(arguments.output)}: {count}, {len(page) / 1e6:.1f} MB",
                to_stderr=arguments.output == streams.STANDARD,
            )
    if worker.failed:
        note(f"jndlic: {worker.failed} of {len(arguments.inputs)} pictures failed")
    return BAD_INPUT if worker.failed or worker.partly else GOOD


def _check(arguments: argparse.Namespace) -> None:
    """Finds out before the work what would fail after it.

    Raises:
        ParameterError, ImageError, OSError: the inputs or the output cannot be as they are named.
    """
    target, names = arguments.output, arguments.inputs
    if len(names) > 1 and streams.STANDARD in names:
        raise ParameterError("standard input is one file: it cannot be among others")
    for name in names:
        if os.path.isdir(name):
            raise ParameterError(f"{name}: a folder; name the pictures to be compared")
        streams.check(name, target, arguments.force, arguments.force)
    if not (
        arguments.force or streams.is_stream(target) or Path(target).suffix.lower() in SUFFIXES
    ):
        raise ParameterError(f"{target}: the page must end in .html; --force takes any name")


class _Worker:
    """Compares picture after picture; the networks are loaded after the first has been read."""

    def __init__(self, arguments: argparse.Namespace, comparison: Comparison) -> None:
        self._arguments, self._comparison = arguments, comparison
        self.failed = 0
        """Pictures that are not in the page."""
        self.partly = False
        """Whether some are without a rival."""

    @cached_property
    def codec(self) -> Backend:
        """The networks.

        Raises:
            NoCodec: they cannot be had.
        """
        options = self._arguments
        try:
            return load_networks(options.weights, options.device, options.backend, options.threads)
        except (JndlicError, OSError) as error:
            raise NoCodec(error) from error

    def attempt(self, name: str) -> Compared | None:
        """A picture of the page; None where one of several failed, which costs it alone.

        Raises:
            NoCodec: no other picture would fare better.
            JndlicError, OSError: the only one failed.
        """
        from jndlic.images.files import decoded

        label = streams.input_name(name)
        with self._failing(name):
            picture = decoded(io.BytesIO(streams.read(name)))
            for loss in () if self._arguments.quiet else picture.losses:
                note(f"jndlic: {label}: {loss}")
            one = self._comparison.picture(
                Path(label).name, picture, self.codec, self._arguments.crop
            )
            for reason in one.failures:
                self.partly = True
                note(f"jndlic: {label}: {reason}")
            return one
        return None

    @contextmanager
    def _failing(self, name: str) -> Generator[None]:
        """Says what went wrong with a picture, and goes on unless it is the only one."""
        try:
            with naming(Job(name, self._arguments.output)):
                yield
        except (JndlicError, OSError, MemoryError) as error:
            if len(self._arguments.inputs) == 1:
                raise
            self.failed += 1
            note(f"jndlic: {explained(error)}")


def _qualities(text: str) -> tuple[int, ...]:
    values = integers(text)
    if not values or not all(QUALITY_MIN <= value <= QUALITY_MAX for value in values):
        raise argparse.ArgumentTypeError(
            f"must be integers from {QUALITY_MIN} to {QUALITY_MAX} with commas between, got "
            f"{text!r}"
        )
    return values
