"""The rows of a benchmark as a table on disk, and grouped into the curves of its codecs."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jndlic.bench.run.bdrate import Curve
from jndlic.bench.run.measure import Row
from jndlic.files import write_atomically

MADE_BY = "made-by"
"""Versions of the packages of the metrics, as a digest."""

TEXTS = ("set", "image", "codec", "key", MADE_BY, "error")
TIMES = ("encode-seconds", "decode-seconds")
"""Rows that were measured elsewhere have none."""

FIRST = ("set", "image", "codec", "level", "width", "height", "bytes", "bpp")
LAST = (*TIMES, "key", MADE_BY, "error")


class Opened(NamedTuple):
    """A codec that takes part."""

    spec: str
    """Its text, see `open_codec`."""
    name: str
    settings: str
    levels: tuple[int, ...]
    weights: str
    """Begin of the SHA-256 of its weights file; empty for those without weights."""
    trained_on: tuple[str, ...] = ()
    """Metrics in the loss of its weights, as far as they are known."""


class Measured(NamedTuple):
    """All that was measured of one codec."""

    codec: Opened
    levels: tuple[int, ...]
    """Those that every picture has."""
    images: tuple[str, ...]
    values: dict[str, np.ndarray]
    """Figures by name, (pictures, levels) float64."""

    def curve(self) -> Curve:
        """Means over the pictures."""
        results = {"quality": [float(level) for level in self.levels]}
        results |= {name: values.mean(0).tolist() for name, values in self.values.items()}
        return Curve(
            self.codec.name,
            f"{self.codec.settings}; mean over {len(self.images)} pictures, bytes of real files",
            results,
        )

    def largest_image(self) -> str:
        """Name of the picture with the most pixels."""
        pixels = self.values["width"][:, 0] * self.values["height"][:, 0]
        return self.images[int(pixels.argmax())]

    def part(self, images: Sequence[str]) -> Measured:
        """The same of some of the pictures; those that it lacks do not count."""
        places = [place for place, image in enumerate(self.images) if image in images]
        values = {name: figures[places] for name, figures in self.values.items()}
        return self._replace(images=tuple(self.images[place] for place in places), values=values)

    def picture_curve(self, image: str) -> dict[str, list[float]]:
        """The figures of one picture."""
        return {
            name: values[self.images.index(image)].tolist() for name, values in self.values.items()
        }


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """A TSV file with a line for each row; columns that a row lacks are empty."""
    names = {name for row in rows for name in row}
    middle = [name for row in rows for name in row if name not in (*FIRST, *LAST)]
    columns = [name for name in (*FIRST, *dict.fromkeys(middle), *LAST) if name in names]
    text = io.StringIO()
    writer = csv.DictWriter(
        text, columns, delimiter="\t", lineterminator="\n", extrasaction="raise"
    )
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {
                name: f"{value:.6g}" if isinstance(value, float) else value
                for name, value in row.items()
            }
        )
    write_atomically(path, text.getvalue().encode())


def read_rows(path: Path) -> list[Row]:
    """The rows of a TSV file."""
    with open(path, encoding="utf-8", newline="") as file:
        return [
            {
                name: value if name in TEXTS else float(value)
                for name, value in row.items()
                if value != ""
            }
            for row in csv.DictReader(file, delimiter="\t")
        ]


def group(rows: Sequence[Row], codec: Opened) -> Measured | None:
    """The rows of one codec; None where no level has all pictures.

    Args:
        rows: of any codecs. Those with an error do not count.
        codec: whose rows to take.
    """
    own = [row for row in rows if row["codec"] == codec.spec]
    good = {(row["image"], row["level"]): row for row in own if "error" not in row}
    images = tuple(sorted({str(row["image"]) for row in own}))
    levels = [
        level
        for level in dict.fromkeys(row["level"] for row in own)
        if all((image, level) in good for image in images)
    ]
    if not levels:
        return None
    levels.sort(key=lambda level: sum(float(good[image, level]["bytes"]) for image in images))
    names = [
        name
        for name in good[images[0], levels[0]]
        if name not in (*TEXTS, "level")
        and (name not in TIMES or all(name in row for row in good.values()))
    ]
    values = {
        name: np.array(
            [[good[image, level].get(name, math.nan) for level in levels] for image in images],
            dtype=np.float64,
        )
        for name in names
    }
    return Measured(codec, tuple(int(level) for level in levels), images, values)
