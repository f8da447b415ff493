"""`tools/train.py fit --config configs/jndlic.yaml`: Lightning's command line around a training module."""

from __future__ import annotations

import lightning
from lightning.pytorch.cli import LightningCLI

from jndlic.memory import reuse_freed_memory
from jndlic.training.data import PhotoData
from jndlic.training.module import CodecTraining


def main(module: type[lightning.LightningModule] = CodecTraining) -> None:
    """Parse the command line and run."""
    reuse_freed_memory()
    LightningCLI(module, PhotoData, seed_everything_default=1, save_config_kwargs={"overwrite": True})
