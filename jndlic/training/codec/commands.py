"""`tools/train.py fit --config configs/jndlic.yaml`: training of the codec, or of another codec on
the same photos.
"""

from __future__ import annotations

import lightning

from jndlic.memory import reuse_freed_memory
from jndlic.training.cli import TrainingCLI
from jndlic.training.codec.module import CodecTraining
from jndlic.training.photos.data import PhotoData


def train(module: type[lightning.LightningModule] = CodecTraining) -> None:
    """Parse the command line and run."""
    reuse_freed_memory()
    TrainingCLI(
        module, PhotoData, seed_everything_default=1, save_config_kwargs={"overwrite": True}
    )
