"""Files and figures of a benchmark on disk, so that what was measured once is not measured again.

    FOLDER/ab/abcdef….bin     the compressed file
    FOLDER/ab/abcdef….json    {"bytes", "encode-seconds", ..., "metrics": {NAME: {"value", "by"}}}

The name is a SHA-256 of the picture's pixels, the codec's settings and the level.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import numpy as np

from jndlic.files import write_atomically


def pixels_digest(pixels: np.ndarray) -> str:
    """SHA-256 of a picture, (H, W, 3) uint8."""
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def entry_key(picture: str, settings: str, level: int) -> str:
    """Name of an entry.

    Args:
        picture: of `pixels_digest`.
        settings: of the codec.
        level: of the codec.
    """
    return hashlib.sha256(json.dumps([picture, settings, level]).encode()).hexdigest()[:40]


class Store:
    """A folder of entries; several processes may write to it.

    Args:
        folder: is created when first written to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, key: str) -> Path:
        """Where an entry's compressed file is."""
        return self._folder / key[:2] / f"{key}.bin"

    def read(self, key: str) -> dict | None:
        """An entry's figures; None where there is no whole entry."""
        try:
            content = json.loads(self.file(key).with_suffix(".json").read_text())
            whole = self.file(key).stat().st_size == content["bytes"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return content if whole else None

    def write(self, key: str, figures: dict, data: bytes | None = None) -> None:
        """Keeps an entry: the file first, if it is new, so that an entry with figures is whole."""
        self.file(key).parent.mkdir(parents=True, exist_ok=True)
        if data is not None:
            write_atomically(self.file(key), data)
        write_atomically(self.file(key).with_suffix(".json"), json.dumps(_finite(figures)).encode())


def _finite(value: object) -> object:
    """JSON has no infinity and no NaN: as text, which `float` reads."""
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value
