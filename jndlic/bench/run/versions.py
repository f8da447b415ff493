"""What several codecs make of one picture at equal sizes.

picture ─► jndlic at a quality ─► file ─┬─────────────────────────────► pixels ─► metrics
                                        └─► its size ─► rivals' files ─► pixels ─► metrics
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jndlic.bench.run.equal_size import file_of_size
from jndlic.codecs.codec import ImageCodec, Session
from jndlic.codecs.display import upright
from jndlic.errors import ImageError, JndlicError
from jndlic.images.colours import to_srgb
from jndlic.images.picture import Picture
from jndlic.images.pillow import shown
from jndlic.images.region import checked_region
from jndlic.metrics.registry import Metric

PIXELS_MAX = 2**22
"""Of a picture in a page, which then has some 33 megabytes at one quality with the usual rivals."""

EXCESS = 0.02
"""How much larger than jndlic's file a rival's may be, as a share of it."""

Crop = tuple[int, int, int, int]
"""Left, top, width, height; pixels."""


class Rival(NamedTuple):
    """A codec that is shown beside jndlic."""

    name: str
    codec: ImageCodec
    levels: tuple[int, ...]
    """That may be chosen, coarse to fine."""


class Version(NamedTuple):
    """One file of a picture, and what it shows."""

    name: str
    """Of the codec."""
    level: int
    data: bytes
    pixels: np.ndarray
    """(H, W, 3) uint8, decoded from the file."""
    bpp: float
    """Bits per pixel."""
    metrics: dict[str, float]
    """By name; NaN where a metric does not apply."""


def prepared(picture: Picture, crop: Crop | None) -> Picture:
    """The part of a picture that is compared, as a browser shows it: upright, in sRGB, on white,
    without metadata, which not all of the formats keep.

    Args:
        picture: as it was read.
        crop: part of the upright picture; None for all of it.

    Raises:
        ParameterError: the part is empty, or not within the picture.
        ImageError: there are more pixels than a page can hold.
    """
    picture = to_srgb(upright(picture))
    pixels = shown(picture)
    height, width = pixels.shape[:2]
    if crop is not None:
        left, top, columns, rows = checked_region(crop, width, height)
        pixels = np.ascontiguousarray(pixels[top : top + rows, left : left + columns])
    height, width = pixels.shape[:2]
    if height * width > PIXELS_MAX:
        columns, rows = min(width, 2048), min(height, 2048)
        middle = (width - columns) // 2, (height - rows) // 2, columns, rows
        start = (0, 0) if crop is None else crop[:2]
        middle = start[0] + middle[0], start[1] + middle[1], columns, rows
        raise ImageError(
            f"{width} x {height} pixels are too many for a page, which holds {PIXELS_MAX} of each "
            f"picture; choose a part, for example --crop {','.join(map(str, middle))}"
        )
    return Picture(pixels, grey=picture.grey)


def version(
    name: str,
    session: Session,
    level: int,
    data: bytes,
    original: np.ndarray,
    metrics: Mapping[str, Metric],
) -> Version:
    """A file decoded and measured.

    Args:
        name: of the codec.
        session: that made the file.
        level: of the file.
        data: the file.
        original: (H, W, 3) uint8.
        metrics: by name.

    Raises:
        ImageError: the decoded picture has another size.
        JndlicError: a metric failed.
    """
    pixels = session.decode(data)
    if pixels.shape != original.shape:
        raise ImageError(f"{name} made {pixels.shape} of a picture of shape {original.shape}")
    bpp = 8 * len(data) / (original.shape[0] * original.shape[1])
    values = {key: float(metric(original, pixels)) for key, metric in metrics.items()}
    return Version(name, level, data, pixels, bpp, values)


def rivals_of_size(
    size: int,
    picture: Picture,
    sessions: Sequence[tuple[Rival, Session]],
    metrics: Mapping[str, Metric],
) -> tuple[list[Version], list[str]]:
    """Files of other codecs, as large as one of jndlic's.

    Args:
        size: bytes; see `file_of_size`, with EXCESS.
        picture: of the sessions.
        sessions: of each rival with the picture.
        metrics: by name.

    Returns:
        The versions; what went wrong with the rivals that are not among them.
    """
    versions, failures = [], []
    for rival, session in sessions:
        try:
            level, data = file_of_size(session.encode, rival.levels, size, EXCESS)
            versions.append(version(rival.name, session, level, data, picture.pixels, metrics))
        except JndlicError as error:
            failures.append(f"{rival.name}: {error}")
    return versions, failures
