"""`tools/train.py fit --config configs/jndlic.yaml`: Lightning's command line around the codec."""

from __future__ import annotations

from lightning.pytorch.cli import LightningCLI

from jndlic.training.data import PhotoData
from jndlic.training.module import CodecTraining


def main() -> None:
    """Parse the command line and run."""
    LightningCLI(CodecTraining, PhotoData, seed_everything_default=1, save_config_kwargs={"overwrite": True})
