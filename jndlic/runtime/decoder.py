"""Symbols to pixels, window by window: of a whole picture in memory that grows with its width only,
or of a part of it from the segments around.

    z_J, z, quality ─► hidden ─► μ of each phase ─┐
    k, d of the segments ─────────────────────────┴─► ŷ ─► synthesis ─► pixels
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from jndlic.format.grid import (
    JND_STRIDE,
    LATENT_STRIDE,
    SEGMENT_LATENTS,
    Area,
    segment_areas,
)
from jndlic.format.phases import PHASES
from jndlic.format.symbols import join_phases, narrow
from jndlic.network.rules import STEM_STRIDE
from jndlic.runtime.pages import lasting, lasting_copy
from jndlic.runtime.rows import Arrays, Held, Rows, Source, band_rows, read_last_first, windows

if TYPE_CHECKING:
    from jndlic.format.coding import SegmentSource
    from jndlic.runtime.staged import StagedBackend

_PHASE_STRIDE = 2 * LATENT_STRIDE
_UNIT = JND_STRIDE // LATENT_STRIDE  # borders of areas are multiples of it, as are most margins
LATENT_STRIDES = *(_PHASE_STRIDE,) * len(PHASES), LATENT_STRIDE
"""Of the arrays k of each phase and d."""

PIXEL_ROWS = 32
PIXEL_SHARE = 3 / 16
"""Latents of a window that becomes pixels, and its size as a share of the usual one: the last stage
holds 145 kB a latent."""


def segment_rows(symbols: SegmentSource, area: Area, picture: Area) -> Rows:
    """k of each phase and d, decoded when they are asked for: int32 and int8.

    Args:
        symbols: of the file.
        area: that will be asked for.
        picture: area of the picture.
    """
    numbered = {place: number for number, place in enumerate(segment_areas(picture))}

    def decoded(part: Area) -> Arrays:
        pieces = []
        for place in segment_areas(picture, part):  # one row of them: the unit of these Rows
            k, step_index = symbols.segment(numbered[place])
            pieces.append((*map(narrow, k), step_index.astype(np.int8)))
        return tuple(map(_side_by_side, zip(*pieces)))

    return Rows(area.aligned(SEGMENT_LATENTS, picture), LATENT_STRIDES, decoded, SEGMENT_LATENTS)


def _side_by_side(arrays: Sequence[np.ndarray]) -> np.ndarray:
    channels, rows = arrays[0].shape[:2]
    columns = sum(array.shape[2] for array in arrays)
    whole = lasting((channels, rows, columns), np.result_type(*arrays))
    return np.concatenate(arrays, axis=2, out=whole)


def latents_needed(backend: StagedBackend, area: Area, picture: Area) -> Area:
    """The latents that the pixels of an area depend on."""
    return _plan(backend, area, picture)[3]


def pixels(
    backend: StagedBackend,
    area: Area,
    picture: Area,
    sides: Held,
    latents: Rows | Held,
) -> Iterator[tuple[Area, np.ndarray]]:
    """Draws an area.

    Args:
        backend: runs the networks.
        area: that is wanted, in whole values of z_J.
        picture: area of the picture.
        sides: z_J, z and the plane of qualities.
        latents: k of each phase and d, at least of `latents_needed`.

    Yields:
        Windows of the area from the top down, with their pixels: (rows, columns, 3) float32, grey
        levels 0..255, not rounded.
    """
    margins, rows = backend.margins, backend.rows
    block_area, feature_area, latent_area, *phase_areas = _plan(backend, area, picture)
    hidden_area = phase_areas[0].grown(margins.first_mean, picture).aligned(4, picture)
    stride = (LATENT_STRIDE,)
    hidden = rows("hidden", hidden_area, picture, margins.hidden, stride, sides.reader())
    known: list[Rows] = []
    for phase, phase_area in enumerate(phase_areas):
        mean = backend.stage(
            f"mean-{phase}",
            picture,
            margins.mean if phase else margins.first_mean,
            (_PHASE_STRIDE,),
            hidden.reader(),
            *(before.reader() for before in known),
        )
        dequantised = _dequantised(
            backend, phase, mean, latents.reader(phase), latents.reader(len(PHASES))
        )
        known.append(Rows(phase_area, (_PHASE_STRIDE,), dequantised))
    strides = LATENT_STRIDE, LATENT_STRIDE
    joined = _joined(backend.detail_channels, [phase.reader() for phase in known])
    latent = Rows(latent_area, strides, joined)
    features = rows(
        "synthesis-coarse",
        feature_area,
        picture,
        margins.synthesis_coarse,
        stride,
        *(latent.reader(0), latents.reader(len(PHASES)), sides.reader(2)),
    )
    blocks = rows(
        "synthesis-fine",
        block_area,
        picture,
        margins.synthesis_fine,
        (STEM_STRIDE,),
        *(features.reader(), sides.reader(2)),
        unit=band_rows(block_area),  # more than a row of windows, to have less in margins
    )
    drawn, detail = blocks.reader(), latent.reader(1)
    for top in range(area.top, area.bottom, PIXEL_ROWS):
        band = area._replace(top=top, bottom=min(top + PIXEL_ROWS, area.bottom))
        for core, window in windows(band, picture, margins.synthesis_pixels, PIXEL_SHARE):
            fine, coarse = read_last_first((detail, drawn), window)
            levels = backend.run("synthesis-pixels", coarse, fine)[0]
            yield core, levels[core.within(window, 1)]


def _plan(backend: StagedBackend, area: Area, picture: Area) -> list[Area]:
    """Areas of the features at 1/8 and at 1/16, of ŷ, and of each phase of it. The first phase
    needs the most; k is needed as far as that.
    """
    margins = backend.margins
    blocks = area.grown(margins.synthesis_pixels, picture).aligned(_UNIT, picture)
    features = blocks.grown(margins.synthesis_fine, picture)
    latent = features.grown(margins.synthesis_coarse, picture)
    phases = [latent]
    for _ in PHASES[1:]:
        phases.insert(0, phases[0].grown(margins.mean, picture))
    return [blocks, features, latent, *phases]


def _dequantised(
    backend: StagedBackend, phase: int, mean: Source, k: Source, step_index: Source
) -> Source:
    """ŷ = μ + r^d k of one phase."""
    row, column = PHASES[phase]

    def make(area: Area) -> Arrays:
        predicted, index, symbols = read_last_first((mean, step_index, k), area)
        step = backend.steps(index[:, row::2, column::2])
        known = lasting(predicted.shape, np.float32)
        return (np.add(predicted, step * symbols.astype(np.float32), out=known),)

    return make


def _joined(detail: int, phases: list[Source]) -> Source:
    """ŷ, and its last channels once more: pixels need those alone, and later than the rest."""

    def make(area: Area) -> Arrays:
        parts = read_last_first(phases, area)
        channels, rows, columns = parts[0].shape
        whole = lasting((channels, 2 * rows, 2 * columns), np.float32)
        join_phases(whole, parts)
        return whole, lasting_copy(whole[-detail:])

    return make
