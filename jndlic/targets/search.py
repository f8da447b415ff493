"""The last quality before a limit, found with few looks at real files.

What is measured rises with the quality, so that a look tells on which side of the limit a quality
is. The next look goes where a curve through what was seen crosses the limit, as long as halving
what is left could still end the search in time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

LOOKS_MAX = 8
"""Of a search: halving alone needs seven among a hundred qualities."""

START = 50
"""Quality of the first look where nothing tells a better one."""

_PAST = 0.2
"""While all looks are on one side of the limit, the next goes further than where it seems to be, by
this share of the way: between two sides the limit is found sooner.
"""


class Look(NamedTuple):
    """One quality, measured."""

    beyond: bool
    """Whether it is on the far side of the limit."""
    distance: float
    """From the limit, below 0 before it; on a scale where it is nearly linear in the quality."""


class Search:
    """The last number of a range that is not beyond a limit.

    The number that it ends with was itself looked at and found within, the next one beyond, however
    the measured values waver.

    Args:
        look: measures a number; called once for each.
        first, last: of the range.
        start: where to look first.
        slope: distance by which a step of one is likely to change; None where nothing is known.

    Attributes:
        looks: by number.
        within: last number found within the limit so far; `first` - 1 where none was.
    """

    def __init__(
        self,
        look: Callable[[int], Look],
        first: int,
        last: int,
        start: int = START,
        slope: float | None = None,
    ) -> None:
        self._look, self._slope = look, slope
        self.looks: dict[int, Look] = {}
        self.within, self._beyond = first - 1, last + 1
        self._next: float | None = start

    @property
    def left(self) -> int:
        """Looks that may still be taken."""
        return LOOKS_MAX - len(self.looks)

    def run(self) -> int:
        """Searches; gives `within`."""
        while self._beyond - self.within > 1:
            self.look(self._choose())
            self._next = self._crossing()
        return self.within

    def look(self, number: int) -> Look:
        """Measures a number, and learns from it on which side of it the limit is."""
        seen = self.looks[number] = self._look(number)
        if seen.beyond:
            self._beyond = min(self._beyond, number)
        else:
            self.within = max(self.within, number)
        return seen

    def _choose(self) -> int:
        """The number to look at next: halving what is left on either side of it must be possible
        with the looks that are left after it.
        """
        reach = 2 ** (self.left - 1)
        lowest = max(self.within + 1, self._beyond - reach)
        highest = min(self._beyond - 1, self.within + reach)
        if self._next is None:
            return (self.within + self._beyond) // 2
        return math.floor(min(max(self._next, lowest), highest))

    def _crossing(self) -> float | None:
        """Where the limit is likely to be; None where what was seen does not tell."""
        seen = [(one.distance, number) for number, one in self.looks.items()]
        seen = sorted((point for point in seen if math.isfinite(point[0])), key=_closeness)
        near, across = seen[:3], [point for point in seen if _across(point, seen[0])]
        if across:
            if len(near) == 3 and across[0] in near and _rises(near):
                return _inverse(near)
            pair = [near[0], across[0]]
            return _inverse(pair) if _rises(pair) else None
        if len(near) > 1 and _rises(near[:2]):
            crossing = _inverse(near[:2])
        elif near and self._slope is not None:
            crossing = near[0][1] - near[0][0] / self._slope
        else:
            return None
        return crossing + _PAST * (crossing - near[0][1])


def _closeness(point: tuple[float, int]) -> float:
    return abs(point[0])


def _across(point: tuple[float, int], other: tuple[float, int]) -> bool:
    """Whether the limit is between two points."""
    return (point[0] > 0) != (other[0] > 0)


def _rises(points: list[tuple[float, int]]) -> bool:
    """Whether the distances rise with the numbers, strictly."""
    by_number = sorted(points, key=lambda point: point[1])
    return all(before[0] < after[0] for before, after in zip(by_number, by_number[1:]))


def _inverse(points: list[tuple[float, int]]) -> float:
    """Where the polynomial through the points, numbers over distances, has distance 0."""
    total = 0.0
    for index, (distance, number) in enumerate(points):
        weight = 1.0
        for other, (elsewhere, _) in enumerate(points):
            if other != index:
                weight *= elsewhere / (elsewhere - distance)
        total += weight * number
    return total
