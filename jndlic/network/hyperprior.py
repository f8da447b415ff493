"""Side information: z and z_J on the encoder's side, and the integer networks that read them on
both sides.

    y   ─► hyper analysis ─► z   ─► stream "hyper" ─► scale net ─► S
    f_J ─► JND head       ─► z_J ─► stream "jnd"   ─► step net  ─► D
                             quality ────────────────► gain table ─► G
                                                       d = G + D,   t = clip(S - d, 0, 63)

    S: index of log sigma, per latent
    D: index of log step, per latent, relative to the gain
    G: index of log step, per channel

The grid of scales and steps is one (rules.py), so the table of a latent with scale sigma / step is
the index S - d.
"""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from jndlic.format.container import QUALITY_MAX, QUALITY_MIN
from jndlic.format.phases import PHASE_GRID
from jndlic.network.analysis import LATENT_SCALE
from jndlic.network.blocks import pointwise
from jndlic.network.config import CodecConfig
from jndlic.network.depthwise import DepthwiseConv2d
from jndlic.network.integer import IntegerConv2d, bound
from jndlic.network.quality import coarser_planes, quality_planes, quality_weights
from jndlic.network.rules import (
    ACTIVATION_MAX,
    LOG_RATIO,
    QUALITY_NODES,
    STEP_BOUND,
    STEP_LIMIT,
    SYMBOL_MAX,
    TABLE_COUNT,
)


class LayerMaker(Protocol):
    """Makes a layer of the integer networks: `first` reads symbols, `last` gives indices, not
    activations.
    """

    def __call__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        *,
        first: bool = False,
        last: bool = False,
        gain: float = 2**0.5,
    ) -> nn.Module:
        """`gain` is the size that the weights of a layer begin with in training."""
        ...


def integer_layer(
    inputs: int,
    outputs: int,
    kernel: int = 1,
    *,
    first: bool = False,
    last: bool = False,
    gain: float = 2**0.5,
) -> IntegerConv2d:
    """See LayerMaker: of frozen integers, which have no beginning."""
    return IntegerConv2d(
        inputs, outputs, kernel, input_max=SYMBOL_MAX if first else ACTIVATION_MAX, rectify=not last
    )


class HyperAnalysis(nn.Module):
    """y and quality to z (encoder only, float)."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        width = config.hyper_channels + 64
        self.entry = pointwise(config.latent_channels, width, gain=2**0.5)
        self.first = pointwise(4 * width, width, gain=2**0.5)
        self.spatial = DepthwiseConv2d(width, 5, padding=2)
        self.second = pointwise(4 * width, width, gain=2**0.5)
        self.modulation = nn.Conv2d(QUALITY_NODES, 2 * width, 1)
        self.head = pointwise(width, config.hyper_channels, gain=2.0)

    def forward(self, latent: Tensor, quality: Tensor) -> Tensor:
        """(B, M, h, w) and (B, h / 2, w / 2) to (B, hyper_channels, h / 4, w / 4)."""
        features = torch.relu(self.entry(latent / LATENT_SCALE))
        features = torch.relu(self.first(functional.pixel_unshuffle(features, 2)))
        features = torch.relu(self.second(functional.pixel_unshuffle(self.spatial(features), 2)))
        scale, offset = self.modulation(functional.avg_pool2d(quality_weights(quality), 2)).chunk(
            2, 1
        )
        return self.head(features * (1.0 + scale) + offset)


class JndHead(nn.Module):
    """f_J to z_J (encoder only, float)."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.entry = pointwise(config.coarse_channels, 64, gain=2**0.5)
        self.head = pointwise(4 * 64, config.jnd_channels, gain=2.0)

    def forward(self, jnd_features: Tensor) -> Tensor:
        """(B, coarse_channels, h, w) to (B, jnd_channels, h / 2, w / 2)."""
        return self.head(functional.pixel_unshuffle(torch.relu(self.entry(jnd_features)), 2))


