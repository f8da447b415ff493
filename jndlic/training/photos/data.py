"""Training data: a folder tree of photos to batches of crops, kept on the device or streamed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import lightning
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from jndlic.errors import ImageError, ParameterError
from jndlic.training.photos.files import decode_all, find_photos, held_out, loaded_size
from jndlic.training.photos.resident import ResidentLoader, ResidentPhotos
from jndlic.training.photos.streamed import StreamedCrops

STORAGES = ("auto", "resident", "streamed")
VALIDATION_QUALITIES = (5, 30, 50, 70, 95)


class CentreCrops(Dataset):
    """Validation: the centre of each photo at a few fixed qualities."""

    def __init__(
        self, photos: list[np.ndarray], crop_size: int, qualities: tuple[int, ...]
    ) -> None:
        self.photos, self.crop_size, self.qualities = photos, crop_size, qualities

    def __len__(self) -> int:
        return len(self.photos) * len(self.qualities)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """A crop (3, crop_size, crop_size) uint8 and its quality."""
        number, level = divmod(index, len(self.qualities))
        photo = self.photos[number]
        top, left = ((side - self.crop_size) // 2 for side in photo.shape[:2])
        crop = photo[top : top + self.crop_size, left : left + self.crop_size]
        return torch.from_numpy(np.ascontiguousarray(crop.transpose(2, 0, 1))), self.qualities[
            level
        ]


class PhotoData(lightning.LightningDataModule):
    """Crops of all the photos below some folders.

    Args:
        folders: searched with their subfolders for PNG, WebP, JPEG, TIFF and PPM files.
        crop_size: side of the crops in pixels, a multiple of 64.
        batch_size: crops per step (and device).
        steps_per_epoch: steps that count as an epoch.
        storage: "resident" decodes every photo once and keeps its pixels on the training device;
            "streamed" decodes them over and over in worker processes; "auto" is resident where the
            pixels take less than half of the free memory.
        smallest_scale: half of the crops are scaled down by a factor from here to 1.
        drawn: share of the crops that get a drawing: lines, grids, text, stripes, flat colours.
        edged: share of the crops that are the one with the most edges of four.
        lossy_reduction: JPEG photos are scaled down by this factor when loaded.
        validation_percent: share of the photos, chosen by name, that never trains.
        validation_photos: at most so many of them are used.
        workers: threads or processes that decode; as many as there are cores by default.
        seed: of the crops.
    """

    def __init__(
        self,
        folders: list[str],
        crop_size: int = 256,
        batch_size: int = 8,
        steps_per_epoch: int = 1000,
        storage: str = "auto",
        smallest_scale: float = 0.5,
        drawn: float = 0.1,
        edged: float = 0.0,
        lossy_reduction: float = 1.75,
        validation_percent: int = 5,
        validation_photos: int = 16,
        workers: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if crop_size < 64 or crop_size % 64:
            raise ParameterError(f"crop_size must be a multiple of 64, got {crop_size}")
        for name, share in (("drawn", drawn), ("edged", edged)):
            if not 0.0 <= share <= 1.0:
                raise ParameterError(f"{name} must lie between 0 and 1, got {share}")
        if storage not in STORAGES:
            raise ParameterError(f"storage must be one of {', '.join(STORAGES)}, got {storage!r}")
        self.save_hyperparameters()
        self._workers = workers or os.cpu_count() or 1
        self.paths: list[Path] = []
        self._photos: ResidentPhotos | None = None
        self._validation: CentreCrops | None = None

    def setup(self, stage: str, device: torch.device | None = None) -> None:
        """Find the photos, set the validation share apart, decode what is kept in memory.

        Args:
            stage: Lightning's; all stages need the same.
            device: where resident photos go; that of the trainer by default, else the CPU.

        Raises:
            ParameterError: there is nothing to train on.
        """
        if self._validation is not None:
            return
        options = self.hparams
        areas = {}
        paths = find_photos(options.folders)
        for path in paths:
            try:
                size = loaded_size(path, options.lossy_reduction)
            except ImageError:
                continue
            if min(size) >= options.crop_size:
                areas[path] = size[0] * size[1]
        if not areas:
            raise ParameterError(
                f"training data: every photo is damaged or smaller than {options.crop_size} pixels"
            )
        if len(areas) < len(paths):
            print(
                f"training data: {len(paths) - len(areas)} photos are damaged or too small and "
                "were left out"
            )
        self.paths = [
            path for path in areas if not held_out(path, options.validation_percent)
        ] or list(areas)
        validation = [
            path for path in areas if held_out(path, options.validation_percent)
        ] or self.paths
        stride = max(1, len(validation) // options.validation_photos)
        self._validation = CentreCrops(
            self._decoded(validation[::stride][: options.validation_photos], "validation photos"),
            options.crop_size,
            VALIDATION_QUALITIES,
        )
        device = device or self._device()
        fits = 3 * sum(areas[path] for path in self.paths) < free_memory(device) / 2
        if options.storage == "resident" or (options.storage == "auto" and fits):
            self._photos = ResidentPhotos(self._decoded(self.paths, "training photos"), device)

    def train_dataloader(self) -> ResidentLoader | DataLoader:
        """Batches of (B, 3, S, S) uint8 and (B, S/32, S/32) qualities."""
        options, trainer = self.hparams, self.trainer
        rank, world, step = (
            (trainer.global_rank, trainer.world_size, trainer.global_step) if trainer else (0, 1, 0)
        )
        if self._photos is None:
            seed = (options.seed, step, rank)
            crops = StreamedCrops(
                self.paths,
                options.crop_size,
                options.smallest_scale,
                options.lossy_reduction,
                options.drawn,
                options.edged,
                seed,
            )
            pinned = self._device().type == "cuda"
            return DataLoader(
                crops, options.batch_size, num_workers=self._workers, pin_memory=pinned
            )
        return ResidentLoader(
            self._photos,
            options.crop_size,
            options.batch_size,
            options.steps_per_epoch,
            options.smallest_scale,
            options.seed,
            step,
            rank,
            world,
            options.drawn,
            options.edged,
        )

    def val_dataloader(self) -> DataLoader:
        """The centre of each photo that was set apart, at five qualities."""
        return DataLoader(cast(CentreCrops, self._validation), self.hparams.batch_size)

    def _decoded(self, paths: list[Path], title: str) -> list[np.ndarray]:
        photos = list(decode_all(paths, self.hparams.lossy_reduction, self._workers, title))
        if not photos:
            raise ParameterError("training data: no photo could be decoded")
        return photos

    def _device(self) -> torch.device:
        return self.trainer.strategy.root_device if self.trainer else torch.device("cpu")


def free_memory(device: torch.device) -> int:
    """Bytes that are free on a device; where the system does not tell, 4 GiB."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        # What the page cache holds counts as free
        with open("/proc/meminfo", encoding="ascii") as lines:
            return next(
                1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable")
            )
    except (OSError, StopIteration):
        return 4 << 30
