"""Temporary files beside the files that they shall become.

Each target has one name for its temporary file, and whoever writes there holds a lock on it. So
what a killed process has left is known by its missing lock, and removed by the next one that writes
the same target.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_TRIES = 8


def open_temporary(target: Path, mode: int) -> tuple[BinaryIO, Path]:
    """A new file in the target's folder.

    Args:
        target: what the file shall become.
        mode: its permissions, less those that the process's mask takes away.

    Returns:
        The file, open for writing (its descriptor also for reading, so that it can be
        mapped) and locked until it is closed; its path.

    Raises:
        OSError: the folder cannot be written.
    """
    digest = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:12]
    usual = target.with_name(f".{target.name[:40]}.{digest}.tmp")
    if fcntl is not None:
        for _ in range(_TRIES):
            try:
                number = os.open(usual, _flags(), mode)
            except FileExistsError:
                if not _removed(usual):
                    break
                continue
            try:
                if _locked(number, usual):
                    return os.fdopen(number, "wb"), usual
            except OSError:  # a file system without locks
                usual.unlink(missing_ok=True)
                os.close(number)
                break
            os.close(number)  # another process took it for a dead one's, and removes it
    other = target.with_name(f".{target.name[:40]}.{digest}.{secrets.token_hex(6)}.tmp")
    return os.fdopen(os.open(other, _flags(), mode), "wb"), other


def _flags() -> int:
    return os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0)


def _removed(path: Path) -> bool:
    """Removes what a dead process has left; whether the name may be tried again."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return True
    except OSError:  # a link, or somebody else's
        return False
    try:
        if not _locked(number, path):
            return False
        path.unlink()
        return True
    except OSError:
        return False
    finally:
        os.close(number)


def _locked(number: int, path: Path) -> bool:
    """Whether the open file is ours alone, and still the one of this name.

    Raises:
        OSError: the file system has no locks.
    """
    if fcntl is None:
        return False
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(number), os.stat(path, follow_symlinks=False))
    except (BlockingIOError, FileNotFoundError):
        return False
