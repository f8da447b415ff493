"""Photos kept on the training device; crops are gathered there, a whole batch at a time.

    photos (H, W, 3) uint8 ─► one buffer (N, 3) on the device ─┐
    seed, step ─► places, flips, scales, qualities (host) ─────┴─► index (B, S, S) ─► gather
    gather (some: the piece of four with most edges) ─► (B, 3, S, S) uint8 ─► drawings over some
    ─► crops

A batch is a function of the seed and the number of the step alone: a resumed run sees the crops
that it would have seen, and N processes that take every N-th crop of a batch see together what one
process would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from jndlic.training.photos.drawings import drawn_over
from jndlic.training.photos.edges import CANDIDATES, edge_amount
from jndlic.training.photos.quality_fields import DRAWS, quality_fields


class CropBatch(NamedTuple):
    """What a training step gets."""

    crops: Tensor
    """(B, 3, S, S) uint8."""
    quality: Tensor
    """(B, S/32, S/32) int64, 1..100."""


class ResidentPhotos:
    """The pixels of all photos in one buffer.

    Args:
        photos: (H, W, 3) uint8 each, no side shorter than a crop.
        device: where the buffer lives.
    """

    def __init__(self, photos: list[np.ndarray], device: torch.device | str = "cpu") -> None:
        self.rows = np.array([photo.shape[0] for photo in photos])
        self.columns = np.array([photo.shape[1] for photo in photos])
        areas = self.rows * self.columns
        self.largest_side = int(np.minimum(self.rows, self.columns).max())
        self.starts = np.concatenate(([0], np.cumsum(areas)[:-1]))
        # Large photos hold more different crops, but a photo counts for its motif too: between area
        # and one each.
        self.weights = np.sqrt(areas)
        self.pixels = torch.empty(int(areas.sum()), 3, dtype=torch.uint8, device=device)
        for photo, start, area in zip(photos, self.starts, areas):
            self.pixels[start : start + area] = torch.tensor(photo).view(-1, 3)

    def gather(self, draws: np.ndarray, side: int) -> Tensor:
        """Square pieces, flipped and transposed at random.

        Args:
            draws: (B, 5) uniform random numbers below 1: photo, row, column, mirrored, transposed.
            side: of the pieces, in pixels; smaller photos are left out.

        Returns:
            (B, 3, side, side) uint8 on the buffer's device.
        """
        shares = np.where(np.minimum(self.rows, self.columns) >= side, self.weights, 0.0).cumsum()
        chosen = np.searchsorted(shares, draws[:, 0] * shares[-1], side="right")
        rows, columns = self.rows[chosen], self.columns[chosen]
        top, left = (
            (draws[:, 1] * (rows - side + 1)).astype(int),
            (draws[:, 2] * (columns - side + 1)).astype(int),
        )
        mirrored, transposed = draws[:, 3] < 0.5, draws[:, 4] < 0.5
        across = np.where(mirrored, -1, 1)
        start = self.starts[chosen] + top * columns + left + mirrored * (side - 1)
        down_step, right_step = (
            np.where(transposed, across, columns),
            np.where(transposed, columns, across),
        )
        places = np.stack((start, down_step, right_step)).astype(np.int64)
        start, down_step, right_step = torch.from_numpy(places).to(self.pixels.device)[
            :, :, None, None
        ]
        line = torch.arange(side, device=self.pixels.device)
        index = start + down_step * line[:, None] + right_step * line
        return self.pixels[index].permute(0, 3, 1, 2)


class ResidentLoader:
    """An endless run of batches, cut into epochs; see the module's text.

    Args:
        photos: the buffer.
        crop_size: side S of the crops.
        batch_size: B, crops per step and process.
        steps: batches that make an epoch.
        smallest_scale: half of each batch is scaled down, by one factor from here to 1.
        seed: of all draws.
        first_step: number of the first batch.
        rank, world: this process takes crops rank, rank + world, ... of B x world.
        drawn: share of the crops that get a drawing (jndlic/training/photos/drawings.py).
        edged: share of the crops that are the one with the most edges of four
            (jndlic/training/photos/edges.py).
    """

    def __init__(
        self,
        photos: ResidentPhotos,
        crop_size: int,
        batch_size: int,
        steps: int,
        smallest_scale: float = 0.5,
        seed: int = 0,
        first_step: int = 0,
        rank: int = 0,
        world: int = 1,
        drawn: float = 0.0,
        edged: float = 0.0,
    ) -> None:
        self.photos, self.crop_size, self.batch_size, self.steps = (
            photos,
            crop_size,
            batch_size,
            steps,
        )
        self.smallest_scale, self.seed, self.next_step = smallest_scale, seed, first_step
        self.rank, self.world, self.drawn, self.edged = rank, world, drawn, edged

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[CropBatch]:
        for _ in range(self.steps):
            self.next_step += 1
            yield self.batch(self.next_step - 1)

    def batch(self, step: int) -> CropBatch:
        """The batch of one step."""
        random = np.random.default_rng((self.seed, step))
        enlarged = int(self.crop_size / random.uniform(self.smallest_scale, 1.0))
        halves = (self.batch_size - self.batch_size // 2, self.batch_size // 2)
        draws, quality_draws = (
            [self._share(random, half, width) for half in halves] for width in (5, DRAWS)
        )
        sides = (self.crop_size, min(enlarged, self.photos.largest_side))
        for half, side, first in zip(draws, sides, (0, halves[0])):
            self._prefer_edges(half, side, step, first)
        crops = torch.cat(
            (self.photos.gather(draws[0], sides[0]), self._scaled(draws[1], sides[1]))
        )
        self._draw_over(crops, step)
        quality = quality_fields(np.concatenate(quality_draws), self.crop_size)
        return CropBatch(crops, torch.from_numpy(quality).to(crops.device))

    def _prefer_edges(self, draws: np.ndarray, side: int, step: int, first: int) -> None:
        """Let some crops be the one with the most edges of several, in place.

        Args:
            draws: of some pieces, as for ResidentPhotos.gather.
            side: of these pieces.
            step: of the batch.
            first: place of the first of them in the batch.
        """
        for place, draw in enumerate(draws):
            random = np.random.default_rng((self.seed, step, self._number(first + place), 1))
            if random.random() < self.edged:
                candidates = np.vstack((draw, random.random((CANDIDATES - 1, len(draw)))))
                amounts = edge_amount(self.photos.gather(candidates, side))
                draw[:] = candidates[int(amounts.argmax())]

    def _draw_over(self, crops: Tensor, step: int) -> None:
        """Lay drawings over some crops, in place."""
        for place, crop in enumerate(crops):
            random = np.random.default_rng((self.seed, step, self._number(place)))
            if random.random() < self.drawn:
                crop.copy_(drawn_over(crop, random))

    def _number(self, place: int) -> int:
        """Of a crop of this process among those of all; each has random numbers of its own."""
        return self.rank + place * self.world

    def _share(self, random: np.random.Generator, count: int, width: int) -> np.ndarray:
        """This process's part of the draws of all."""
        return random.random((count * self.world, width))[self.rank :: self.world]

    def _scaled(self, draws: np.ndarray, side: int) -> Tensor:
        """Crops scaled down from pieces of the given side."""
        size = (self.crop_size, self.crop_size)
        pieces = self.photos.gather(draws, side).float()
        scaled = functional.interpolate(pieces, size=size, mode="bicubic", antialias=True)
        return scaled.round_().clamp_(0.0, 255.0).to(torch.uint8)
