"""Lightning module: one optimiser, a schedule that ends with the budget, quality drawn per sample."""

from __future__ import annotations

import math

import lightning
import torch
from lightning.pytorch.callbacks import Timer
from torch import Tensor

from jndlic.jnd.pixel import jnd_map
from jndlic.model.codec import Codec
from jndlic.model.config import CodecConfig
from jndlic.training.export import load_start
from jndlic.training.forward import EntropyModels, TrainingOutput, training_pass
from jndlic.training.loss import balance, rate_distortion_weight, squared_error
from jndlic.training.perceptual import LPIPS
from jndlic.training.ssimulacra2 import distance as ssimulacra2_distance


class CodecTraining(lightning.LightningModule):
    """Trains a codec on R + lambda(q) (MSE + w_L LPIPS + w_S SSIMULACRA2 distance).

    Args:
        config: sizes of the network.
        start_from: weights file to go on from (its masters/ beside it); default: the cosine start.
        learning_rate: peak of Adam's rate.
        final_learning_rate: reached when max_steps or max_time ends, by a cosine.
        warmup_steps: linear rise at the start.
        quantile_learning_rate: of the entropy bottlenecks' quantiles.
        clip_norm: largest gradient norm of all parameters but the quantiles.
        lpips_weight: w_L, in squared grey levels (the paper: 1000).
        lpips_weights: SqueezeNet trunk; default: environment variable JNDLIC_LPIPS_WEIGHTS.
        ssimulacra2_weight: w_S, in squared grey levels; 0 leaves the term out.
        jnd_weighting: share of the squared error that is weighted by 1 / (j + 2)^2.
        balance_strength: how far the losses of fine and coarse qualities are evened out, 0 to 1.
        compile: let torch.compile fuse the passes through the codec and LPIPS; the first steps then take minutes.
    """

    def __init__(
        self,
        config: CodecConfig = CodecConfig(),  # noqa: B008 (frozen)
        start_from: str | None = None,
        learning_rate: float = 6e-4,
        final_learning_rate: float = 1e-5,
        warmup_steps: int = 200,
        quantile_learning_rate: float = 1e-2,
        clip_norm: float = 2.0,
        lpips_weight: float = 1000.0,
        lpips_weights: str | None = None,
        ssimulacra2_weight: float = 0.0,
        jnd_weighting: float = 0.0,
        balance_strength: float = 0.35,
        compile: bool = False,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["config"])
        self.codec = Codec(config, trainable=True).to(memory_format=torch.channels_last)
        self.entropy = EntropyModels(config.hyper_channels, config.jnd_channels)
        if start_from:
            load_start(self.codec, self.entropy, start_from)
        self._training_pass = torch.compile(training_pass) if compile else training_pass
        # In a list, so that the frozen trunk is neither averaged nor stored in checkpoints.
        self._lpips = [LPIPS(weights=lpips_weights)] if lpips_weight else []
        if compile:
            for network in self._lpips:
                network.compile()

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Loss of one batch: (B, 3, S, S) uint8 crops and (B,) qualities."""
        loss, parts = self.loss(batch)
        self.log_dict({f"train/{name}": value for name, value in parts.items()})
        self.log("loss", loss, prog_bar=True, logger=False)
        self.log("bpp", parts["bpp"], prog_bar=True, logger=False)
        return loss + self.entropy.quantile_loss()

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        """The same loss on held-out photos, with its parts."""
        loss, parts = self.loss(batch)
        options = {"sync_dist": True, "batch_size": len(batch[0])}
        self.log("val/loss", loss, prog_bar=True, **options)
        self.log_dict({f"val/{name}": value for name, value in parts.items()}, **options)

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Rate-distortion loss of a batch, and its parts by name.

        Args:
            batch: (B, 3, S, S) uint8 crops and (B,) qualities.
        """
        crops, quality = batch
        options = self.hparams
        image = crops.float()
        jnd = jnd_map(image)
        output = self._training_pass(self.codec, self.entropy, image, jnd, quality)
        pixels = image.shape[-2] * image.shape[-1]
        rate = (output.bits_latent + output.bits_hyper + output.bits_jnd) / pixels
        decoded = output.image.float()
        error = squared_error(decoded, image, jnd, options.jnd_weighting)
        distortion = error
        parts = {}
        if options.lpips_weight:
            lpips = self._lpips[0].to(image.device)(decoded, image)
            distortion = distortion + options.lpips_weight * lpips
            parts["lpips"] = lpips.detach().mean()
        if options.ssimulacra2_weight:
            visible = ssimulacra2_distance(image, decoded.clamp(0.0, 255.0))
            distortion = distortion + options.ssimulacra2_weight * visible
            parts["ssimulacra2_distance"] = visible.detach().mean()
        weight = rate_distortion_weight(quality)
        loss = (balance(weight, options.balance_strength) * (rate + weight * distortion)).mean()
        return loss, parts | _describe(output, rate, error, pixels)

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        """Keep the sizes with the weights, for tools/export.py."""
        checkpoint["codec_config"] = self.codec.config.to_dict()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """One Adam, two groups: the quantiles have a rate and a loss of their own."""
        quantiles = [p for name, p in self.named_parameters() if name.endswith(".quantiles")]
        others = [p for name, p in self.named_parameters() if not name.endswith(".quantiles")]
        options = self.hparams
        groups = [
            {"params": others, "lr": options.learning_rate},
            {"params": quantiles, "lr": options.quantile_learning_rate},
        ]
        return torch.optim.Adam(groups, betas=(0.9, 0.99), fused=self.device.type == "cuda")

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the main group alone: the quantiles' loss is on another scale."""
        norm = torch.nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], self.hparams.clip_norm)
        self.log("train/gradient_norm", norm)

    def on_train_batch_start(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        """Set the rate from the share of the budget that is spent."""
        options = self.hparams
        cosine = 0.5 * (1.0 + math.cos(math.pi * min(1.0, self._progress())))
        rate = options.final_learning_rate + (options.learning_rate - options.final_learning_rate) * cosine
        rate *= min(1.0, (self.global_step + 1) / options.warmup_steps)
        main, quantiles = self.optimizers().param_groups
        main["lr"] = rate
        quantiles["lr"] = options.quantile_learning_rate * max(0.1, cosine)
        self.log("lr", rate, prog_bar=True)

    def _progress(self) -> float:
        """Share of the budget that is spent, 0 to 1: of steps or of time, whichever is further."""
        trainer = self.trainer
        shares = [0.0]
        if trainer.max_steps and trainer.max_steps > 0:
            shares.append(self.global_step / trainer.max_steps)
        for callback in trainer.callbacks:
            if isinstance(callback, Timer) and callback.time_remaining() is not None:
                spent = callback.time_elapsed()
                shares.append(spent / max(1e-9, spent + callback.time_remaining()))
        return max(shares)


def _describe(output: TrainingOutput, rate: Tensor, error: Tensor, pixels: int) -> dict[str, Tensor]:
    """Figures worth watching, batch means; rates in bits per pixel."""
    figures = {
        "bpp": rate,
        "bpp_hyper": output.bits_hyper / pixels,
        "bpp_jnd": output.bits_jnd / pixels,
        "error": error,
        "psnr": 10.0 * torch.log10(255.0**2 / error),
        "step_spread": output.step_index.std((2, 3)),  # indices; 8.1 are one nat
    }
    return {name: value.detach().mean() for name, value in figures.items()}
