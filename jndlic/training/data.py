"""Photos for training: decoded once, kept as 8-bit pixels in memory, cropped at random."""

from __future__ import annotations

import zlib
from pathlib import Path

import lightning
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from jndlic.errors import ImageError, ParameterError
from jndlic.image import load

SUFFIXES = {".png", ".webp", ".jpg", ".jpeg", ".tif", ".tiff", ".ppm"}
LOSSY_SUFFIXES = {".jpg", ".jpeg"}


def find_images(folders: list[str]) -> list[Path]:
    """Every image below the folders, sorted.

    Raises:
        ParameterError: a folder does not exist or nothing was found.
    """
    for folder in folders:
        if not Path(folder).is_dir():
            raise ParameterError(f"training data: {folder} is not a folder")
    paths = sorted(path for folder in folders for path in Path(folder).rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise ParameterError(f"training data: no images in {', '.join(folders)}")
    return paths


def held_out(path: Path, percent: int) -> bool:
    """Whether an image belongs to the validation share; depends on its file name alone."""
    return zlib.crc32(path.name.encode()) % 100 < percent


def load_pixels(path: Path, lossy_reduction: float) -> np.ndarray:
    """(H, W, 3) uint8; files with coding artefacts of their own (JPEG) are reduced to hide them."""
    pixels = load(path).pixels
    if path.suffix.lower() in LOSSY_SUFFIXES and lossy_reduction > 1:
        size = tuple(max(1, round(side / lossy_reduction)) for side in pixels.shape[1::-1])
        pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    return pixels


class RandomCrops(Dataset):
    """Endless random crops of photos in memory: a photo by area, a scale, a place, a flip, a quality.

    Args:
        photos: (H, W, 3) uint8 each, no side shorter than crop_size.
        crop_size: side of the square crops, a multiple of 64.
        count: crops that make an "epoch".
        smallest_scale: crops are taken up to 1 / smallest_scale larger and scaled down.
    """

    def __init__(self, photos: list[np.ndarray], crop_size: int, count: int, smallest_scale: float) -> None:
        self.photos, self.crop_size, self.count, self.smallest_scale = photos, crop_size, count, smallest_scale
        areas = np.array([photo.shape[0] * photo.shape[1] for photo in photos], dtype=np.float64) ** 0.5
        self.cumulative = np.cumsum(areas / areas.sum())

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """A crop (3, crop_size, crop_size) uint8 and a quality 1..100."""
        random = np.random.default_rng(int(torch.randint(2**62, ())))
        photo = self.photos[min(int(np.searchsorted(self.cumulative, random.random())), len(self.photos) - 1)]
        rows, columns, _ = photo.shape
        side = self.crop_size
        if random.random() < 0.5:
            side = min(rows, columns, int(side / random.uniform(self.smallest_scale, 1.0)))
        top, left = random.integers(rows - side + 1), random.integers(columns - side + 1)
        crop = photo[top : top + side, left : left + side]
        if side != self.crop_size:
            size = (self.crop_size, self.crop_size)
            crop = np.asarray(Image.fromarray(crop).resize(size, Image.Resampling.BICUBIC))
        if random.random() < 0.5:
            crop = crop[:, ::-1]
        if random.random() < 0.5:
            crop = crop.transpose(1, 0, 2)
        return torch.from_numpy(np.ascontiguousarray(crop.transpose(2, 0, 1))), int(random.integers(1, 101))


class CentreCrops(Dataset):
    """Validation: the centre of each photo at a few fixed qualities."""

    def __init__(self, photos: list[np.ndarray], crop_size: int, qualities: list[int]) -> None:
        self.photos, self.crop_size, self.qualities = photos, crop_size, qualities

    def __len__(self) -> int:
        return len(self.photos) * len(self.qualities)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """A crop (3, crop_size, crop_size) uint8 and its quality."""
        number, level = divmod(index, len(self.qualities))
        photo = self.photos[number]
        top, left = ((side - self.crop_size) // 2 for side in photo.shape[:2])
        crop = photo[top : top + self.crop_size, left : left + self.crop_size]
        return torch.from_numpy(np.ascontiguousarray(crop.transpose(2, 0, 1))), self.qualities[level]


class PhotoData(lightning.LightningDataModule):
    """Crops of all the photos below some folders.

    Args:
        folders: searched with their subfolders for PNG, WebP, JPEG, TIFF and PPM files.
        crop_size: side of the crops in pixels, a multiple of 64.
        batch_size: crops per step (and device).
        steps_per_epoch: steps that count as an epoch.
        smallest_scale: half of the crops are scaled down by a factor from here to 1.
        lossy_reduction: JPEG photos are scaled down by this factor when loaded.
        validation_percent: share of the photos, chosen by name, that never trains.
        validation_photos: at most so many of them are used.
        workers: processes that crop; 0 crops in the training process.
    """

    def __init__(
        self,
        folders: list[str],
        crop_size: int = 256,
        batch_size: int = 8,
        steps_per_epoch: int = 1000,
        smallest_scale: float = 0.5,
        lossy_reduction: float = 1.75,
        validation_percent: int = 5,
        validation_photos: int = 16,
        workers: int = 0,
    ) -> None:
        super().__init__()
        if crop_size < 64 or crop_size % 64:
            raise ParameterError(f"crop_size must be a multiple of 64, got {crop_size}")
        self.save_hyperparameters()
        self._training: RandomCrops | None = None
        self._validation: CentreCrops | None = None

    def setup(self, stage: str) -> None:
        """Decode every photo once."""
        if self._training is not None:
            return
        options = self.hparams
        training: list[np.ndarray] = []
        validation: list[np.ndarray] = []
        skipped = 0
        for path in tqdm(find_images(options.folders), desc="decoding photos", unit="photo"):
            try:
                pixels = load_pixels(path, options.lossy_reduction)
            except ImageError:
                skipped += 1
                continue
            if min(pixels.shape[:2]) < options.crop_size:
                skipped += 1
                continue
            (validation if held_out(path, options.validation_percent) else training).append(pixels)
        if not training:
            raise ParameterError(f"training data: every photo is smaller than the crops of {options.crop_size} px")
        if skipped:
            print(f"training data: {skipped} photos are damaged or too small and were left out")
        count = options.steps_per_epoch * options.batch_size
        self._training = RandomCrops(training, options.crop_size, count, options.smallest_scale)
        validation = validation or training
        stride = max(1, len(validation) // options.validation_photos)
        chosen = validation[::stride][: options.validation_photos]
        self._validation = CentreCrops(chosen, options.crop_size, [5, 30, 50, 70, 95])

    def train_dataloader(self) -> DataLoader:
        """Batches of (B, 3, S, S) uint8 and (B,) qualities."""
        return self._loader(self._training)

    def val_dataloader(self) -> DataLoader:
        """The same, fixed."""
        return self._loader(self._validation)

    def _loader(self, dataset: Dataset) -> DataLoader:
        workers = self.hparams.workers
        return DataLoader(dataset, self.hparams.batch_size, num_workers=workers, persistent_workers=workers > 0)
