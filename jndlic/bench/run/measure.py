"""One file: a codec, a picture, a level and metrics to a row of figures.

picture ─► encode ─► bytes ─► decode ─► metrics ─► row
             └── kept, where there is a store ──┘
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from jndlic.bench.run.coding import code
from jndlic.bench.run.store import Store, entry_key, pixels_digest
from jndlic.codecs.codec import ImageCodec
from jndlic.codecs.registry import open_codec
from jndlic.images.files import load
from jndlic.metrics.registry import Metric, made_by, select

Row = dict[str, str | int | float]
"""One file's figures by name: image, codec (its text), level, width, height, bytes, bpp, the
metrics, encode-seconds, decode-seconds, bpp-PART for each part of the file, key (in the store).
With "error", the rest may be missing."""


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


class Original:
    """A picture to be coded.

    Args:
        pixels: (H, W, 3) uint8.
    """

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels

    @cached_property
    def digest(self) -> str:
        """Of the pixels, for the store."""
        return pixels_digest(self.pixels)


def measure(
    codec: ImageCodec,
    original: Original,
    level: int,
    metrics: Mapping[str, Metric],
    store: Store | None = None,
) -> Row:
    """The figures of a picture at a level of a codec: all of Row but "image" and "codec", and "key"
    where there is a store.

    Args:
        codec: under test.
        original: the picture.
        level: of the codec.
        metrics: by name.
        store: what it has is not computed again, and what it lacks goes there. Its metrics have
            names of the registry.

    Raises:
        JndlicError: codec or metric failed.
    """
    key = entry_key(original.digest, codec.settings, level) if store else ""
    makers = {name: made_by(name) for name in metrics} if store else {}
    figures: dict[str, Any] | None = store.read(key) if store else None
    decoded = None
    if figures is None:
        data, decoded, seconds = code(codec, original.pixels, level)
        figures = {"bytes": len(data), **seconds, "parts": codec.parts(data)}
        if store:
            store.write(key, figures, data)
    values = figures.setdefault("metrics", {})
    missing = [
        name for name in metrics if name not in values or values[name].get("by") != makers[name]
    ]
    if missing:
        if decoded is None:
            # The figures came from the store, which then has the file too.
            decoded = codec.decode(cast(Store, store).file(key).read_bytes())
        try:
            for name in missing:
                values[name] = {
                    "value": metrics[name](original.pixels, decoded),
                    "by": makers.get(name),
                }
        finally:  # where one fails, those before it need not be computed again
            if store:
                store.write(key, figures)
    row = _row(level, original.pixels.shape, figures, metrics)
    return row | {"key": key} if store else row


class Measurer:
    """Does tasks one after another; codecs, networks and the last picture stay loaded.

    Args:
        setup: metrics and store.
    """

    def __init__(self, setup: Setup) -> None:
        self._metrics = select(setup.metrics, setup.lpips_weights)
        self._store = Store(setup.store)
        self._codecs: dict[str, ImageCodec] = {}
        self._last: tuple[Path, Original] | None = None

    def measure(self, task: Task) -> Row:
        """The row of a task; what the store has of it is not computed again.

        Raises:
            JndlicError: picture, codec or metric failed.
        """
        if self._last is None or self._last[0] != task.image:
            self._last = task.image, Original(load(task.image).pixels)
        if task.codec not in self._codecs:
            self._codecs[task.codec] = open_codec(task.codec)
        row = measure(
            self._codecs[task.codec], self._last[1], task.level, self._metrics, self._store
        )
        return {"image": task.image.name, "codec": task.codec, **row}


def _row(level: int, shape: tuple[int, ...], figures: dict, metrics: Iterable[str]) -> Row:
    height, width = shape[:2]
    return {
        "level": level,
        "width": width,
        "height": height,
        "bytes": figures["bytes"],
        "bpp": 8 * figures["bytes"] / (width * height),
        **{name: float(figures["metrics"][name]["value"]) for name in metrics},
        "encode-seconds": figures["encode-seconds"],
        "decode-seconds": figures["decode-seconds"],
        **{f"bpp-{name}": 8 * size / (width * height) for name, size in figures["parts"].items()},
    }
