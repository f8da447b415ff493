"""Lightning's command line around a training module."""

from __future__ import annotations

from lightning.pytorch.cli import LightningCLI


class TrainingCLI(LightningCLI):
    """Keeps the end of a training, where the rate is lowest: ModelCheckpoint alone keeps the last
    of its intervals.
    """

    def after_fit(self) -> None:
        """Lightning's hook."""
        for callback in self.trainer.checkpoint_callbacks:
            if getattr(callback, "last_model_path", ""):
                self.trainer.save_checkpoint(callback.last_model_path)
