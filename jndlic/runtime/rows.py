"""Arrays that are too large to be held: made from the top down as far as they are asked for, and
dropped where they will not be asked for again.

    reader(area) ─► Rows ─► make(the rows that are missing) ─► readers of other Rows ─► ...

All arrays are channel first, (C, rows, columns), and places are counted in latents (16 pixels)
whatever an array's own stride is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from jndlic.format.grid import HYPER_STRIDE, LATENT_STRIDE, SEGMENT_LATENTS, Area
from jndlic.runtime.pages import lasting, lasting_copy

Arrays = tuple[np.ndarray, ...]
Source = Callable[[Area], Arrays]
"""Gives the arrays of an area."""

ROWS_AT_ONCE = 96
"""Latents; more are made in several pieces, so that a window stays small, but no fewer than the
unit of a Rows."""

BAND_LATENTS = 1 << 15
"""Of wide pictures fewer rows are made at once: no more than have so many latents, but for
`_ROWS_LEAST`. Below that, most of the time would go into margins."""

_ROWS_LEAST = 32

WINDOW_LATENTS = 8192
"""Most latents of a window, its margins included. Most stages hold 4 to 15 kB a latent while they
run; of smaller windows the margins would be a larger share."""

NARROWEST = 4
"""Latents of a window without its margins, if nothing wider is small enough."""


_COARSEST = HYPER_STRIDE // LATENT_STRIDE
"""Latents between the values of the coarsest array: what is forgotten ends between two of them."""


class Rows:
    """See the module.

    Args:
        area: all that can be asked for.
        strides: pixels between the values of each array.
        make: gives the arrays of some rows of the area, in its full width.
        unit: in latents: rows are made up to a multiple of it.
    """

    def __init__(self, area: Area, strides: Sequence[int], make: Source, unit: int = 4) -> None:
        self.area, self._strides, self._make, self._unit = area, strides, make, unit
        # Of each array for itself: one is needed for longer than another
        self._held: list[list[tuple[Area, np.ndarray]]] = [[] for _ in strides]
        self._bottom = area.top
        # Not the readers, which hold this: what is held should go with the last of them, at once
        self._tops: list[_Top] = []

    def reader(self, *chosen: int) -> Reader:
        """Somebody who asks; what no reader needs any more is forgotten. All readers must be there
        before the first one asks.

        Args:
            chosen: numbers of the arrays that it gets; all of them by default.
        """
        self._tops.append(_Top(self.area.top, chosen or tuple(range(len(self._strides)))))
        return Reader(self, self._tops[-1])

    def read(self, area: Area, chosen: Sequence[int]) -> Arrays:
        """Some arrays of an area; see Reader."""
        self.make(area.bottom)
        self._forget()
        return tuple(self._assembled(area, number) for number in chosen)

    def make(self, bottom: int) -> None:
        """Makes the rows above one that are missing."""
        while self._bottom < bottom:
            wanted = min(-(-bottom // self._unit) * self._unit, self.area.bottom)
            rows = min(ROWS_AT_ONCE, band_rows(self.area) * 3 // 2)
            most = max(rows // self._unit, 1) * self._unit
            pieces = -(-(wanted - self._bottom) // most)
            step = -(-(wanted - self._bottom) // (pieces * self._unit)) * self._unit
            part = self.area._replace(
                top=self._bottom, bottom=min(self._bottom + step, self.area.bottom)
            )
            self._forget()
            for held, array in zip(self._held, self._make(part)):
                held.append((part, array))
            self._bottom = part.bottom

    def _forget(self) -> None:
        for number, stride in enumerate(self._strides):
            rows = [top.row for top in self._tops if number in top.chosen]
            needed = min(rows, default=self.area.bottom) // _COARSEST * _COARSEST
            self._held[number] = list(_kept(self._held[number], needed, stride))

    def _assembled(self, area: Area, number: int) -> np.ndarray:
        pieces = []
        for part, array in self._held[number]:
            common = part._replace(
                top=max(part.top, area.top),
                bottom=min(part.bottom, area.bottom),
                left=area.left,
                right=area.right,
            )
            if common.top < common.bottom:
                pieces.append(array[(slice(None), *common.within(part, self._strides[number]))])
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=1)


def _kept(
    held: Sequence[tuple[Area, np.ndarray]], top: int, stride: int
) -> Iterator[tuple[Area, np.ndarray]]:
    """Of the pieces of an array, what lies below a row."""
    for part, array in held:
        rest = part._replace(top=max(part.top, top))
        if rest.top >= part.bottom:
            continue
        if rest.bottom - rest.top <= (part.bottom - part.top) // 2:
            # Copied, since a view would keep the whole
            yield rest, lasting_copy(array[(slice(None), *rest.within(part, stride))])
        else:
            yield part, array


class _Top:
    """The first row that a reader may still ask for, and of which arrays."""

    def __init__(self, row: int, chosen: Sequence[int]) -> None:
        self.row, self.chosen = row, chosen


class Reader:
    """One who reads Rows from the top down."""

    def __init__(self, rows: Rows, top: _Top) -> None:
        self._rows, self._top = rows, top

    def __call__(self, area: Area) -> Arrays:
        """The arrays of an area.

        Args:
            area: within that of the rows; its top is not above that of the area before.
        """
        if area.top < self._top.row:
            raise ValueError(f"row {area.top} was asked for after row {self._top.row}")
        self._top.row = area.top
        return self._rows.read(area, self._top.chosen)

    def prepare(self, bottom: int) -> None:
        """Has all rows above one made, and lets go of none."""
        self._rows.make(bottom)

    def leave(self, row: int) -> None:
        """Tells, before it asks, that it will ask for nothing above a row any more."""
        self._top.row = max(self._top.row, row)


def leave(sources: Iterable[Source], row: int) -> None:
    """The same for all sources that are readers: what is made for the first of them should not find
    what only the others still seem to need.
    """
    for source in sources:
        if isinstance(source, Reader):
            source.leave(row)


def band_rows(area: Area) -> int:
    """How many rows of an area should be made at once: those of a segment, or of a wide one half as
    many, or fewer. In latents.
    """
    rows = SEGMENT_LATENTS
    while rows > _ROWS_LEAST and rows * (area.right - area.left) > BAND_LATENTS:
        rows //= 2
    return rows


def read_last_first(sources: Sequence[Source], area: Area) -> list[np.ndarray]:
    """The arrays of all sources in their order.

    Args:
        sources: the one that depends on most rows comes last. It is read first, so that what it has
            in common with the others is made in one go, not a few rows at a time.
        area: that is wanted.
    """
    leave(sources, area.top)
    arrays = [list(source(area)) for source in reversed(sources)]
    return [array for each in reversed(arrays) for array in each]


def gathered(sources: Sequence[Source], strides: Sequence[int], area: Area) -> list[np.ndarray]:
    """The first array of each source, read row by row: in less memory than one after the other.

    Args:
        sources: of the arrays.
        strides: pixels between the values of each.
        area: that is wanted.
    """
    whole: list[np.ndarray] = []
    for top in range(area.top, area.bottom, SEGMENT_LATENTS):
        band = area._replace(top=top, bottom=min(top + SEGMENT_LATENTS, area.bottom))
        for number, (source, stride) in enumerate(zip(sources, strides)):
            (values,) = source(band)
            if top == area.top:
                whole.append(np.empty((len(values), *area.shape(stride)), values.dtype))
            whole[number][(slice(None), *band.within(area, stride))] = values
    return whole


class Held:
    """Arrays that are there, read like Rows.

    Args:
        area: of the arrays.
        strides: pixels between the values of each.
        arrays: (C, rows, columns), or planes (rows, columns).
    """

    def __init__(self, area: Area, strides: Sequence[int], arrays: Sequence[np.ndarray]) -> None:
        self.area, self._strides, self._arrays = area, strides, arrays

    def reader(self, *chosen: int) -> Source:
        """See Rows."""
        numbers = chosen or range(len(self._arrays))
        return lambda area: tuple(
            self._arrays[number][(..., *area.within(self.area, self._strides[number]))]
            for number in numbers
        )


def by_columns(
    area: Area, limit: Area, margin: int, strides: Sequence[int], make: Source, share: float = 1.0
) -> Arrays:
    """Arrays of an area, made window by window.

    Args:
        area: that is wanted.
        limit: the picture.
        margin: latents around a window that its values depend on.
        strides: pixels between the values of each array.
        make: gives the arrays of a window with its margin.
        share: see `windows`.
    """
    pieces = windows(area, limit, margin, share)
    if pieces == [(area, area)]:
        return make(area)
    whole: list[np.ndarray] = []
    for core, window in pieces:
        # Copied, so that what the window holds beyond its core is free again
        for number, (array, stride) in enumerate(zip(make(window), strides)):
            if core is pieces[0][0]:
                whole.append(lasting((len(array), *area.shape(stride)), array.dtype))
            place = slice(None), *core.within(area, stride)
            whole[number][place] = array[(slice(None), *core.within(window, stride))]
    return tuple(whole)


def windows(area: Area, limit: Area, margin: int, share: float = 1.0) -> list[tuple[Area, Area]]:
    """The pieces of an area and the windows that they are made in. The widest comes first: the
    others find room in the memory that it has left.

    Args:
        area: that is wanted.
        limit: the picture.
        margin: latents around a piece that its values depend on.
        share: see `cut`.
    """
    pieces = [(core, core.grown(margin, limit)) for core in cut(area, margin, share)]
    return sorted(pieces, key=lambda piece: piece[1].left - piece[1].right)


def cut(area: Area, margin: int, share: float = 1.0) -> list[Area]:
    """The area in pieces of about equal width, multiples of 4 latents, that are small enough with a
    margin around.

    Args:
        area: to be cut.
        margin: in latents.
        share: of the usual size, for what needs more memory than other stages.
    """
    columns = int(share * WINDOW_LATENTS) // (area.bottom - area.top + 2 * margin) - 2 * margin
    count = -(-(area.right - area.left) // max(columns // 4 * 4, NARROWEST))
    step = -(-(area.right - area.left) // (4 * count)) * 4
    return [
        area._replace(left=left, right=min(left + step, area.right))
        for left in range(area.left, area.right, step)
    ]
