"""What several commands share: where and how the networks run, and what becomes of one file."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from jndlic.choices import AUTO, BACKENDS
from jndlic.cli.jobs import Job
from jndlic.cli.streams import check, input_name
from jndlic.console import note
from jndlic.errors import ImageError, JndlicError, TargetError

if TYPE_CHECKING:
    import numpy as np

    from jndlic.images.picture import Picture
    from jndlic.jnd.regions import Roi
    from jndlic.runtime.backend import Backend


class Done(NamedTuple):
    """What became of a file."""

    job: Job
    width: int
    height: int
    bytes: int
    """Of the output."""
    input_bytes: int
    seconds: float
    """Of coding, without reading and writing."""
    said: str
    """For people."""
    losses: tuple[str, ...]
    """What the output cannot hold of the input."""
    facts: Mapping[str, object] = {}
    """More for programs."""


class Failed(NamedTuple):
    """A file that could not be treated."""

    job: Job
    reason: str
    facts: Mapping[str, object] = {}
    """More for programs."""


def best_of(error: BaseException) -> dict[str, object]:
    """For programs: what was possible where no quality meets a target; nothing of other errors."""
    if not isinstance(error, TargetError):
        return {}
    return {"quality": error.quality, "best": finite(error.best)}


def finite(value: float | None) -> float | None:
    """A number that JSON can hold."""
    return value if value is not None and math.isfinite(value) else None


def search_facts(
    quality: int, goal: str, wanted: float, reached: float | None, tried: int
) -> dict[str, object]:
    """For programs: what a search for a quality found."""
    return {
        "quality": quality,
        "goal": goal,
        "wanted": wanted,
        "reached": reached,
        "tried": tried,
    }


class Chosen(NamedTuple):
    """A file at a quality that was chosen for its picture."""

    data: bytes
    said: str
    """For people."""
    facts: Mapping[str, object]
    """Of `search_facts`."""
    short: tuple[str, ...] = ()
    """What it falls short of."""


class Chooser(Protocol):
    """Chooses a quality for each picture."""

    def encode(
        self,
        picture: Picture,
        codec: Backend,
        jnd: np.ndarray | str,
        roi: Roi | None,
        input_bytes: int,
        progress: Callable[[float], None] | None,
    ) -> Chosen:
        """A .jlic file.

        Args:
            picture: to encode.
            codec: to encode with.
            jnd, roi: what says where quality goes; see `analyse_picture`.
            input_bytes: size of the input.
            progress: gets the share that is done, 0 to 1; begins anew with each file.

        Raises:
            NoCodec: what judges the pictures cannot be had.
            JndlicError: this picture cannot be judged, or no quality is good enough.
        """
        ...


class NoCodec(Exception):
    """The networks cannot be had: no file will fare better than this one."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(reason)
        self.reason = reason


