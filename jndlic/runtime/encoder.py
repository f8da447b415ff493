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
from jndlic.format.symbols import SYMBOL_LIMIT, PhaseSymbols
from jndlic.network.rules import MAGNITUDES
from jndlic.runtime.rows import Arrays, Held, Rows, Source, read_last_first

if TYPE_CHECKING:
    from jndlic.runtime.staged import StagedBackend

_PHASE_STRIDE = 2 * LATENT_STRIDE
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
    fine = rows("analysis-fine", area, area, margins.analysis_fine, strides, pixels)
    strides = LATENT_STRIDE, JND_STRIDE
    both = fine.reader(0)
    coarse = rows("analysis-coarse", area, area, margins.analysis_coarse, strides, both)
    # Kept for longer than what is made with them
    detail = Rows(area, (LATENT_STRIDE,), fine.reader(1))
    z_jnd = Rows(area, (JND_STRIDE,), coarse.reader(1))
    return FeatureRows(partial(coarse.reader, 0), detail.reader, z_jnd.reader)


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
        tables = Rows(
            area,
            (LATENT_STRIDE, LATENT_STRIDE),
            _Tables(backend, area, (features.z_jnd(), hyper.reader(), level)),
        )
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
            coded = read_last_first(self._coded, area)
            yield [PhaseSymbols(*pair) for pair in zip(coded[::2], coded[1::2])]

    def sides(self) -> tuple[np.ndarray, np.ndarray]:
        """See SymbolStream."""
        return self._z_jnd(self._area)[0], self._z(self._area)[0]


class _Tables:
    """t and d of an area: uint8 and int8 (M, rows, columns)."""

    def __init__(self, backend: StagedBackend, limit: Area, sides: Sequence[Source]) -> None:
        self._backend, self._limit, self._sides = backend, limit, sides

    def __call__(self, area: Area) -> Arrays:
        seen = area.grown(self._backend.side_margin, self._limit)
        z_jnd, z, quality = read_last_first(self._sides, seen)
        table, step_index = self._backend.table_index(z_jnd, z, quality)
        place = (slice(None), *area.within(seen))
        return table[place], step_index[place].astype(np.int8)


class _Phase:
    """k, t and ŷ of one phase in an area: int32, uint8 and float32 (M, rows / 2, columns / 2)."""

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
        row, column = PHASES[self._phase]
        # In the order of how many rows they depend on, see `read_last_first`
        if self._known:
            mean, table = self._mean(area)[0], self._refined(area)
        else:
            table, mean = self._refined(area), self._mean(area)[0]
        latent, step_index = (
            source(area)[0][:, row::2, column::2] for source in (self._latent, self._step_index)
        )
        step = self._backend.steps(step_index)
        k = rounded((latent - mean) / step, table, self._backend.thresholds)
        return k, table, mean + step * k.astype(np.float32)

    def _refined(self, area: Area) -> np.ndarray:
        """Tables; no segment sees across its border."""
        self._tables(area.grown(_REFINE_REACH, self._limit))  # all rows in one go
        pieces = []
        for segment in segment_areas(self._limit, area):
            inside = area.grown(0, segment)
            seen = inside.grown(_REFINE_REACH, segment)
            table = self._backend.refine(
                self._phase,
                to_phases(self._tables(seen)[0]),
                [known(seen)[0] for known in self._known],
            )
            pieces.append((inside, table[(slice(None), *inside.within(seen, _PHASE_STRIDE))]))
        if len(pieces) == 1:
            return pieces[0][1]
        rows, columns = area.shape(_PHASE_STRIDE)
        refined = np.empty((pieces[0][1].shape[0], rows, columns), dtype=np.uint8)
        for inside, table in pieces:
            refined[(slice(None), *inside.within(area, _PHASE_STRIDE))] = table
        return refined


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
