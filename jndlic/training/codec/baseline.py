"""CompressAI's networks under our loss, data and schedule: one network for one lambda, as their
papers train them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from jndlic.codecs.compressai_model import NAMES, build
from jndlic.jnd.namm import jnd_map
from jndlic.training.codec.distortion import Distortion
from jndlic.training.codec.loss import rate_distortion_weight
from jndlic.training.muon import check_optimizer
from jndlic.training.schedule import Scheduled


class BaselineTraining(Scheduled):
    """Trains a CompressAI network on R + lambda (MSE + w_M D_M + w_L LPIPS + w_S D_S), R under
    additive uniform noise.

    Args:
        architecture: "bmshj2018-hyperprior" (Ballé et al., ICLR 2018) or "mbt2018-mean" (Minnen et
            al., NeurIPS 2018).
        quality: 1..100, fixes lambda as it does for our codec.
        channels: N of the papers.
        latent_channels: M of the papers.
        start_from: checkpoint of a network of the same architecture, trained at another lambda.
        ms_ssim_weight, lpips_weight, lpips_weights, ssimulacra2_weight, jnd_weighting: as for
            CodecTraining.
        learning_rate, final_learning_rate, warmup_steps, quantile_learning_rate, clip_norm,
            optimizer: see Scheduled.
    """

    def __init__(
        self,
        architecture: str = NAMES[0],
        quality: int = 50,
        channels: int = 128,
        latent_channels: int = 192,
        start_from: str | None = None,
        learning_rate: float = 6e-4,
        final_learning_rate: float = 1e-5,
        warmup_steps: int = 200,
        quantile_learning_rate: float = 1e-2,
        clip_norm: float = 2.0,
        ms_ssim_weight: float = 0.0,
        lpips_weight: float = 1000.0,
        lpips_weights: str | None = None,
        ssimulacra2_weight: float = 0.0,
        jnd_weighting: float = 0.0,
        optimizer: str = "adam",
    ) -> None:
        super().__init__()
        check_optimizer(optimizer)
        self.save_hyperparameters()
        self.network = build(architecture, channels, latent_channels, start_from)
        self._distortion = Distortion(
            ms_ssim_weight, lpips_weight, lpips_weights, ssimulacra2_weight, jnd_weighting
        )

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """See Scheduled; the qualities of the batch are not used."""
        crops, _ = batch
        image = crops.float()
        output = self.network((image / 255.0).contiguous(memory_format=torch.channels_last))
        pixels = image.shape[-2] * image.shape[-1]
        bits = sum(
            -torch.log2(likelihood.float()).flatten(1).sum(1)
            for likelihood in output["likelihoods"].values()
        )
        weight = rate_distortion_weight(
            torch.full((len(image), 1, 1), self.hparams.quality, device=image.device)
        )
        distortion, parts = self._distortion(
            255.0 * output["x_hat"].float(), image, jnd_map(image), weight
        )
        parts |= {"bpp": bits / pixels, "psnr": 10.0 * torch.log10(255.0**2 / parts["error"])}
        loss = (bits / pixels + distortion).mean()
        return loss, {name: value.detach().mean() for name, value in parts.items()}

    def quantile_loss(self) -> Tensor:
        """See Scheduled."""
        return self.network.aux_loss()
