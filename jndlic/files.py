"""Files that are either whole or not there, and what is found out about them before the work."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from jndlic.errors import ImageError, ParameterError
from jndlic.temporary_files import open_temporary

Content = bytes | Callable[[BinaryIO], None]
"""What a file shall hold, or a function that writes it to the open file."""

_DESCRIPTORS = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_NUMBERED = re.compile(r"/(?:dev|proc/self)/fd/(\d+)")


def write_atomically(path: str | Path, data: Content) -> None:
    """Writes a file under a temporary name beside its place and renames it when complete.

    Whatever goes wrong, `path` holds either what it held before or the whole new content. A file
    that is there already gives its permissions and, as far as the system lets it, its owner to the
    new one. A link is followed. A file of several names (hard links) is filled in place once the
    content is complete, so that all of them show it. Something that is no regular file (a device, a
    pipe, an open descriptor as /dev/stdout) is written directly.

    Args:
        path: where the file shall be.
        data: the content, or a function that writes it to the open file.

    Raises:
        OSError: the place cannot be written, or is read-only; it names `path`.
    """
    if is_special(path):
        number = _descriptor(path)
        with open(path if number is None else os.dup(number), "wb") as file:
            _fill(file, data)
        return
    check_writable(path)
    target = Path(os.path.realpath(path))
    before = target.stat() if target.exists() else None
    try:
        file, temporary = open_temporary(target, 0o666 if before is None else 0o600)
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    try:
        with file:
            try:
                if before is not None:
                    _hand_down(file.fileno(), before)
                _fill(file, data)
                file.flush()
                os.fsync(file.fileno())
                _put(file, temporary, target, shared=before is not None and before.st_nlink > 1)
            except BaseException:
                # While the file is open: with its lock the name may become another process's
                temporary.unlink(missing_ok=True)
                raise
    except OSError as error:  # of the writing; or of closing, which tries once more
        own = (None, os.fspath(temporary), os.fspath(target))
        if error.errno is not None and error.filename in own:
            raise OSError(error.errno, error.strerror, os.fspath(path)) from error
        raise


def is_special(path: str | Path) -> bool:
    """Whether it is there and no regular file: a device, a pipe, an open descriptor, a folder."""
    if _descriptor(path) is not None:
        return True
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def check_paths(source: str | Path, target: str | Path, overwrite: bool = True) -> None:
    """Finds out before the work what would fail after it.

    Args:
        source: the input.
        target: the output.
        overwrite: whether a file that is there already may be replaced.

    Raises:
        ParameterError: input and output are the same file.
        ImageError, OSError: see `check_target`.
    """
    if os.path.exists(target) and os.path.exists(source) and os.path.samefile(source, target):
        raise ParameterError(f"{target}: input and output are the same file")
    check_target(target, overwrite)


def check_target(target: str | Path, overwrite: bool = True) -> None:
    """Finds out whether a file can be written.

    Args:
        target: the output.
        overwrite: whether a file that is there already may be replaced.

    Raises:
        ImageError: the output is a folder, in one that does not exist, or there already.
        OSError: it or its folder may not be written.
    """
    if os.path.isdir(target):
        raise ImageError(f"{target}: the output is a folder")
    if is_special(target):
        return
    if not os.path.isdir(os.path.dirname(os.path.realpath(target))):
        raise ImageError(f"{target}: the folder does not exist")
    if os.path.exists(target) and not overwrite:
        raise ImageError(f"{target}: exists already; --force replaces it")
    check_writable(target)


def check_writable(path: str | Path) -> None:
    """Refuses a read-only file, also where the system would let us replace it: it allows that to
    root, and to whoever may write the folder.

    Raises:
        PermissionError: the file or its folder may not be written.
    """
    target = os.path.realpath(path)
    if os.path.exists(target):
        may_write = os.access(target, os.W_OK) and os.stat(target).st_mode & 0o222
        if not may_write:
            raise PermissionError(13, "the file is read-only", os.fspath(path))
    folder = os.path.dirname(target)
    if os.path.isdir(folder) and not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(13, f"the folder {folder} may not be written", os.fspath(path))


def _descriptor(path: str | Path) -> int | None:
    """The number of the open file that a path stands for. Opening the path instead would empty a
    file that the shell appends to.
    """
    text = os.fspath(path)
    numbered = _NUMBERED.fullmatch(text)
    return int(numbered[1]) if numbered else _DESCRIPTORS.get(text)


def _hand_down(number: int, before: os.stat_result) -> None:
    """Gives an open file the owner and the permissions of another one."""
    if not hasattr(os, "fchown"):  # Windows
        return
    try:
        os.fchown(number, before.st_uid, before.st_gid)
    except OSError:  # only root gives files away
        pass
    os.fchmod(number, stat.S_IMODE(before.st_mode))


def _put(file: BinaryIO, temporary: Path, target: Path, shared: bool) -> None:
    """Moves a complete file to its place; `shared`: which has other names as well."""
    if not shared:
        if os.name == "nt":  # where an open file keeps its name
            file.close()
        os.replace(temporary, target)
        return
    with open(temporary, "rb") as complete, open(target, "r+b") as place:
        shutil.copyfileobj(complete, place)
        place.truncate()
        place.flush()
        os.fsync(place.fileno())
    temporary.unlink()


def _fill(file: BinaryIO, data: Content) -> None:
    if callable(data):
        data(file)
    else:
        file.write(data)
