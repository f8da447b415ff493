"""Programs that tests put on PATH."""

from __future__ import annotations

import stat
import sys
from pathlib import Path


def program(folder: Path, name: str, text: str) -> Path:
    """An executable in a folder, written in Python."""
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path
