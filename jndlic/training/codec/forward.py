"""The differentiable pass of training: the codec's own parts, with noise where entropy is
estimated.

Everything that decoding sees (z, z_J, k, S, d) is rounded as it will be in a file, with
straight-through gradients. Rates are likelihoods of CompressAI's entropy models: of z and z_J under
additive uniform noise; of k, the true cost of the rounded symbols, whose gradient moves the scales,
while the gradient of the cost under noise moves latents, means and steps.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from compressai.entropy_models import EntropyBottleneck
from torch import Tensor, nn

from jndlic.format.phases import to_phases
from jndlic.network.codec import Codec
from jndlic.network.hyperprior import step_size, table_index
from jndlic.network.mean_context import from_phases
from jndlic.network.rules import MAGNITUDE_MAX, MAGNITUDES
from jndlic.training.codec.integer_masters import round_through
from jndlic.training.codec.mixture import ScaleMixture
from jndlic.training.codec.table_counts import NeighbourCounts


class TrainingOutput(NamedTuple):
    """One batch through the codec."""

    image: Tensor
    """x̂: (B, 3, H, W), grey levels, not clipped."""
    bits_latent: Tensor
    """(B,) estimated bits of k."""
    bits_hyper: Tensor
    """(B,) estimated bits of z."""
    bits_jnd: Tensor
    """(B,) estimated bits of z_J."""
    step_index: Tensor
    """d: (B, M, H/16, W/16)."""


class EntropyModels(nn.Module):
    """CompressAI's entropy models: factorised for z and z_J, mixtures of Gaussians for k."""

    def __init__(self, hyper_channels: int, jnd_channels: int) -> None:
        super().__init__()
        self.z = EntropyBottleneck(hyper_channels)
        self.z_jnd = EntropyBottleneck(jnd_channels)
        self.latent = ScaleMixture()
        self.neighbours = NeighbourCounts()

    def quantile_loss(self) -> Tensor:
        """Auxiliary loss that places the quantiles; it touches no other parameter."""
        return self.z.loss() + self.z_jnd.loss()


class _Coded(NamedTuple):
    """A batch of latents as a decoder has them, and what they cost; fields as of
    TrainingOutput.
    """

    latent: Tensor
    """ŷ: (B, M, H/16, W/16)."""
    step_index: Tensor
    bits_latent: Tensor
    bits_hyper: Tensor
    bits_jnd: Tensor


def training_pass(
    codec: Codec,
    entropy: EntropyModels,
    image: Tensor,
    jnd: Tensor,
    quality: Tensor,
    synthesis_alone: bool = False,
) -> TrainingOutput:
    """Run a batch.

    Args:
        codec: with trainable integer networks.
        entropy: the entropy models.
        image: (B, 3, H, W) grey levels 0..255, sizes multiples of 64.
        jnd: (B, 3, H, W) tolerance in grey levels.
        quality: (B, H/32, W/32) integers 1..100.
        synthesis_alone: all before the synthesis gets no gradient, which saves more than half of
            the time.
    """
    with torch.set_grad_enabled(torch.is_grad_enabled() and not synthesis_alone):
        coded = _code(codec, entropy, image, jnd, quality)
    return TrainingOutput(
        codec.synthesis(coded.latent, coded.step_index, quality),
        coded.bits_latent,
        coded.bits_hyper,
        coded.bits_jnd,
        coded.step_index,
    )


def _code(
    codec: Codec, entropy: EntropyModels, image: Tensor, jnd: Tensor, quality: Tensor
) -> _Coded:
    """All that comes before the synthesis; arguments as of training_pass."""
    _follow(codec, entropy)
    features = codec.analysis(image, jnd)
    latent = codec.analysis.latent(features.features, features.detail, quality).float()
    z, bits_hyper = _side(entropy.z, codec.hyper_analysis(latent, quality))
    z_jnd, bits_jnd = _side(entropy.z_jnd, codec.jnd_head(features.jnd_features))
    with torch.autocast(image.device.type, enabled=False):
        step_index = codec.step_net(z_jnd, quality)
        table = table_index(codec.scale_net(z, quality), step_index)
    step = step_size(step_index)
    latents, steps, tables = to_phases(latent), to_phases(step), to_phases(table)
    symbols: list[Tensor] = []
    moved: list[Tensor] = []
    refined: list[Tensor] = []

    def dequantise(phase: int, mean: Tensor) -> Tensor:
        mean = mean.float()
        with torch.autocast(image.device.type, enabled=False):
            moved.append(codec.scale_context(phase, tables, symbols))
        refined.append(codec.neighbours.refine(phase, moved[-1], tables, symbols))
        ratio = (latents[phase] - mean) / steps[phase]
        symbols.append(codec.rounding(ratio, refined[-1]))
        return mean + steps[phase] * (ratio + (symbols[-1] - ratio).detach())

    mean, decoded = codec.context(z, z_jnd, quality, dequantise)
    if entropy.training:
        levels = [codec.neighbours.level(phase, tables, symbols) for phase in (1, 2, 3)]
        entropy.neighbours.observe(levels, moved, symbols)
    ratio = (latent - mean) / step
    table = from_phases(moved)
    table = table + (from_phases(refined) - table).detach()
    weights = entropy.latent.weights()
    bits_true = entropy.latent.bits(from_phases(symbols), table, weights)
    bits_noisy = entropy.latent.bits(
        ratio + torch.rand_like(ratio) - 0.5, table.detach(), weights.detach()
    )
    bits_latent = (bits_true + bits_noisy - bits_noisy.detach()).flatten(1).sum(1)
    return _Coded(decoded, step_index, bits_latent, bits_hyper, bits_jnd)


def _follow(codec: Codec, entropy: EntropyModels) -> None:
    """Let the encoder's rounding and the refinement of tables keep up with the entropy model."""
    probabilities = entropy.latent.probabilities(MAGNITUDE_MAX)
    codec.rounding.follow(probabilities[:, : MAGNITUDES + 1])
    entropy.neighbours.fit(codec.neighbours, probabilities)


def _side(model: EntropyBottleneck, values: Tensor) -> tuple[Tensor, Tensor]:
    """Symbols of a side latent (straight-through) and their estimated bits."""
    values = values.float()
    with torch.autocast(values.device.type, enabled=False):
        _, likelihood = model(values, training=True)
        medians = model.quantiles[:, 0, 1].detach()[None, :, None, None]
        return round_through(values - medians), _bits(likelihood)


def _bits(likelihood: Tensor) -> Tensor:
    return -torch.log2(likelihood).flatten(1).sum(1)
