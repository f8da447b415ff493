"""Batches for the picture-wise predictors: each picture with several versions, all cut at the same
places.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import lightning
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from jndlic.errors import ParameterError
from jndlic.jnd.luminance import luma
from jndlic.jnd.pattern import pattern_map
from jndlic.tensors import to_batch
from jndlic.training.predictors.judged import (
    SCORE_LIMIT,
    Judged,
    by_reference,
    pixels_of,
    read_judged,
)

VALIDATION_SHARE = 0.1
SAME_SHARE = 0.1
"""Of the versions in training that are the original itself, which has the highest score: no set of
judged pictures tells that.
"""


class PatchBatch(NamedTuple):
    """G pictures, K versions of each, P places on each, S x S pixels."""

    original: Tensor
    """(G, P, 3, S, S) uint8."""
    jnd: Tensor
    """(G, P, 1, S, S) float16, tolerance in grey levels."""
    versions: Tensor
    """(G, K, P, 3, S, S) uint8."""
    scores: Tensor
    """(G, K)."""


class JudgedPictures(Dataset):
    """Pictures with some of their versions, drawn anew each time.

    Args:
        rows: judged versions; pictures with fewer than `versions` of them repeat some.
        side: of a patch.
        versions: of a picture.
        patches: of a picture.
        fixed: draw the same each time.
    """

    def __init__(
        self, rows: Sequence[Judged], side: int, versions: int, patches: int, fixed: bool = False
    ) -> None:
        self._groups = list(by_reference(rows).items())
        self._side, self._versions, self._patches, self._fixed = side, versions, patches, fixed
        self._maps: dict[Path, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self._groups)

    def __getitem__(self, index: int) -> PatchBatch:
        reference, rows = self._groups[index]
        random = np.random.default_rng(index if self._fixed else int(torch.randint(2**31, ())))
        chosen = [
            rows[i]
            for i in random.choice(len(rows), self._versions, replace=len(rows) < self._versions)
        ]
        original = pixels_of(reference)
        places = [
            tuple(int(random.integers(0, length - self._side + 1)) for length in original.shape[:2])
            for _ in range(self._patches)
        ]
        mirrored = not self._fixed and bool(random.integers(2))

        def cut(planes: np.ndarray) -> Tensor:
            squares = np.stack(
                [planes[top : top + self._side, left : left + self._side] for top, left in places]
            )
            return torch.from_numpy(
                np.ascontiguousarray(
                    (squares[:, :, ::-1] if mirrored else squares).transpose(0, 3, 1, 2)
                )
            )

        same = [not self._fixed and random.random() < SAME_SHARE for _ in chosen]
        versions = torch.stack(
            [
                cut(original if equal else pixels_of(row.distorted))
                for row, equal in zip(chosen, same)
            ]
        )
        scores = torch.tensor(
            [SCORE_LIMIT if equal else row.score for row, equal in zip(chosen, same)]
        )
        return PatchBatch(cut(original), cut(self._map(reference, original)), versions, scores)

    def _map(self, reference: Path, pixels: np.ndarray) -> np.ndarray:
        """(H, W, 1) float16; made once."""
        if reference not in self._maps:
            with torch.inference_mode():
                self._maps[reference] = (
                    pattern_map(luma(to_batch(np.ascontiguousarray(pixels))))[0]
                    .permute(1, 2, 0)
                    .half()
                    .numpy()
                )
        return self._maps[reference]


def collated(items: Sequence[PatchBatch]) -> PatchBatch:
    """Pictures into one batch."""
    return PatchBatch(*(torch.stack(parts) for parts in zip(*items)))


class JudgedData(lightning.LightningDataModule):
    """Judged versions; a tenth of the pictures, by a hash of their names, validate.

    Args:
        judged: tables or folders that jndlic/training/predictors/judged.py reads.
        curves: table of satisfied users, for MCL-JCI.
        side: of a patch; 128 for "vp", 224 for "sg".
        pictures: in a batch.
        versions: of each picture.
        patches: of each picture.
    """

    def __init__(
        self,
        judged: list[str],
        curves: str | None = None,
        side: int = 128,
        pictures: int = 4,
        versions: int = 3,
        patches: int = 4,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.rows: list[Judged] = []
        self._parts: list[JudgedPictures] = []

    def setup(self, stage: str) -> None:
        """Reads the tables."""
        options = self.hparams
        self.rows = [
            row
            for path in options.judged
            for row in read_judged(Path(path), Path(options.curves) if options.curves else None)
        ]
        held = [validates(row.reference) for row in self.rows]
        parts = [
            [row for row, out in zip(self.rows, held) if out == wanted] for wanted in (False, True)
        ]
        if not all(parts):
            raise ParameterError("too few pictures: both training and validation need some")
        sizes = options.side, options.versions, options.patches
        self._parts = [
            JudgedPictures(part, *sizes, fixed=fixed) for part, fixed in zip(parts, (False, True))
        ]

    def train_dataloader(self) -> DataLoader:
        """Batches in random order."""
        few = len(self._parts[0]) < self.hparams.pictures
        return DataLoader(
            self._parts[0],
            self.hparams.pictures,
            shuffle=True,
            drop_last=not few,
            collate_fn=collated,
        )

    def val_dataloader(self) -> DataLoader:
        """The held-out pictures, always the same versions and places."""
        return DataLoader(self._parts[1], self.hparams.pictures, collate_fn=collated)


def validates(reference: Path) -> bool:
    """Whether a picture is held out."""
    return zlib.crc32(reference.stem.encode()) % 1000 < 1000 * VALIDATION_SHARE