class Coder:
    """What is done to every file. Can be pickled until it has worked; the networks are loaded when
    they are first needed, so that a wrong file does not wait for them.

    Attributes:
        weights: file of other weights than the shipped ones, or None.
        device: where the networks run, as torch names it.
        backend: what runs them.
        threads: of the CPU; None for what is free.
        overwrite: whether files that are there already may be replaced.
        force: whether a terminal or an odd name may be written.
        strict: whether a loss is an error.
        telling: whether to show how far a file is: where it is the only one.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.weights: str | None = arguments.weights
        self.device: str = arguments.device
        self.backend: str = arguments.backend
        self.threads: int | None = arguments.threads
        self.overwrite: bool = arguments.overwrite or arguments.force
        self.force: bool = arguments.force
        self.strict: bool = arguments.strict
        self.telling = True

    def __call__(self, job: Job) -> Done:
        """Makes a file.

        Raises:
            NoCodec: the networks cannot be had.
            JndlicError, OSError: this file cannot be read, treated or written.
        """
        raise NotImplementedError

    @cached_property
    def codec(self) -> Backend:
        """The networks, ready for use.

        Raises:
            NoCodec: they cannot be had.
        """
        try:
            return load_networks(self.weights, self.device, self.backend, self.threads)
        except (JndlicError, OSError) as error:
            raise NoCodec(error) from error

    def prepare(self, job: Job) -> None:
        """Finds out before the work what would fail after it.

        Raises:
            JndlicError, OSError: the output cannot be written, or is there already.
        """
        if job.into_folder:
            os.makedirs(os.path.dirname(job.target) or ".", exist_ok=True)
        check(job.source, job.target, self.overwrite or job.again, self.force)

    def refuse_losses(self, losses: tuple[str, ...]) -> None:
        """With --strict.

        Raises:
            ImageError: there are losses.
        """
        refuse_losses(losses, self.strict)


def refuse_losses(losses: tuple[str, ...], strict: bool) -> None:
    """Makes an error of what an output cannot hold.

    Args:
        losses: in words for the user.
        strict: whether --strict was given; without it nothing is done.

    Raises:
        ImageError: there are losses.
    """
    if losses and strict:
        raise ImageError(f"{'; '.join(losses)} (--strict)")


def tell_losses(source: str, losses: tuple[str, ...], quiet: bool) -> None:
    """Warns of what an output could not hold, a line for each; with --quiet of nothing.

    Args:
        source: name of the input.
        losses: in words for the user.
        quiet: whether --quiet was given.
    """
    if not quiet:
        for loss in losses:
            note(f"jndlic: {input_name(source)}: {loss}")


def add_strict_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--strict`."""
    parser.add_argument(
        "--strict", action="store_true", help="what the output cannot hold is an error"
    )


def load_networks(
    weights: str | None, device: str, backend: str, threads: int | None
) -> Backend[Any]:
    """The networks that the options of `add_codec_options` name.

    Raises:
        JndlicError, OSError: they cannot be had.
    """
    from jndlic.runtime.load import load_codec
    from jndlic.runtime.threads import limit_threads
    from jndlic.shipped_weights import DEFAULT_WEIGHTS

    if threads is not None:
        limit_threads(threads)
    return load_codec(weights or DEFAULT_WEIGHTS, device, backend)


def add_codec_options(parser: argparse.ArgumentParser) -> None:
    """Where and how the networks run."""
    add = parser.add_argument
    add("--weights", metavar="FILE", help="other weights than the shipped ones")
    add("--device", default="cpu", help="where the network runs: cpu (default), cuda ...")
    add(
        "--backend",
        default=AUTO,
        choices=BACKENDS,
        help="what runs the networks: onnx (on a CPU only), torch, or auto (default)",
    )
    add("--threads", type=positive, metavar="N", help="CPU threads (default: what is free)")


@contextmanager
def naming(job: Job) -> Generator[None]:
    """Puts the input's name before an error that names neither it nor the output."""
    try:
        yield
    except JndlicError as error:
        text, source = str(error), input_name(job.source)
        if source in text or job.target in text:
            raise
        named = copy(error)
        named.args = (f"{source}: {text}",)
        raise named from error


def positive(text: str) -> int:
    """A number from 1 on, for argparse."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer, got {text!r}")
    return value


def rectangle(text: str) -> tuple[int, int, int, int]:
    """A part of a picture, for argparse."""
    values = integers(text)
    if len(values) != 4 or min(values[:2]) < 0 or min(values[2:]) < 1:
        raise argparse.ArgumentTypeError(
            f"must be X,Y,W,H: left, top, width and height in pixels, got {text!r}"
        )
    return values[0], values[1], values[2], values[3]


def integers(text: str) -> tuple[int, ...]:
    """Integers with commas between; nothing where one of them is none."""
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        return ()


def words(text: str) -> list[str]:
    """Words with commas between, for argparse."""
    return [word.strip() for word in text.split(",")]