class ScaleNet(nn.Module):
    """z to S, the index of each latent's log scale; integers only.

    A table of offsets per phase of the context model and channel is added to the network's output:
    latents whose neighbours are decoded before them are better predicted, hence narrower.
    """

    phase_offset: Tensor

    def __init__(self, config: CodecConfig, layer: LayerMaker = integer_layer) -> None:
        super().__init__()
        layers = [
            layer(config.hyper_channels + QUALITY_NODES, 192, 3, first=True),
            layer(192, 4 * 128),
            layer(128, 128, 3),
            layer(128, 4 * 160),
            layer(160, config.latent_channels, last=True, gain=0.05),
        ]
        self.layers = nn.ModuleList(layers)
        self.register_buffer(
            "phase_offset", torch.zeros(4, config.latent_channels, dtype=torch.int16)
        )

    def phase_offsets(self) -> Tensor:
        """(4, M) float32 that holds integers."""
        return self.phase_offset.to(torch.float32)

    def forward(self, z: Tensor, quality: Tensor) -> Tensor:
        """Scale indices.

        Args:
            z: (B, hyper_channels, h / 4, w / 4) float32 symbols.
            quality: (B, h / 2, w / 2) integers.

        Returns:
            S: (B, M, h, w) float32 that holds integers.
        """
        symbols = z.clamp(-SYMBOL_MAX, SYMBOL_MAX)
        hidden = self.layers[0](torch.cat((symbols, coarser_planes(quality_planes(quality))), 1))
        hidden = functional.pixel_shuffle(self.layers[1](hidden), 2)
        hidden = functional.pixel_shuffle(self.layers[3](self.layers[2](hidden)), 2)
        index = self.layers[4](hidden)
        offset = self.phase_offsets()
        rows, columns = index.shape[-2] // 2, index.shape[-1] // 2
        cell = torch.stack([offset[phase] for phase in PHASE_GRID]).view(2, 2, -1).permute(2, 0, 1)
        return index + cell.repeat(1, rows, columns)


class StepNet(nn.Module):
    """z_J and quality to d, the index of each latent's log step; integers only: d = G + D, |D| <=
    12.
    """

    gain: Tensor

    def __init__(self, config: CodecConfig, layer: LayerMaker = integer_layer) -> None:
        super().__init__()
        layers = [
            layer(config.jnd_channels + QUALITY_NODES, 96, 3, first=True),
            layer(96, 4 * 96),
            layer(96, config.latent_channels, last=True, gain=0.1),
        ]
        self.layers = nn.ModuleList(layers)
        self.register_buffer(
            "gain", torch.zeros(QUALITY_MAX, config.latent_channels, dtype=torch.int16)
        )

    def gain_planes(self, quality: Tensor) -> Tensor:
        """G: (B, h, w) integers to (B, M, h, w) float32 that holds integers."""
        return (
            self.gain[quality.to(torch.int64) - QUALITY_MIN].permute(0, 3, 1, 2).to(torch.float32)
        )

    def forward(self, z_jnd: Tensor, quality: Tensor) -> Tensor:
        """Step indices.

        Args:
            z_jnd: (B, jnd_channels, h / 2, w / 2) float32 symbols.
            quality: (B, h / 2, w / 2) integers.

        Returns:
            d: (B, M, h, w) float32 that holds integers.
        """
        symbols = z_jnd.clamp(-SYMBOL_MAX, SYMBOL_MAX)
        hidden = self.layers[0](torch.cat((symbols, quality_planes(quality)), 1))
        relative = self.layers[2](functional.pixel_shuffle(self.layers[1](hidden), 2))
        gain = self.gain_planes(quality).repeat_interleave(2, -2).repeat_interleave(2, -1)
        index = bound(relative, -STEP_BOUND, STEP_BOUND) + gain
        return bound(index, -STEP_LIMIT, STEP_LIMIT)


def table_index(scale_index: Tensor, step_index: Tensor) -> Tensor:
    """t = clip(S - d, 0, 63), elementwise."""
    return bound(scale_index - step_index, 0, TABLE_COUNT - 1)


def step_size(step_index: Tensor) -> Tensor:
    """Quantization step r^d of each latent."""
    return torch.exp(step_index * LOG_RATIO)
