"""One file of a benchmark: a picture, a codec and a level to a row of figures.

    picture ─► encode ─► bytes ─► decode ─► metrics ─► row
                 └──── kept in the store ─────┘
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jndlic.bench.run.coding import code
from jndlic.bench.run.store import Store, entry_key, pixels_digest
from jndlic.codecs.codec import ImageCodec
from jndlic.codecs.registry import open_codec
from jndlic.images.files import load
from jndlic.metrics.registry import made_by, select

Row = dict[str, str | int | float]
"""One file's figures by name: image, codec (its text), level, width, height, bytes, bpp, the metrics, encode-seconds,
decode-seconds, bpp-PART for each part of the file, key (in the store). With "error", the rest may be missing."""


class Task(NamedTuple):
    """What is to be measured."""

    image: Path
    codec: str
    """Its text, see `open_codec`."""
    level: int

    def failed(self, reason: str) -> Row:
        """The row of a task that went wrong."""
        return {"image": self.image.name, "codec": self.codec, "level": self.level, "error": reason}


class Setup(NamedTuple):
    """What all tasks of a benchmark have in common."""

    metrics: tuple[str, ...]
    lpips_weights: str | None
    store: Path
    threads: int
    """CPU threads of each process."""


class Measurer:
    """Does tasks one after another; codecs, networks and the last picture stay loaded.

    Args:
        setup: metrics and store.
    """

    def __init__(self, setup: Setup) -> None:
        self._metrics = select(setup.metrics, setup.lpips_weights)
        self._made_by = {name: made_by(name) for name in setup.metrics}
        self._store = Store(setup.store)
        self._codecs: dict[str, ImageCodec] = {}
        self._picture: tuple[Path, np.ndarray, str] | None = None

    def measure(self, task: Task) -> Row:
        """The row of a task; what the store has of it is not computed again.

        Raises:
            JndlicError: picture or codec failed.
        """
        pixels, digest = self._load(task.image)
        if task.codec not in self._codecs:
            self._codecs[task.codec] = open_codec(task.codec)
        codec = self._codecs[task.codec]
        key = entry_key(digest, codec.settings, task.level)
        figures, decoded = self._store.read(key), None
        if figures is None:
            figures, decoded = self._code(codec, pixels, task.level, key)
        metrics = figures.setdefault("metrics", {})
        missing = [name for name, by in self._made_by.items() if metrics.get(name, {}).get("by") != by]
        if missing:
            if decoded is None:
                decoded = codec.decode(self._store.file(key).read_bytes())
            for name in missing:
                metrics[name] = {"value": self._metrics[name](pixels, decoded), "by": self._made_by[name]}
            self._store.write(key, figures)
        return _row(task, pixels.shape, figures, self._metrics, key)

    def _load(self, image: Path) -> tuple[np.ndarray, str]:
        if self._picture is None or self._picture[0] != image:
            pixels = load(image).pixels
            self._picture = image, pixels, pixels_digest(pixels)
        return self._picture[1:]

    def _code(self, codec: ImageCodec, pixels: np.ndarray, level: int, key: str) -> tuple[dict, np.ndarray]:
        """Encodes and decodes; the file and its own figures go to the store."""
        data, decoded, seconds = code(codec, pixels, level)
        figures = {"bytes": len(data), **seconds, "parts": codec.parts(data)}
        self._store.write(key, figures, data)
        return figures, decoded


def _row(task: Task, shape: tuple[int, ...], figures: dict, metrics: Sequence[str], key: str) -> Row:
    height, width = shape[:2]
    return {
        "image": task.image.name,
        "codec": task.codec,
        "level": task.level,
        "width": width,
        "height": height,
        "bytes": figures["bytes"],
        "bpp": 8 * figures["bytes"] / (width * height),
        **{name: float(figures["metrics"][name]["value"]) for name in metrics},
        "encode-seconds": figures["encode-seconds"],
        "decode-seconds": figures["decode-seconds"],
        **{f"bpp-{name}": 8 * size / (width * height) for name, size in figures["parts"].items()},
        "key": key,
    }
