"""A codec of a few lines with the interface of `jndlic.runtime.backend.Backend`: tests of files,
calls and commands run on it in milliseconds, and need no weights. Its pictures are 16 x 16 blocks
of one colour each."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from jndlic.format.coding import DecodedSymbols, SegmentSource
from jndlic.format.entropy import TOTAL, SymbolTables
from jndlic.format.grid import LATENT_STRIDE, Area, picture_area, segment_areas
from jndlic.format.symbols import Symbols, WholeSymbols, join_phases
from jndlic.runtime.rows import Source


def normal_tables(scales: list[float]) -> SymbolTables:
    """Tables of rounded normal values around 0, one for each standard deviation."""
    counts, offsets = [], []
    for scale in scales:
        reach = math.ceil(5 * scale)
        edges = [
            0.5 * math.erf((value - 0.5) / scale / 2**0.5) for value in range(-reach, reach + 2)
        ]
        table = np.rint(np.append(np.diff(edges), 1e-6) * TOTAL).astype(np.int64).clip(1)
        table[reach] += TOTAL - table.sum()
        counts.append(table.astype(np.uint32))
        offsets.append(-reach)
    return SymbolTables(tuple(counts), np.array(offsets))


class ToyCodec:
    """Means of blocks, rounded; nothing is learned."""

    def __init__(self) -> None:
        self.name = "toy"
        self.trained_on = ()
        self.knows_photos = False
        self.fingerprint = b"toycodec"
        self.side_margin = 0
        self.tables_z = normal_tables([4.0, 4.0, 4.0])
        self.tables_z_jnd = normal_tables([2.0, 2.0])
        self.tables_latent = normal_tables([1.0, 3.0, 9.0, 30.0])

    def analyse(self, pixels: np.ndarray, jnd: np.ndarray) -> Tensor:
        height, width = pixels.shape[:2]
        both = torch.tensor(np.concatenate((pixels, jnd), 2)).permute(2, 0, 1)[None].float()
        return functional.pad(both, (0, -width % 64, 0, -height % 64), mode="replicate")

    def analyse_rows(self, pixels: Source, height: int, width: int) -> Tensor:
        return self.analyse(*pixels(picture_area(height, width)))

    def quantise_rows(self, analysis: Tensor, quality: int | np.ndarray) -> WholeSymbols:
        return WholeSymbols(self.quantise(analysis, quality))

    def quantise(self, analysis: Tensor, quality: int | np.ndarray) -> Symbols:
        def means(part: Tensor, size: int, step: float | Tensor) -> np.ndarray:
            return (functional.avg_pool2d(part, size)[0] / step).round().to(torch.int32).numpy()

        z_jnd, z = means(analysis[:, 3:5], 32, 4.0), means(analysis[:, :3] - 128, 64, 16.0)
        t, d = self.table_index(z_jnd, z, quality)
        return Symbols(
            z_jnd, z, means(analysis[:, :3] - 128, 16, self._step(self._latents(quality))), t
        )

    def code(
        self, pixels: Source, height: int, width: int, quality: int | np.ndarray
    ) -> WholeSymbols:
        window = pixels(picture_area(height, width))
        return WholeSymbols(self.quantise(self.analyse(*window), quality))

    def step_levels(self) -> np.ndarray:
        return np.log2(self._step(torch.arange(1, 101)).numpy())

    def table_index(
        self, z_jnd: np.ndarray, z: np.ndarray, quality: int | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        latents = self._latents(quality).numpy()
        t = np.clip(np.abs(z).repeat(4, 1).repeat(4, 2) + latents // 34, 0, 3).astype(np.uint8)
        return t, np.broadcast_to(latents, t.shape).astype(np.int32)

    def refine(self, phase: int, tables: list[np.ndarray], symbols: list[np.ndarray]) -> np.ndarray:
        return tables[phase]

    def synthesise(self, decoded: DecodedSymbols, height: int, width: int) -> np.ndarray:
        steps = self._step(self._latents(decoded.quality.values))
        return self._blocks(decoded.symbols.k, steps)[:height, :width]

    def draw(
        self, symbols: SegmentSource, height: int, width: int, area: Area
    ) -> Iterator[tuple[Area, np.ndarray]]:
        picture = picture_area(height, width)
        shape = picture.shape(LATENT_STRIDE)
        steps = self._step(self._latents(symbols.quality.values)).expand(shape)
        for number, segment in enumerate(segment_areas(picture)):
            inside = segment.grown(0, area)
            if inside.top >= inside.bottom or inside.left >= inside.right:
                continue
            k = np.empty((3, *segment.shape(LATENT_STRIDE)), np.int32)
            join_phases(k, symbols.segment(number)[0])
            part = k[(slice(None), *inside.within(segment))]
            yield inside, self._blocks(part, steps[inside.within(picture)])

    @staticmethod
    def _blocks(k: np.ndarray, steps: Tensor) -> np.ndarray:
        levels = torch.from_numpy(k)[None].float() * steps + 128
        pixels = functional.interpolate(levels, scale_factor=16)[0]
        return pixels.clamp(0.0, 255.0).permute(1, 2, 0).numpy()

    @staticmethod
    def _latents(quality: int | np.ndarray) -> Tensor:
        """The quality at each latent, (h, w) or (1, 1)."""
        return torch.tensor(quality.repeat(2, 0).repeat(2, 1) if np.ndim(quality) else [[quality]])

    @staticmethod
    def _step(quality: Tensor) -> Tensor:
        return 1 + (100 - quality) / 4
