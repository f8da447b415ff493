"""Photos that do not fit into memory: decoded over and over in worker processes, a few crops each,
mixed in a pool.

    folder tree ─► shuffled paths ─► workers: decode ─► crops ─► pool of 256
    pool ─► one at random ─► DataLoader
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from jndlic.errors import ImageError
from jndlic.training.photos.drawings import drawn_over
from jndlic.training.photos.edges import CANDIDATES, edge_amount
from jndlic.training.photos.files import load_pixels
from jndlic.training.photos.quality_fields import DRAWS, quality_fields

CROPS_PER_PHOTO = 8  # decoding a photo costs as much as training on about as many crops
POOL = 256


class StreamedCrops(IterableDataset):
    """Random crops (3, S, S) uint8 with qualities (S/32, S/32) each; without end.

    Args:
        paths: photos, no side shorter than a crop.
        crop_size: side S of the crops.
        smallest_scale: half of the crops are scaled down by a factor from here to 1.
        lossy_reduction: JPEG photos are scaled down by this factor when loaded.
        drawn: share of the crops that get a drawing (jndlic/training/photos/drawings.py).
        edged: share of the crops that are the one with the most edges of four from the same photo
            (jndlic/training/photos/edges.py).
        seed: integers; other processes and other resumed runs need others.
    """

    def __init__(
        self,
        paths: list[Path],
        crop_size: int,
        smallest_scale: float,
        lossy_reduction: float,
        drawn: float,
        edged: float,
        seed: tuple[int, ...],
    ) -> None:
        self.paths, self.crop_size, self.smallest_scale = paths, crop_size, smallest_scale
        self.lossy_reduction, self.drawn, self.edged = lossy_reduction, drawn, edged
        self.seed = seed

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        worker = get_worker_info()
        random = np.random.default_rng((*self.seed, worker.id if worker else 0))
        pool: list[Tensor] = []
        for crop in self._crops(random):
            pool.append(crop)
            if len(pool) == POOL:
                place = int(random.integers(POOL))
                pool[place], pool[-1] = pool[-1], pool[place]
                quality = quality_fields(random.random((1, DRAWS)), self.crop_size)[0]
                yield pool.pop(), torch.from_numpy(quality)

    def _crops(self, random: np.random.Generator) -> Iterator[Tensor]:
        """Crops photo by photo, each photo once before any comes again."""
        while True:
            failures = 0
            for number in random.permutation(len(self.paths)):
                try:
                    photo = load_pixels(self.paths[number], self.lossy_reduction)
                except (ImageError, OSError):
                    failures += 1
                    continue
                for _ in range(CROPS_PER_PHOTO):
                    yield self._crop(photo, random)
            if failures == len(self.paths):
                raise ImageError("training data: no photo could be decoded")

    def _crop(self, photo: np.ndarray, random: np.random.Generator) -> Tensor:
        rows, columns, _ = photo.shape
        side = self.crop_size
        if random.random() < 0.5:
            side = min(rows, columns, int(side / random.uniform(self.smallest_scale, 1.0)))
        pieces = []
        for _ in range(CANDIDATES if random.random() < self.edged else 1):
            top, left = random.integers(rows - side + 1), random.integers(columns - side + 1)
            pieces.append(photo[top : top + side, left : left + side])
        crop = pieces[0]
        if len(pieces) > 1:
            candidates = torch.from_numpy(np.stack(pieces)).permute(0, 3, 1, 2)
            crop = pieces[int(edge_amount(candidates).argmax())]
        if side != self.crop_size:
            size = (self.crop_size, self.crop_size)
            crop = np.asarray(Image.fromarray(crop).resize(size, Image.Resampling.BICUBIC))
        if random.random() < 0.5:
            crop = crop[:, ::-1]
        if random.random() < 0.5:
            crop = crop.transpose(1, 0, 2)
        taken = torch.from_numpy(np.ascontiguousarray(crop.transpose(2, 0, 1)))
        return drawn_over(taken, random) if random.random() < self.drawn else taken
