"""What every training here shares: one optimiser with a group for the quantiles, and a rate that
ends with the budget.
"""

from __future__ import annotations

import math
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Timer
from torch import Tensor

from jndlic.training.muon import Muon, is_matrix


class Scheduled(lightning.LightningModule):
    """Base of the Lightning modules; `loss` is theirs, and these of their hyperparameters are read
    here:

    learning_rate: peak of the rate.
    final_learning_rate: reached when max_steps or max_time ends, by a cosine.
    warmup_steps: linear rise at the start.
    quantile_learning_rate: of the entropy bottlenecks' quantiles.
    clip_norm: largest gradient norm of all parameters but the quantiles.
    optimizer: one of OPTIMIZERS; where there is none, Adam.
    """

    not_for_muon: tuple[str, ...] = ()
    """Beginnings of the names of parameters that stay with Adam."""

    def matrices(self) -> list[torch.nn.Parameter]:
        """Parameters that Muon moves; all others are Adam's."""
        if self.hparams.get("optimizer", "adam") != "muon":
            return []
        return [
            p
            for name, p in self.named_parameters()
            if is_matrix(p) and not name.startswith(self.not_for_muon)
        ]

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Rate-distortion loss of a batch, and its parts by name.

        Args:
            batch: (B, 3, S, S) uint8 crops and (B,) qualities.
        """
        raise NotImplementedError

    def quantile_loss(self) -> Tensor:
        """Loss that places the entropy bottlenecks' quantiles and touches nothing else."""
        raise NotImplementedError

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Loss of one batch."""
        loss, parts = self.loss(batch)
        self.log_dict({f"train/{name}": value for name, value in parts.items()})
        self.log("loss", loss, prog_bar=True, logger=False)
        self.log("bpp", parts["bpp"], prog_bar=True, logger=False)
        return loss + self.quantile_loss()

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        """The same loss on held-out photos, with its parts."""
        loss, parts = self.loss(batch)
        options: dict[str, Any] = {"sync_dist": True, "batch_size": len(batch[0])}
        self.log("val/loss", loss, prog_bar=True, **options)
        self.log_dict({f"val/{name}": value for name, value in parts.items()}, **options)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Up to three groups: what Adam moves, the quantiles with a rate and a loss of their own,
        what Muon moves.
        """
        matrices = self.matrices()
        apart = {id(parameter) for parameter in matrices}
        quantiles = [p for name, p in self.named_parameters() if name.endswith(".quantiles")]
        others = [
            p
            for name, p in self.named_parameters()
            if not name.endswith(".quantiles") and id(p) not in apart
        ]
        options = self.hparams
        groups = [
            {"params": others, "lr": options.learning_rate},
            {"params": quantiles, "lr": options.quantile_learning_rate},
        ]
        if matrices:
            groups.append({"params": matrices, "lr": options.learning_rate, "matrices": True})
        kind = Muon if matrices else torch.optim.Adam
        return kind(groups, betas=(0.9, 0.99), fused=self.device.type in ("cuda", "cpu"))

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the main group alone: the quantiles' loss is on another scale."""
        main, _, *matrices = (group["params"] for group in optimizer.param_groups)
        norm = torch.nn.utils.clip_grad_norm_([*main, *sum(matrices, [])], self.hparams.clip_norm)
        self.log("train/gradient_norm", norm)

    def on_train_batch_start(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        """Set the rate from the share of the budget that is spent."""
        options = self.hparams
        cosine = 0.5 * (1.0 + math.cos(math.pi * share_spent(self.trainer)))
        rate = (
            options.final_learning_rate
            + (options.learning_rate - options.final_learning_rate) * cosine
        )
        rate *= min(1.0, (self.global_step + 1) / options.warmup_steps)
        main, quantiles, *matrices = self.optimizers().param_groups
        for group in (main, *matrices):
            group["lr"] = rate
        quantiles["lr"] = options.quantile_learning_rate * max(0.1, cosine)
        self.log("lr", rate, prog_bar=True)


def flat_then_falling(spent: float) -> float:
    """Factor of a learning rate: 1 over the first half of the budget, then down to 0 in a line."""
    return min(1.0, 2.0 * (1.0 - spent))


def share_spent(trainer: lightning.Trainer) -> float:
    """Share of the budget that is spent, 0 to 1: of steps or of time, whichever is further."""
    shares = [0.0]
    if trainer.max_steps and trainer.max_steps > 0:
        shares.append(trainer.global_step / trainer.max_steps)
    for callback in trainer.callbacks:
        if isinstance(callback, Timer) and (remaining := callback.time_remaining()) is not None:
            spent = callback.time_elapsed()
            shares.append(spent / max(1e-9, spent + remaining))
    return min(1.0, max(shares))
