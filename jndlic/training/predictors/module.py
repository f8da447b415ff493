"""Training of the picture-wise predictors on scores of people or of a proxy.

    loss = w BCE(Phi(z), Phi(t)) + smooth L1(z, t) + ranking      w = 1 + BETA min(|t| / TAU, 1)

z: score of a version, t: its target. The weight is the perceptual term of VP-JND: a mistake far
from the threshold costs more (the paper's own form is not known; ours, in units of observers'
spread). Ranking: of two versions of one picture the better one must score higher.
"""

from __future__ import annotations

from statistics import NormalDist

import lightning
import torch
import torch.nn.functional as functional
from torch import Tensor

from jndlic.errors import ParameterError
from jndlic.optimize.predictors.learned import MODELS, load_predictor
from jndlic.optimize.predictors.vp_net import weighted_mean
from jndlic.training.predictors.data import PatchBatch
from jndlic.training.schedule import flat_then_falling, share_spent

BETA, TAU = 1.0, 2.0
MARGIN = 0.25
RANKING = 0.5
CLIP = 1.0
WARMUP = 100
LEAST = NormalDist().inv_cdf(0.75)
"""The threshold of the default profile, at which accuracy is counted."""


class PicturewiseTraining(lightning.LightningModule):
    """Trains a predictor.

    Args:
        model: one of MODELS.
        learning_rate: peak of Adam's rate: constant over half of the budget, then down to 0 in a
            line.
        trunk: file of SqueezeNet 1.1, for "sg"; None: the one that JNDLIC_LPIPS_WEIGHTS names.
        start_from: file of a trained predictor of this kind, to go on from; the shipped ones are in
            weights/predictors.

    Raises:
        ParameterError: there is no such model.
        WeightsError: `start_from` holds something else.
    """

    def __init__(
        self,
        model: str = "vp",
        learning_rate: float = 5e-4,
        trunk: str | None = None,
        start_from: str | None = None,
    ) -> None:
        super().__init__()
        if model not in MODELS:
            raise ParameterError(f"no predictor {model!r} to train; there are {', '.join(MODELS)}")
        self.save_hyperparameters()
        self.model = (MODELS[model](trunk) if model == "sg" else MODELS[model]()).to(
            memory_format=torch.channels_last
        )
        if start_from:
            self.model.net.load_state_dict(
                load_predictor(model, start_from, trunk).model.net.state_dict()
            )

    def scores(self, batch: PatchBatch) -> Tensor:
        """(G, K) scores of a batch."""
        pictures, count, patches = batch.versions.shape[:3]
        original = self.model.original(*(_flat(part, 2) for part in (batch.original, batch.jnd)))
        # Versions first, then pictures, then places: the order in which the original's features are
        # repeated.
        scores, weights = self.model.patch_scores(
            original, _flat(batch.versions.transpose(0, 1), 3)
        )
        shape = count, pictures, patches
        return weighted_mean(scores.float().view(shape), weights.float().view(shape)).T

    def loss(self, batch: PatchBatch) -> tuple[Tensor, Tensor]:
        """Loss of a batch, and its scores."""
        found, wanted = self.scores(batch), batch.scores.float()
        share = torch.special.ndtr(wanted)
        doubt = -share * torch.special.log_ndtr(found) - (1.0 - share) * torch.special.log_ndtr(
            -found
        )
        weight = 1.0 + BETA * (wanted.abs() / TAU).clamp(max=1.0)
        order = wanted[:, :, None] - wanted[:, None, :]
        gap = (found[:, :, None] - found[:, None, :]) * order.sign()
        ranking = functional.relu(order.abs().clamp(max=MARGIN) - gap).mean()
        return (weight * doubt).mean() + functional.smooth_l1_loss(
            found, wanted
        ) + RANKING * ranking, found

    def training_step(self, batch: PatchBatch, index: int) -> Tensor:
        """Loss of one batch."""
        loss, _ = self.loss(batch)
        self.log("loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: PatchBatch, index: int) -> None:
        """Loss, mean absolute difference of scores, and the share of versions on the right side of
        the default profile.
        """
        loss, found = self.loss(batch)
        right = ((found >= LEAST) == (batch.scores >= LEAST)).float().mean()
        parts = {
            "val/loss": loss,
            "val/difference": (found - batch.scores).abs().mean(),
            "val/accuracy": right,
        }
        self.log_dict(parts, prog_bar=True, batch_size=len(found))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam on what is not frozen."""
        return torch.optim.Adam(
            [p for p in self.parameters() if p.requires_grad], self.hparams.learning_rate
        )

    def configure_gradient_clipping(
        self, optimizer: torch.optim.Optimizer, *_: object, **__: object
    ) -> None:
        """By norm."""
        torch.nn.utils.clip_grad_norm_(self.model.net.parameters(), CLIP)

    def on_train_batch_start(self, batch: PatchBatch, index: int) -> None:
        """The rate."""
        rate = self.hparams.learning_rate * min(
            flat_then_falling(share_spent(self.trainer)), (self.global_step + 1) / WARMUP
        )
        for group in self.optimizers().param_groups:
            group["lr"] = max(rate, 1e-7)


def _flat(patches: Tensor, dimensions: int) -> Tensor:
    """The first dimensions made one, as floats with channels last."""
    return patches.flatten(0, dimensions - 1).float().contiguous(memory_format=torch.channels_last)
