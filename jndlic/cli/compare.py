"""`jndlic compare`: a page to look at, pictures by jndlic and other codecs at equal sizes."""

from __future__ import annotations

import argparse
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from jndlic.choices import JND_MODELS
from jndlic.cli import streams
from jndlic.cli.common import add_codec_options, load_networks
from jndlic.cli.jnd import add_encoder_option
from jndlic.console import BAD_INPUT, GOOD, explained, note, progress, say
from jndlic.errors import JndlicError, ParameterError
from jndlic.format.container import QUALITY_MAX, QUALITY_MIN

if TYPE_CHECKING:
    from jndlic.bench.comparison import Compared, Comparison
    from jndlic.bench.run.versions import Crop
    from jndlic.runtime.backend import Backend

QUALITY = 30
"""Where differences are to be seen without a magnifier."""

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
        type=_words,
        metavar="NAME,...",
        help="as `jndlic bench` names them (default: those whose needs are met)",
    )
    add(
        "--crop",
        type=_crop,
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
    for reason in comparison.missing:
        note(f"jndlic: without {reason}")
    worker = _Worker(arguments, comparison)
    shown = [one for name in progress(arguments.inputs, "picture") if (one := worker.attempt(name))]
    if shown:
        page = comparison.page(shown, worker.codec, arguments.crop).encode()
        streams.write(arguments.output, page)
        if not arguments.quiet:
            count = f"{len(shown)} {'picture' if len(shown) == 1 else 'pictures'}"
            say(
                f"{streams.output_name(arguments.output)}: {count}, {len(page) / 1e6:.1f} MB",
                to_stderr=arguments.output == streams.STANDARD,
            )
    if worker.failed and len(arguments.inputs) > 1:
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
        self._codec: Backend | None = None
        self.failed = 0
        """Pictures that are not in the page."""
        self.partly = False
        """Whether some are without a rival."""

    @property
    def codec(self) -> Backend:
        """The networks."""
        if self._codec is None:
            options = self._arguments
            self._codec = load_networks(
                options.weights, options.device, options.backend, options.threads
            )
        return self._codec

    def attempt(self, name: str) -> Compared | None:
        """A picture of the page; None where it failed, which costs this picture alone.

        Raises:
            JndlicError, OSError: the networks cannot be had.
        """
        from jndlic.images.files import decoded

        label = streams.input_name(name)
        try:
            picture = decoded(io.BytesIO(streams.read(name)))
        except (JndlicError, OSError, MemoryError) as error:
            return self._complain(label, error)
        codec = self.codec
        try:
            one = self._comparison.picture(Path(label).name, picture, codec, self._arguments.crop)
        except (JndlicError, OSError, MemoryError) as error:
            return self._complain(label, error)
        for reason in one.failures:
            self.partly = True
            note(f"jndlic: {label}: {reason}")
        return one

    def _complain(self, label: str, error: Exception) -> None:
        self.failed += 1
        reason = explained(error)
        note(f"jndlic: {reason if label in reason else f'{label}: {reason}'}")


def _qualities(text: str) -> tuple[int, ...]:
    values = _integers(text)
    if not values or not all(QUALITY_MIN <= value <= QUALITY_MAX for value in values):
        raise argparse.ArgumentTypeError(
            f"must be integers from {QUALITY_MIN} to {QUALITY_MAX} with commas between, got "
            f"{text!r}"
        )
    return values


def _crop(text: str) -> Crop:
    values = _integers(text)
    if len(values) != 4 or min(values[:2]) < 0 or min(values[2:]) < 1:
        raise argparse.ArgumentTypeError(
            f"must be X,Y,W,H: left, top, width and height in pixels, got {text!r}"
        )
    return values[0], values[1], values[2], values[3]


def _integers(text: str) -> tuple[int, ...]:
    """Integers with commas between; nothing where one of them is none."""
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        return ()


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]
