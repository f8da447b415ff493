"""Arrays that are too large to be held: made from the top down as far as they are asked for, and
dropped where they will not be asked for again.

    reader(area) ─► Rows ─► make(the rows that are missing) ─► readers of other Rows ─► ...

All arrays are channel first, (C, rows, columns), and places are counted in latents (16 pixels)
whatever an array's own stride is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from jndlic.format.grid import SEGMENT_LATENTS, Area

Arrays = tuple[np.ndarray, ...]
Source = Callable[[Area], Arrays]
"""Gives the arrays of an area."""

ROWS_AT_ONCE = 96
"""Latents; more are made in several pieces, so that a window stays small, but no fewer than the
unit of a Rows."""

WINDOW_LATENTS = 8192
"""Most latents of a window, its margins included. A stage holds 10 to 20 kB a latent while it runs;
of smaller windows the margins would be a larger share."""

NARROWEST = 4
"""Latents of a window without its margins, if nothing wider is small enough."""


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
        self._held: list[tuple[Area, Arrays]] = []
        self._bottom = area.top
        # Not the readers, which hold this: what is held should go with the last of them, at once
        self._tops: list[_Top] = []

    def reader(self, *chosen: int) -> Reader:
        """Somebody who asks; what no reader needs any more is forgotten. All readers must be there
        before the first one asks.

        Args:
            chosen: numbers of the arrays that it gets; all of them by default.
        """
        self._tops.append(_Top(self.area.top))
        return Reader(self, self._tops[-1], chosen or tuple(range(len(self._strides))))

    def read(self, area: Area, chosen: Sequence[int]) -> Arrays:
        """Some arrays of an area; see Reader."""
        while self._bottom < area.bottom:
            wanted = min(-(-area.bottom // self._unit) * self._unit, self.area.bottom)
            most = max(ROWS_AT_ONCE // self._unit, 1) * self._unit
            pieces = -(-(wanted - self._bottom) // most)
            step = -(-(wanted - self._bottom) // (pieces * self._unit)) * self._unit
            part = self.area._replace(
                top=self._bottom, bottom=min(self._bottom + step, self.area.bottom)
            )
            self._forget()
            self._held.append((part, self._make(part)))
            self._bottom = part.bottom
        self._forget()
        return self._assembled(area, chosen)

    def _forget(self) -> None:
        needed = min(top.row for top in self._tops) // self._unit * self._unit
        held, self._held = self._held, []
        for part, arrays in held:
            rest = part._replace(top=max(part.top, needed))
            if rest.top >= part.bottom:
                continue
            if rest.bottom - rest.top <= (part.bottom - part.top) // 2:
                # Copied, since a view would keep the whole
                arrays = tuple(
                    array[(slice(None), *rest.within(part, stride))].copy()
                    for array, stride in zip(arrays, self._strides)
                )
                part = rest
            self._held.append((part, arrays))

    def _assembled(self, area: Area, chosen: Sequence[int]) -> Arrays:
        pieces = []
        for part, arrays in self._held:
            common = part._replace(
                top=max(part.top, area.top),
                bottom=min(part.bottom, area.bottom),
                left=area.left,
                right=area.right,
            )
            if common.top < common.bottom:
                pieces.append(
                    [
                        arrays[number][(slice(None), *common.within(part, self._strides[number]))]
                        for number in chosen
                    ]
                )
        if len(pieces) == 1:
            return tuple(pieces[0])
        return tuple(np.concatenate(parts, axis=1) for parts in zip(*pieces))


class _Top:
    """The first row that a reader may still ask for."""

    def __init__(self, row: int) -> None:
        self.row = row


class Reader:
    """One who reads Rows from the top down."""

    def __init__(self, rows: Rows, top: _Top, chosen: Sequence[int]) -> None:
        self._rows, self._top, self._chosen = rows, top, chosen

    def __call__(self, area: Area) -> Arrays:
        """The arrays of an area.

        Args:
            area: within that of the rows; its top is not above that of the area before.
        """
        if area.top < self._top.row:
            raise ValueError(f"row {area.top} was asked for after row {self._top.row}")
        self._top.row = area.top
        return self._rows.read(area, self._chosen)


def read_last_first(sources: Sequence[Source], area: Area) -> list[np.ndarray]:
    """The arrays of all sources in their order.

    Args:
        sources: the one that depends on most rows comes last. It is read first, so that what it has
            in common with the others is made in one go, not a few rows at a time.
        area: that is wanted.
    """
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
    area: Area, limit: Area, margin: int, strides: Sequence[int], make: Source
) -> Arrays:
    """Arrays of an area, made window by window from left to right.

    Args:
        area: that is wanted.
        limit: the picture.
        margin: latents around a window that its values depend on.
        strides: pixels between the values of each array.
        make: gives the arrays of a window with its margin.
    """
    cores = cut(area, margin)
    if cores == [area] and area.grown(margin, limit) == area:
        return make(area)
    whole: list[np.ndarray] = []
    for core in cores:
        window = core.grown(margin, limit)
        # Copied, so that what the window holds beyond its core is free again
        for number, (array, stride) in enumerate(zip(make(window), strides)):
            if core is cores[0]:
                whole.append(np.empty((len(array), *area.shape(stride)), array.dtype))
            place = slice(None), *core.within(area, stride)
            whole[number][place] = array[(slice(None), *core.within(window, stride))]
    return tuple(whole)


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
