"""The codec's training: R + lambda(q) (MSE + w_M D_M + w_L LPIPS + w_S D_S), a plane of qualities
drawn per sample.
"""

from __future__ import annotations

import torch
from torch import Tensor

from jndlic.errors import ParameterError
from jndlic.format.grid import JND_STRIDE
from jndlic.jnd.namm import jnd_map
from jndlic.network.config import CodecConfig
from jndlic.network.quality import quality_plane
from jndlic.training.codec.ablation import WHOLE, restrict, seen_map
from jndlic.training.codec.distortion import Distortion
from jndlic.training.codec.export import INTEGER_NETWORKS, load_start
from jndlic.training.codec.forward import EntropyModels, TrainingOutput, training_pass
from jndlic.training.codec.loss import balance, rate_distortion_weight
from jndlic.training.codec.trainable import trainable_codec
from jndlic.training.muon import check_optimizer
from jndlic.training.schedule import Scheduled

ALL_PARTS, SYNTHESIS = "all", "synthesis"


class CodecTraining(Scheduled):
    """Trains a codec on R + lambda(q) (MSE + w_M MS-SSIM distance + w_L LPIPS + w_S SSIMULACRA2
    distance).

    Args:
        config: sizes of the network.
        start_from: weights file to go on from (its masters/ beside it); default: the cosine start.
        learning_rate: peak of the rate.
        final_learning_rate: reached when max_steps or max_time ends, by a cosine.
        warmup_steps: linear rise at the start.
        quantile_learning_rate: of the entropy bottlenecks' quantiles.
        clip_norm: largest gradient norm of all parameters but the quantiles.
        ms_ssim_weight: w_M, in squared grey levels; 0 leaves the term out.
        lpips_weight: w_L, in squared grey levels (the paper: 1000).
        lpips_weights: SqueezeNet trunk; default: environment variable JNDLIC_LPIPS_WEIGHTS.
        ssimulacra2_weight: w_S, in squared grey levels; 0 leaves the term out.
        jnd_weighting: share of the squared error that is weighted by 1 / (j + 2)^2.
        optimizer: "adam", or "muon" for the kernels of the float networks (see
            jndlic/training/muon.py).
        balance_strength: how far the losses of fine and coarse qualities are evened out, 0 to 1.
        compile: let torch.compile fuse the passes through the codec and LPIPS; the first steps then
            take minutes.
        ablation: leave a part out, see jndlic/training/codec/ablation.py.
        parts: what learns: "all", or "synthesis" alone. All before the synthesis then stays as it
            is, files keep every byte, and a step takes less than half the time.
        perceptual_share: share of a batch's crops, 0 to 1, that LPIPS and SSIMULACRA2 look at, with
            that much more weight: the same loss in the mean in less time.
        chroma_weight: of chroma's squared error beside that of luma, above 0.
    """

    not_for_muon = tuple(
        f"codec.{name}" for name in INTEGER_NETWORKS
    )  # rounding needs Adam's small steps

    def __init__(
        self,
        config: CodecConfig = CodecConfig(),  # noqa: B008 (frozen)
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
        balance_strength: float = 0.35,
        compile: bool = False,
        ablation: str = WHOLE,
        parts: str = ALL_PARTS,
        perceptual_share: float = 1.0,
        chroma_weight: float = 1.0,
    ) -> None:
        super().__init__()
        check_optimizer(optimizer)
        if parts not in (ALL_PARTS, SYNTHESIS):
            raise ParameterError(f"parts must be {ALL_PARTS} or {SYNTHESIS}, got {parts!r}")
        self.save_hyperparameters(ignore=["config"])
        self.codec = trainable_codec(config).to(memory_format=torch.channels_last)
        self.entropy = EntropyModels(config.hyper_channels, config.jnd_channels)
        if start_from:
            load_start(self.codec, self.entropy, start_from)
        self._synthesis_alone = parts == SYNTHESIS
        if self._synthesis_alone:
            self.requires_grad_(False)
            self.codec.synthesis.requires_grad_(True)
            self.entropy.eval()  # Lightning keeps the modes that it finds
        restrict(self.codec, ablation)
        self._training_pass = torch.compile(training_pass) if compile else training_pass
        self._distortion = Distortion(
            ms_ssim_weight,
            lpips_weight,
            lpips_weights,
            ssimulacra2_weight,
            jnd_weighting,
            compile,
            perceptual_share,
            chroma_weight,
        )

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Rate-distortion loss of a batch, and its parts by name.

        Args:
            batch: (B, 3, S, S) uint8 crops and (B, S/32, S/32) qualities, or (B,) where each is the
                same all over its crop.
        """
        crops, quality = batch
        options = self.hparams
        image = crops.float()
        quality = quality_plane(quality, *(side // JND_STRIDE for side in image.shape[-2:]))
        jnd = jnd_map(image)
        output = self._training_pass(
            self.codec,
            self.entropy,
            image,
            seen_map(jnd, options.ablation),
            quality,
            self._synthesis_alone,
        )
        pixels = image.shape[-2] * image.shape[-1]
        rate = (output.bits_latent + output.bits_hyper + output.bits_jnd) / pixels
        weight = rate_distortion_weight(quality)
        distortion, parts = self._distortion(output.image.float(), image, jnd, weight)
        loss = (balance(weight, options.balance_strength) * (rate + distortion)).mean()
        return loss, _means(parts | _describe(output, rate, parts["error"], pixels))

    def train(self, mode: bool = True) -> CodecTraining:
        """The entropy models count symbols while they train; not where they are to stay."""
        super().train(mode)
        if self._synthesis_alone:
            self.entropy.eval()
        return self

    def quantile_loss(self) -> Tensor:
        """See Scheduled."""
        return self.entropy.quantile_loss()

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        """Keep the sizes with the weights, for tools/export.py."""
        checkpoint["codec_config"] = self.codec.config.to_dict()


def _describe(
    output: TrainingOutput, rate: Tensor, error: Tensor, pixels: int
) -> dict[str, Tensor]:
    """Figures worth watching; rates in bits per pixel."""
    return {
        "bpp": rate,
        "bpp_hyper": output.bits_hyper / pixels,
        "bpp_jnd": output.bits_jnd / pixels,
        "psnr": 10.0 * torch.log10(255.0**2 / error),
        "step_spread": output.step_index.std((2, 3)),  # indices; 8.1 are one nat
    }


def _means(parts: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().mean() for name, value in parts.items()}
