"""A picture to the file that meets a target.

picture ─► analysed once ─► file of a quality ─► its size, or decoded and compared ─┐
                                   └◄────────── next quality (search.py) ◄──────────┘

Every look is a real file, so that nothing has to be checked at the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from jndlic.errors import TargetError
from jndlic.format.container import DEPTH_MIN, QUALITY_MAX, QUALITY_MIN
from jndlic.images.pillow import shown
from jndlic.pipeline import analyse_picture, decode_picture, encode_analysed
from jndlic.targets.scale import Scale
from jndlic.targets.search import START, Look, Search
from jndlic.targets.target import MetricTarget, RateTarget, SizeTarget, Target

if TYPE_CHECKING:
    import numpy as np

    from jndlic.images.picture import Picture
    from jndlic.jnd.regions import Roi
    from jndlic.runtime.backend import Backend

_START_RATE, _SLOPE = 0.6, 0.036
"""Bits per pixel of photos at START, and by how much the logarithm of a size rises with each
quality there: where a search begins.
"""

_WAVER = 4
"""Bytes: files of tiny pictures may be so much smaller than those of the quality before; those of
more than some thousand pixels always grow.
"""


class Reached(NamedTuple):
    """A file that meets its target."""

    data: bytes
    quality: int
    value: float
    """What was reached: bytes, bits per pixel or the metric, as the target counts."""
    files: int
    """Made on the way, this one included."""


def encode_to_target(
    picture: Picture,
    target: Target,
    codec: Backend,
    jnd: np.ndarray | str | None = None,
    progress: Callable[[float], None] | None = None,
    scale: Scale | None = None,
    roi: Roi | None = None,
) -> Reached:
    """Compresses a picture at the quality that meets a target. At most LOOKS_MAX files are made.

    A size or a rate: the largest quality whose file is not above it. A metric: the smallest quality
    whose decoded picture, on white where it is transparent, is not worse. Metrics may waver from
    one quality to the next; the file that is given was measured, and so was the quality before it,
    which falls short.

    Args:
        picture: to encode.
        target: to meet.
        codec: networks and tables.
        jnd: see `analyse_picture`.
        progress: gets the share that is done of a slow model's map, then of each file, 0 to 1.
        scale: of a metric; by default it is opened, before the work.
        roi: see `analyse_picture`.

    Raises:
        TargetError: no quality meets the target.
        MetricError, WeightsError: the metric cannot be had, or cannot judge the picture.
        ParameterError: see `analyse_picture`.
    """
    if isinstance(target, MetricTarget):
        scale = scale or target.open()
        files = _Files(picture, codec, jnd, progress, roi)
        return _coarsest(files, target, scale)
    return _finest(_Files(picture, codec, jnd, progress, roi), target)


class _Files:
    """A picture at every quality; arguments as of `encode_to_target`."""

    def __init__(
        self,
        picture: Picture,
        codec: Backend,
        jnd: np.ndarray | str | None,
        progress: Callable[[float], None] | None,
        roi: Roi | None,
    ) -> None:
        self.picture, self._codec, self._progress = picture, codec, progress
        self._analysed = analyse_picture(picture, codec, jnd, progress, roi)
        self.fixed = sum(len(payload) for _, payload in self._analysed.chunks)
        """Bytes that no quality changes."""

    def encode(self, quality: int) -> bytes:
        return encode_analysed(self.picture, self._analysed, quality, self._codec, self._progress)

    def decode(self, data: bytes) -> np.ndarray:
        return shown(decode_picture(data, self._codec, DEPTH_MIN))


def _finest(files: _Files, target: SizeTarget | RateTarget) -> Reached:
    """By size."""
    area, fixed = files.picture.width * files.picture.height, files.fixed
    limit = target.limit(area)
    room = max(limit - fixed, 1)
    sizes: dict[int, int] = {}
    kept: dict[int, bytes] = {}  # of the largest quality that fits

    def look(quality: int) -> Look:
        data = files.encode(quality)
        sizes[quality] = len(data)
        if len(data) <= limit and quality > max(kept, default=0):
            kept.clear()
            kept[quality] = data
        return Look(len(data) > limit, math.log(max(len(data) - fixed, 1) / room))

    expected = START + math.log(8 * room / area / _START_RATE) / _SLOPE
    start = round(min(max(expected, QUALITY_MIN), QUALITY_MAX))
    search = Search(look, QUALITY_MIN, QUALITY_MAX, start, _SLOPE)
    further = search.run() + 1
    while search.left and further < QUALITY_MAX and sizes[further] - limit <= _WAVER:
        further += 1
        if further not in sizes:
            search.look(further)
    if not kept:
        quality = min(sizes, key=lambda one: sizes[one])
        best = target.reached(sizes[quality], area)
        raise TargetError(
            f"no quality makes a file of at most {target.said(target.wanted)}: quality {quality} "
            f"makes {target.said(best)}",
            quality,
            best,
        )
    ((quality, data),) = kept.items()
    return Reached(data, quality, target.reached(len(data), area), len(sizes))


def _coarsest(files: _Files, target: MetricTarget, scale: Scale) -> Reached:
    """By a metric."""
    reference = shown(files.picture)
    values: dict[int, float] = {}
    kept: dict[int, bytes] = {}  # of the smallest quality that is good enough

    def look(quality: int) -> Look:
        data = files.encode(quality)
        values[quality] = scale.value(reference, files.decode(data))
        gain = scale.gain(values[quality], target.wanted)
        if gain >= 0 and quality < min(kept, default=QUALITY_MAX + 1):
            kept.clear()
            kept[quality] = data
        return Look(gain >= 0, gain)

    Search(look, QUALITY_MIN, QUALITY_MAX).run()
    if not kept:
        quality = max(values, key=lambda one: scale.gain(values[one], target.wanted))
        best = values[quality]
        raise TargetError(
            f"no quality is as good as {target.said(target.wanted)}: quality {quality} has "
            f"{best:.6g}",
            quality,
            best,
        )
    ((quality, data),) = kept.items()
    return Reached(data, quality, values[quality], len(values))
