"""What every program of this package shares: exit codes, one line for what went wrong, how far a
long run is.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

from jndlic.errors import JndlicError, ParameterError
from jndlic.memory import reuse_freed_memory

GOOD, BAD_INPUT, BAD_USAGE, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 130, 141
"""Exit codes: bad input is also a file that cannot be read or written; the last two are those that
a shell gives to programs that end by SIGINT and SIGPIPE."""

EXTRAS = {
    "torch": "torch",
    "skimage": "demo",
    "matplotlib": "demo",
    "jinja2": "bench",
    "lightning": "train",
    "jsonargparse": "train",
    "onnxscript": "train",
    "ray": "ray",
    "shtab": "dev",
}
"""Libraries that parts of the package need, and the extras that bring them."""

Item = TypeVar("Item")


def run_command(name: str, work: Callable[[], int | None], reuse_memory: bool = True) -> int:
    """Do the work of a program and say in one line what went wrong.

    Args:
        name: of the program, before the message.
        work: returns the exit code; None is GOOD.
        reuse_memory: see jndlic/memory.py.
    """
    if reuse_memory:
        reuse_freed_memory()
    try:
        try:
            return work() or GOOD
        finally:  # also where argparse ends the program
            emit(end="")
    except ParameterError as error:
        return _complain(name, error, BAD_USAGE)
    except BrokenPipeError:
        drop_output()
        return PIPE_CLOSED
    except (JndlicError, MemoryError) as error:
        return _complain(name, explained(error), BAD_INPUT)
    except OSError as error:
        try:
            emit(end="")
        except OSError:
            drop_output()
        return _complain(name, explained(error), BAD_INPUT)
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        return _complain(
            name, f"this needs {error.name}: pip install 'jndlic[{EXTRAS[error.name]}]'", BAD_INPUT
        )
    except KeyboardInterrupt:
        return _complain(name, "interrupted; what was finished is kept", INTERRUPTED)


def explained(error: BaseException) -> str:
    """An error in the words of one line."""
    if isinstance(error, MemoryError):
        return "not enough memory for a picture of this size"
    if isinstance(error, OSError) and error.filename is not None and error.strerror is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def say(text: str, to_stderr: bool = False) -> None:
    """Prints a line about work that is done. A full disk behind standard output does not undo the
    work.

    Raises:
        BrokenPipeError: nobody reads any more.
    """
    try:
        print(text, file=sys.stderr if to_stderr else sys.stdout, flush=True)
    except BrokenPipeError:
        raise
    except OSError:
        drop_output()


def note(text: str) -> None:
    """Prints a line to standard error, in the place of a bar that may be there."""
    try:
        bar = "\r\033[K" if sys.stderr.isatty() else ""
        print(f"{bar}{text}", file=sys.stderr, flush=True)
    except (OSError, AttributeError):  # full, or closed from the start
        pass


def emit(text: str = "", end: str = "\n") -> None:
    """Prints what was asked for, and brings it to where it goes.

    Raises:
        BrokenPipeError: nobody reads any more.
        OSError: standard output cannot be written; names it.
    """
    try:
        print(text, end=end, flush=True)
    except OSError as error:
        raise OSError(error.errno, error.strerror, "standard output") from error


def drop_output() -> None:
    """Lets what standard output still holds go nowhere, since it cannot be written: or the
    interpreter complains of it at its end.
    """
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, AttributeError):
        pass


def progress(
    items: Iterable[Item], unit: str = "file", total: int | None = None, shown: bool = True
) -> Iterator[Item]:
    """The items; a bar by tqdm with the time that is left, or a plain line where it is not
    installed. Nothing is shown but at a terminal.

    Args:
        items: to be gone through.
        unit: what they are.
        total: how many; needed where they have no length.
        shown: False never shows anything.
    """
    if total is None and isinstance(items, Sequence):
        total = len(items)
    try:
        from tqdm import tqdm
    except ImportError:
        return _counted(items, unit, total or 0, shown)
    return iter(tqdm(items, total=total, unit=unit, disable=None if shown else True))


def _counted(items: Iterable[Item], unit: str, total: int, shown: bool) -> Iterator[Item]:
    shown = shown and sys.stderr.isatty()
    start = time.monotonic()
    for number, item in enumerate(items):
        if shown:
            left = ""
            if number:
                left = f", {_left((time.monotonic() - start) / number * (total - number))}"
            print(f"\r{number}/{total} {unit}s{left}\033[K", end="", file=sys.stderr, flush=True)
        yield item
    if shown:
        print(f"\r{total}/{total} {unit}s\033[K", file=sys.stderr)


_PATIENCE, _BETWEEN = 1.0, 0.2
"""Seconds before a line of progress, and between two."""


def share_line(shown: bool = True) -> Callable[[float], None] | None:
    """A line at a terminal that says how much of one long job is done, and how long the rest will
    take: from a second on.

    Args:
        shown: False never shows anything.

    Returns:
        A call for the share that is done, 0 to 1, where somebody would see it. A share below the
        one before begins anew.
    """
    return _ShareLine() if shown and _at_terminal() else None


def _overwrite(text: str) -> None:
    with suppress(OSError):  # a terminal that has gone should not cost the work
        print(f"\r{text}\033[K", end="", file=sys.stderr, flush=True)


def _left(seconds: float) -> str:
    return "{}:{:02} left".format(*divmod(round(seconds), 60))


def _at_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


class _ShareLine:
    def __init__(self) -> None:
        self._start = self._said = time.monotonic()
        self._share = 0.0
        self._visible = False

    def __call__(self, share: float) -> None:
        now = time.monotonic()
        if share < self._share:
            self._start = now
        self._share = share
        if share >= 1.0:
            if self._visible:
                _overwrite("")
            self._visible = False
        elif now - self._said >= (_BETWEEN if self._visible else _PATIENCE) and share > 0.0:
            left = _left((now - self._start) / share * (1.0 - share))
            _overwrite(f"{share:4.0%}, {left}")
            self._said, self._visible = now, True


def _complain(name: str, message: object, code: int) -> int:
    note(f"{name}: {message}")
    return code
