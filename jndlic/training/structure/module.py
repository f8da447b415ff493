"""Training of the structure network: L1 between its patches and those at the edge of visible
change, brightness and contrast left out.

Source: Shen et al., IEEE TIP 2020: target L + C S', with L and C of the reference and S' of the
patch at its JND.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from jndlic.jnd.patch import Parts, split
from jndlic.jnd.structure_net import StructureNet
from jndlic.training.schedule import flat_then_falling, share_spent
from jndlic.training.structure.pairs import read_pairs

VALIDATION_SHARE = 0.1


class StructureTraining(lightning.LightningModule):
    """Trains a StructureNet.

    Args:
        width: of the network.
        learning_rate: peak of Adam's rate (the paper: 1e-4 with 0.5 and 0.999 as betas).
    """

    def __init__(self, width: int = 16, learning_rate: float = 4e-4) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.net = StructureNet(width).to(memory_format=torch.channels_last)

    def loss(self, batch: Sequence[Tensor]) -> Tensor:
        """Mean absolute difference in grey levels, of (N, 64, 64) uint8 patches and their
        targets.
        """
        reference, target = (patches[:, None].float() for patches in batch)
        mean, contrast, _ = split(reference)
        wanted = Parts(mean, contrast, split(target).structure).joined()
        return (
            (Parts(mean, contrast, split(self.net(reference)).structure).joined() - wanted)
            .abs()
            .mean()
        )

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Loss of one batch, mirrored and turned at random."""
        turns, mirrored = (int(torch.randint(count, ())) for count in (4, 2))
        loss = self.loss(tuple(_turned(patches, turns, mirrored) for patches in batch))
        self.log("loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        """The same, and what a network that changes nothing would have."""
        reference, target = (patches[:, None].float() for patches in batch)
        _, contrast, structure = split(reference)
        still = (contrast * (structure - split(target).structure)).abs().mean()
        self.log_dict({"val/loss": self.loss(batch), "val/unchanged": still}, prog_bar=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.Adam(self.parameters(), self.hparams.learning_rate, betas=(0.5, 0.999))

    def on_train_batch_start(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        """The rate: constant over the first half of the budget (steps, time or epochs), then down
        to 0 in a line.
        """
        spent = share_spent(self.trainer)
        if self.trainer.max_epochs and self.trainer.max_epochs > 0:
            done = self.current_epoch + index / max(1, self.trainer.num_training_batches)
            spent = max(spent, done / self.trainer.max_epochs)
        rate = self.hparams.learning_rate * flat_then_falling(spent)
        for group in self.optimizers().param_groups:
            group["lr"] = max(rate, 1e-7)


class PairData(lightning.LightningDataModule):
    """The pairs of a file; the last tenth, which are other photos than the rest, validate.

    Args:
        pairs: .npz file of tools/prepare_structure.py, or judged pictures, see
            jndlic/training/predictors/judged.py.
        batch_size: patches a step.
    """

    def __init__(self, pairs: str, batch_size: int = 32) -> None:
        super().__init__()
        self.save_hyperparameters()
        self._sets: list[TensorDataset] = []

    def setup(self, stage: str) -> None:
        """Reads them."""
        found = read_pairs(Path(self.hparams.pairs))
        first = int(len(found.reference) * (1.0 - VALIDATION_SHARE))
        planes = [torch.from_numpy(patches) for patches in (found.reference, found.target)]
        self._sets = [
            TensorDataset(*(plane[part] for plane in planes))
            for part in (slice(first), slice(first, None))
        ]

    def train_dataloader(self) -> DataLoader:
        """Batches in random order."""
        return DataLoader(
            self._sets[0],
            self.hparams.batch_size,
            shuffle=True,
            drop_last=len(self._sets[0]) >= self.hparams.batch_size,
        )

    def val_dataloader(self) -> DataLoader:
        """The rest."""
        return DataLoader(self._sets[1], self.hparams.batch_size)


def _turned(patches: Tensor, quarters: int, mirrored: int) -> Tensor:
    """(N, 64, 64) turned by quarters of a circle, then mirrored or not."""
    turned = torch.rot90(patches, quarters, (1, 2))
    return turned.flip(2) if mirrored else turned
