"""`tools/train.py fit --config configs/jndlic.yaml`: Lightning's command line around a training module."""

from __future__ import annotations

import lightning
from lightning.pytorch.cli import LightningCLI

from jndlic.memory import reuse_freed_memory
from jndlic.training.photos.data import PhotoData
from jndlic.training.codec.module import CodecTraining


class TrainingCLI(LightningCLI):
    """Keeps the end of a training, where the rate is lowest: ModelCheckpoint alone keeps the last of its intervals."""

    def after_fit(self) -> None:
        """Lightning's hook."""
        for callback in self.trainer.checkpoint_callbacks:
            if getattr(callback, "last_model_path", ""):
                self.trainer.save_checkpoint(callback.last_model_path)


def main(module: type[lightning.LightningModule] = CodecTraining) -> None:
    """Parse the command line and run."""
    reuse_freed_memory()
    TrainingCLI(module, PhotoData, seed_everything_default=1, save_config_kwargs={"overwrite": True})
