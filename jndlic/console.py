"""What every program of this package shares: exit codes, one line for what went wrong, how far a
long run is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from jndlic.errors import JndlicError, ParameterError
from jndlic.memory import reuse_freed_memory

GOOD, BAD_INPUT, BAD_USAGE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: bad input is also a file that cannot be read or written."""

EXTRAS = {"torch": "torch"}
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
        return work() or GOOD
    except ParameterError as error:
        return _complain(name, error, BAD_USAGE)
    except JndlicError as error:
        return _complain(name, error, BAD_INPUT)
    except OSError as error:
        named = error.filename is not None and error.strerror is not None
        return _complain(name, f"{error.filename}: {error.strerror}" if named else error, BAD_INPUT)
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        return _complain(
            name, f"this needs {error.name}: pip install 'jndlic[{EXTRAS[error.name]}]'", BAD_INPUT
        )
    except MemoryError:
        return _complain(name, "not enough memory for a picture of this size", BAD_INPUT)
    except KeyboardInterrupt:
        return _complain(name, "interrupted; what was finished is kept", INTERRUPTED)


def progress(items: Sequence[Item], unit: str = "file") -> Iterator[Item]:
    """The items; a bar by tqdm, or a plain count where it is not installed. Nothing is shown but at
    a terminal.
    """
    try:
        from tqdm import tqdm
    except ImportError:
        return _counted(items, unit)
    return iter(tqdm(items, unit=unit, disable=None))


def _counted(items: Sequence[Item], unit: str) -> Iterator[Item]:
    shown = sys.stderr.isatty()
    for number, item in enumerate(items):
        if shown:
            print(f"\r{number}/{len(items)} {unit}s", end="", file=sys.stderr, flush=True)
        yield item
    if shown:
        print(f"\r{len(items)}/{len(items)} {unit}s", file=sys.stderr)


def _complain(name: str, message: object, code: int) -> int:
    print(f"{name}: {message}", file=sys.stderr)
    return code
