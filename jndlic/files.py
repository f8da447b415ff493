"""Files that are either whole or not there."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from jndlic.errors import ImageError, ParameterError


def write_atomically(path: str | Path, data: bytes | Callable[[BinaryIO], None]) -> None:
    """Writes a file under a temporary name beside its place and renames it when complete.

    Whatever goes wrong, `path` holds either what it held before or the whole new content. A link is
    followed; something that is no regular file (a device, a pipe) is written directly.

    Args:
        path: where the file shall be.
        data: the content, or a function that writes it to the open file.

    Raises:
        OSError: the place cannot be written.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        with open(target, "wb") as file:
            _fill(file, data)
        return
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        # "x" with the usual mode, so that the new file gets the permissions that any new file gets.
        with open(temporary, "xb") as file:
            _fill(file, data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def check_paths(source: Path, target: Path) -> None:
    """Finds out before the work what would fail after it.

    Raises:
        ParameterError: input and output are the same file.
        ImageError: the output is a folder, or in one that does not exist.
    """
    if target.exists() and source.exists() and os.path.samefile(source, target):
        raise ParameterError(f"{target}: input and output are the same file")
    if target.is_dir():
        raise ImageError(f"{target}: the output is a folder")
    if not target.absolute().parent.is_dir():
        raise ImageError(f"{target}: the folder does not exist")


def _fill(file: BinaryIO, data: bytes | Callable[[BinaryIO], None]) -> None:
    if callable(data):
        data(file)
    else:
        file.write(data)
