"""What a file shall be, in place of a quality: at most so large, or at least so good.

SizeTarget     bytes of the whole file       ┐ the finest quality that is not above it
RateTarget     bits per pixel of the same    ┘
MetricTarget   value of a metric               the coarsest quality that is not worse
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from jndlic.arguments import whole_number
from jndlic.choices import METRICS
from jndlic.errors import ParameterError

if TYPE_CHECKING:
    from jndlic.targets.scale import Scale


SIZE_MAX = 1 << 50
"""Bytes: no file is larger, and floats hold every whole number up to here."""


class SizeTarget(NamedTuple):
    """A file of at most so many bytes."""

    wanted: int
    name: str = "size"

    def limit(self, area: int) -> int:
        """Bytes that the file of a picture of so many pixels may have."""
        return min(self.wanted, SIZE_MAX)

    def reached(self, size: int, area: int) -> int:
        """What a file of so many bytes has of what is wanted."""
        return size

    def said(self, value: float) -> str:
        """A value, for people."""
        return f"{value} bytes"


class RateTarget(NamedTuple):
    """A file of at most so many bits per pixel, all that is in it included."""

    wanted: float
    name: str = "bpp"

    def limit(self, area: int) -> int:
        """See SizeTarget."""
        size = math.floor(min(self.wanted * area / 8, float(SIZE_MAX)))
        # The product may be rounded to the wrong side of a whole number
        if self.reached(size, area) > self.wanted:
            return size - 1
        return size + 1 if self.reached(size + 1, area) <= self.wanted else size

    def reached(self, size: int, area: int) -> float:
        """See SizeTarget."""
        return 8 * size / area

    def said(self, value: float) -> str:
        """See SizeTarget."""
        return f"{value:.4g} bpp"


class MetricTarget(NamedTuple):
    """A picture that is at least so good by a metric."""

    name: str
    """One of METRICS."""
    wanted: float
    lpips_weights: str | None = None
    """File of LPIPS; None for the usual place."""

    def open(self) -> Scale:
        """Gets the metric ready.

        Raises:
            MetricError: its library or program is missing.
            WeightsError: LPIPS cannot be loaded.
        """
        from jndlic.targets.scale import open_scale

        return open_scale(self.name, self.lpips_weights)

    def said(self, value: float) -> str:
        """See SizeTarget."""
        return f"{self.name} {value:.6g}"


Target: TypeAlias = SizeTarget | RateTarget | MetricTarget


def chosen_target(
    quality: int | None,
    size: int | None,
    bpp: float | None,
    metric: Sequence[object] | None,
) -> Target | None:
    """The target that arguments name; None where there is none.

    Args:
        quality: excludes all the others.
        size: bytes.
        bpp: bits per pixel.
        metric: a name of METRICS and the value that is good enough.

    Raises:
        ParameterError: there are several, or one is out of its range.
    """
    given = {
        "quality": quality,
        "target_size": size,
        "target_bpp": bpp,
        "target_metric": metric,
    }
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise ParameterError(f"{' and '.join(names)} exclude each other")
    if size is not None:
        return size_target(size)
    if bpp is not None:
        return rate_target(bpp)
    if metric is None:
        return None
    if isinstance(metric, str) or not isinstance(metric, Sequence) or len(metric) != 2:
        raise ParameterError(
            f"target_metric must be the name of a metric and a value, got {metric!r}"
        )
    return metric_target(metric[0], metric[1])


def size_target(size: int) -> SizeTarget:
    """A limit in bytes.

    Raises:
        ParameterError: it is no positive integer.
    """
    size = whole_number(size, "target_size")
    if size < 1:
        raise ParameterError(f"target_size must be at least 1 byte, got {size}")
    return SizeTarget(size)


def rate_target(bpp: float) -> RateTarget:
    """A limit in bits per pixel.

    Raises:
        ParameterError: it is no positive number.
    """
    value = _number(bpp, "target_bpp")
    if value <= 0:
        raise ParameterError(f"target_bpp must be above 0, got {bpp!r}")
    return RateTarget(value)


def metric_target(name: object, value: object, lpips_weights: str | None = None) -> MetricTarget:
    """A metric and the value that is good enough.

    Raises:
        ParameterError: there is no such metric, or the value is no number.
    """
    if not isinstance(name, str) or name not in METRICS:
        raise ParameterError(f"no metric {name!r}; there are {', '.join(METRICS)}")
    return MetricTarget(name, _number(value, f"the value of {name}"), lpips_weights)


def _number(value: object, name: str) -> float:
    try:
        if isinstance(value, (bool, str, bytes)):
            raise TypeError
        number = float(value)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ParameterError(f"{name} must be a number, got {value!r}")
    return number
