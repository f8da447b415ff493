"""The differentiable pass of training: the codec's own parts, with noise where entropy is estimated.

Rates are likelihoods of CompressAI's entropy models under additive uniform noise; everything that decoding sees
(z, z_J, k, S, d) is rounded as it will be in a file, with straight-through gradients.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from compressai.entropy_models import EntropyBottleneck, GaussianConditional
from torch import Tensor, nn

from jndlic.model.codec import Codec
from jndlic.model.integer import round_through
from jndlic.model.side import LOG_RATIO, SCALE_MIN, TABLE_COUNT, step_size, table_index


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


def scale_table() -> list[float]:
    """The 64 scales of the probability tables: 0.11 r^t."""
    return [SCALE_MIN * math.exp(LOG_RATIO * index) for index in range(TABLE_COUNT)]


class EntropyModels(nn.Module):
    """CompressAI's entropy models: factorised for z and z_J, Gaussian for k."""

    def __init__(self, hyper_channels: int, jnd_channels: int) -> None:
        super().__init__()
        self.z = EntropyBottleneck(hyper_channels)
        self.z_jnd = EntropyBottleneck(jnd_channels)
        self.latent = GaussianConditional(scale_table())

    def quantile_loss(self) -> Tensor:
        """Auxiliary loss that places the quantiles; it touches no other parameter."""
        return self.z.loss() + self.z_jnd.loss()


def training_pass(codec: Codec, entropy: EntropyModels, image: Tensor, jnd: Tensor, quality: Tensor) -> TrainingOutput:
    """Run a batch.

    Args:
        codec: with trainable integer networks.
        entropy: the entropy models.
        image: (B, 3, H, W) grey levels 0..255, sizes multiples of 64.
        jnd: (B, 3, H, W) tolerance in grey levels.
        quality: (B,) integers 1..100.
    """
    features = codec.analysis(image, jnd)
    latent = features.latent.float()
    z, bits_hyper = _side(entropy.z, codec.hyper_analysis(latent, quality))
    z_jnd, bits_jnd = _side(entropy.z_jnd, codec.jnd_head(features.jnd_features))
    with torch.autocast(image.device.type, enabled=False):
        step_index = codec.step_net(z_jnd, quality)
        table = table_index(codec.scale_net(z, quality), step_index)
    step = step_size(step_index)
    halves, steps = latent.chunk(2, 1), step.chunk(2, 1)

    def dequantise(half: int, mean: Tensor) -> Tensor:
        mean = mean.float()
        return mean + steps[half] * round_through((halves[half] - mean) / steps[half])

    mean, decoded = codec.context(z, z_jnd, quality, dequantise)
    ratio = (latent - mean) / step
    noisy = ratio + torch.rand_like(ratio) - 0.5
    scales = SCALE_MIN * torch.exp(table * LOG_RATIO)
    likelihood = entropy.latent.likelihood_lower_bound(entropy.latent._likelihood(noisy, scales))
    return TrainingOutput(codec.synthesis(decoded, step_index), _bits(likelihood), bits_hyper, bits_jnd, step_index)


def _side(model: EntropyBottleneck, values: Tensor) -> tuple[Tensor, Tensor]:
    """Symbols of a side latent (straight-through) and their estimated bits."""
    values = values.float()
    with torch.autocast(values.device.type, enabled=False):
        _, likelihood = model(values, training=True)
        medians = model.quantiles[:, 0, 1].detach()[None, :, None, None]
        return round_through(values - medians), _bits(likelihood)


def _bits(likelihood: Tensor) -> Tensor:
    return -torch.log2(likelihood).flatten(1).sum(1)
