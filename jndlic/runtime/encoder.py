"""Pixels to symbols, a few rows at a time: memory grows with the width of a picture only.

    pixels, map ─► analysis ─► features ─► y ─► z, z_J ─► tables, steps
                                           y, hidden ─► μ, k, t of each phase ─► segments

Every array is made from the top down as far as the next segments need it (rows.py); the symbols are
those of the whole picture in one piece, but for the rounding of floats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jndlic.format.grid import HYPER_STRIDE, JND_STRIDE, LATENT_STRIDE, Area, segment_areas
from jndlic.format.phases import PHASES, to_phases
from jndlic.format.symbols import SYMBOL_LIMIT, PhaseSymbols, narrow
from jndlic.network.rules import MAGNITUDES
from jndlic.runtime.pages import lasting, lasting_copy
from jndlic.runtime.rows import (
    Arrays,
    Held,
    Rows,
    Source,
    band_rows,
    by_columns,
    leave,
    read_last_first,
)

if TYPE_CHECKING:
    from jndlic.runtime.staged import StagedBackend

_PHASE_STRIDE = 2 * LATENT_STRIDE
_FINE_SHARE = 2 / 3  # of the usual size of a window: the first stage holds 40 kB a latent
_REFINE_REACH = 2  # latents: the refinement of tables sees the nearest places of each phase


class Features(NamedTuple):
    """What a picture is quantised from at any quality."""

    features: np.ndarray
    """(C, ph / 16, pw / 16) float32."""
    detail: np.ndarray
    """(D, ph / 16, pw / 16) float32."""
    z_jnd: np.ndarray
    """(Cj, ph / 32, pw / 32) int32."""

    @property
    def area(self) -> Area:
        """Of the picture."""
        return Area(0, self.features.shape[1], 0, self.features.shape[2])

    def rows(self) -> FeatureRows:
        """As `analysis` gives them."""
        strides = LATENT_STRIDE, LATENT_STRIDE, JND_STRIDE
        held = Held(self.area, strides, self)
        return FeatureRows(*(partial(held.reader, number) for number in range(3)))


class FeatureRows(NamedTuple):
    """The same for those who ask row by row: each call gives a reader."""

    features: Callable[[], Source]
    detail: Callable[[], Source]
    z_jnd: Callable[[], Source]


def analysis(backend: StagedBackend, area: Area, pixels: Source) -> FeatureRows:
    """Features of a picture.

    Args:
        backend: runs the networks.
        area: of the picture.
        pixels: gives grey levels and JND map of an area, float32 (rows, columns, 3).
    """
    margins, rows = backend.margins, backend.rows
    strides = LATENT_STRIDE, LATENT_STRIDE
    margin = margins.analysis_fine
    fine = rows("analysis-fine", area, area, margin, strides, pixels, share=_FINE_SHARE)
    strides = LATENT_STRIDE, JND_STRIDE
    both = fine.reader(0)
    coarse = rows("analysis-coarse", area, area, margins.analysis_coarse, strides, both)
    return FeatureRows(
        *(partial(each.reader, n) for each, n in ((coarse, 0), (fine, 1), (coarse, 1)))
    )


class SymbolRows:
    """The symbols of a picture in the order in which they are coded; see SymbolStream.

    Args:
        backend: runs the networks.
        area: of the picture.
        features: of the picture.
        quality: plane (ph / 32, pw / 32) of integers 1..100.
    """

    def __init__(
        self, backend: StagedBackend, area: Area, features: FeatureRows, quality: np.ndarray
    ) -> None:
        self._backend, self._area = backend, area
        margins, rows = backend.margins, backend.rows
        level = Held(area, (JND_STRIDE,), (quality,)).reader()
        inputs = features.detail(), features.features(), level
        latent = rows("latent", area, area, margins.latent, (LATENT_STRIDE,), *inputs)
        inputs = latent.reader(), level
        hyper = rows("hyper", area, area, margins.hyper, (HYPER_STRIDE,), *inputs)
        # These two ask at the end only, so that everything is kept for them
        self._z_jnd, self._z = features.z_jnd(), hyper.reader()
        inputs = features.z_jnd(), hyper.reader(), level
        hidden = rows("hidden", area, area, margins.hidden, (LATENT_STRIDE,), *inputs)
        sides = features.z_jnd(), hyper.reader(), level
        tables = Rows(area, (LATENT_STRIDE, LATENT_STRIDE), _tables(backend, area, sides))
        self._phases: list[Rows] = []
        for phase in range(len(PHASES)):
            mean = backend.stage(
                f"mean-{phase}",
                area,
                margins.mean if phase else margins.first_mean,
                (_PHASE_STRIDE,),
                hidden.reader(),
                *(known.reader(2) for known in self._phases),
            )
            quantised = _Phase(phase, backend, area, mean, latent, tables, self._phases)
            self._phases.append(Rows(area, (_PHASE_STRIDE,) * 3, quantised))
        self._coded = [phase.reader(0, 1) for phase in self._phases]

    def segments(self) -> Iterator[list[PhaseSymbols]]:
        """See SymbolStream."""
        for area in segment_areas(self._area):
            leave(self._coded, area.top)
            # Symbols take less memory than what they are made from: that goes on in smaller steps
            for bottom in range(area.top, area.bottom, band_rows(self._area)):
                for reader in reversed(self._coded):
                    reader.prepare(bottom)
            coded = read_last_first(self._coded, area)
            yield [PhaseSymbols(k.astype(np.int32), t) for k, t in zip(coded[::2], coded[1::2])]

    def sides(self) -> tuple[np.ndarray, np.ndarray]:
        """See SymbolStream."""
        return self._z_jnd(self._area)[0], self._z(self._area)[0]


def _tables(backend: StagedBackend, limit: Area, sides: Sequence[Source]) -> Source:
    """t and d of an area: uint8 and int8 (M, rows, columns)."""

    def window(area: Area) -> Arrays:
        table, step_index = backend.table_index(*read_last_first(sides, area))
        return table, step_index.astype(np.int8)

    strides = LATENT_STRIDE, LATENT_STRIDE
    return lambda area: by_columns(area, limit, backend.side_margin, strides, window)


class _Phase:
    """k, t and ŷ of one phase in an area: int16 where that is enough, else int32; uint8; float32;
    all (M, rows / 2, columns / 2).
    """

    def __init__(
        self,
        phase: int,
        backend: StagedBackend,
        limit: Area,
        mean: Source,
        latent: Rows,
        tables: Rows,
        known: Sequence[Rows],
    ) -> None:
        self._phase, self._backend, self._limit, self._mean = phase, backend, limit, mean
        self._latent, self._step_index, self._tables = (
            latent.reader(),
            tables.reader(1),
            tables.reader(0),
        )
        self._known = [rows.reader(0) for rows in known]

    def __call__(self, area: Area) -> Arrays:
        seen = area.grown(_REFINE_REACH, self._limit)
        leave((self._latent, self._step_index), area.top)
        leave((self._tables, *self._known), seen.top)
        # All rows in one go, in the order of how many they depend on, see `read_last_first`
        if self._known:
            mean = self._mean(area)[0]
            self._tables(seen)
        else:
            self._tables(seen)
            mean = self._mean(area)[0]
        k = np.empty(mean.shape, np.int32)
        table, known = (lasting(mean.shape, kind) for kind in (np.uint8, np.float32))
        for segment in segment_areas(self._limit, area):  # in parts, for less memory
            inside = area.grown(0, segment)
            place = (slice(None), *inside.within(area, _PHASE_STRIDE))
            k[place], table[place], known[place] = self._quantised(inside, segment, mean[place])
        return lasting_copy(narrow(k)), table, known

    def _quantised(self, area: Area, segment: Area, mean: np.ndarray) -> Arrays:
        """k, t and ŷ of what lies within one segment."""
        row, column = PHASES[self._phase]
        table = self._refined(area, segment)
        latent, step_index = (
            source(area)[0][:, row::2, column::2] for source in (self._latent, self._step_index)
        )
        step = self._backend.steps(step_index)
        k = rounded((latent - mean) / step, table, self._backend.thresholds)
        return k, table, mean + step * k.astype(np.float32)

    def _refined(self, area: Area, segment: Area) -> np.ndarray:
        """Tables; no segment sees across its border."""
        seen = area.grown(_REFINE_REACH, segment)
        table = self._backend.refine(
            self._phase,
            to_phases(self._tables(seen)[0]),
            [known(seen)[0].astype(np.int32) for known in self._known],
        )
        return table[(slice(None), *area.within(seen, _PHASE_STRIDE))]


def rounded(ratio: np.ndarray, table: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Symbols by the thresholds of jndlic/network/rdoq.py: int32.

    Args:
        ratio: (y - μ) / step.
        table: t of each.
        thresholds: (64 x 4,) float32, four for each table.
    """
    magnitude = np.abs(ratio)
    whole = np.floor(magnitude)
    cell = table.astype(np.int32) * MAGNITUDES + np.minimum(whole, MAGNITUDES - 1).astype(np.int32)
    nearest = np.copysign(whole + (magnitude - whole >= thresholds[cell]), ratio)
    return np.clip(nearest, -SYMBOL_LIMIT, SYMBOL_LIMIT).astype(np.int32)
