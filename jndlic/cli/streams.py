"""Input and output of the commands by name: files, or `-` for standard input and output."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from jndlic.errors import ParameterError
from jndlic.files import check_paths, is_special, write_atomically

_STDOUT = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
STANDARD = "-"
"""Standard input or output. Names stay strings: as a Path, `./-` would be the same."""


def read(source: str) -> bytes:
    """All of a file, a pipe or standard input.

    Raises:
        OSError: it cannot be read.
    """
    with opened(source) as stream:
        return stream.read()


@contextmanager
def opened(source: str) -> Generator[BinaryIO, None, None]:
    """A file, a pipe or standard input, open for reading.

    Raises:
        OSError: it cannot be opened.
    """
    if source == STANDARD:
        if sys.stdin is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF), input_name(source))
        yield sys.stdin.buffer
        return
    with open(source, "rb") as file:
        yield file


@contextmanager
def opened_to_seek(source: str) -> Generator[BinaryIO, None, None]:
    """A file as it lies, or all of a pipe or of standard input: something that can be sought, at
    its beginning.

    Raises:
        OSError: it cannot be opened or read.
    """
    with opened(source) as stream:
        yield io.BytesIO(stream.read()) if is_stream(source) else stream


def write(target: str, data: bytes) -> None:
    """Writes a file, whole or not at all, or standard output.

    Raises:
        OSError: it cannot be written.
    """
    if target != STANDARD:
        write_atomically(target, data)
        return
    try:
        if sys.stdout is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        raise OSError(error.errno, error.strerror, output_name(target)) from error


def check(source: str, target: str, overwrite: bool, force: bool) -> None:
    """Finds out before the work what would fail after it; see `jndlic.files.check_paths`.

    Args:
        source, target: names.
        overwrite: whether a file that is there already may be replaced.
        force: whether a terminal may get the bytes of a file.
    """
    if target != STANDARD:
        check_paths("" if source == STANDARD else source, target, overwrite)
    elif sys.stdout is not None and sys.stdout.isatty() and not force:
        raise ParameterError("standard output is a terminal: name a file, or say --force")


def named_output(target: str) -> str:
    """The name of an output; the names that a system has for standard output become `-`."""
    return STANDARD if target in _STDOUT else target


def is_stream(name: str) -> bool:
    """Whether it is no regular file: standard input or output, a pipe, a device."""
    return name == STANDARD or (is_special(name) and not Path(name).is_dir())


def input_name(source: str) -> str:
    """What messages call an input."""
    return "standard input" if source == STANDARD else source


def output_name(target: str) -> str:
    """What messages call an output."""
    return "standard output" if target == STANDARD else target
