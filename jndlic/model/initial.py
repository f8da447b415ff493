"""Where training starts: the linear path through the network is a block cosine transform and its inverse.

A random start spends its first thousands of steps on learning that natural images are sparse in frequency. Here the stem
is an 8x8 cosine transform of three decorrelated colour planes, the step from 1/8 to 1/16 joins 2x2 blocks by a Haar
transform, both keep their lowest frequencies, and the synthesis holds the transposes. Rows beyond what the transform
offers stay random.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

COLOURS = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]])
COLOURS = COLOURS / COLOURS.norm(dim=1, keepdim=True)
HAAR = torch.tensor([[1.0, 1.0], [1.0, -1.0]]) / math.sqrt(2.0)
CHROMA_PENALTY = 4  # a colour difference counts as this much finer than brightness, in cycles per 16 pixels


class Frequency(NamedTuple):
    """One basis function."""

    order: int
    """Sum of the horizontal and vertical frequency, in half cycles per block, and the penalty of its colour plane."""
    colour: int
    row: int
    column: int


def lowest_frequencies(size: int, penalty: int, count: int) -> list[Frequency]:
    """The `count` lowest of the 3 size^2 basis functions, lowest first."""
    every = [
        Frequency(row + column + (penalty if colour else 0), colour, row, column)
        for colour in range(3)
        for row in range(size)
        for column in range(size)
    ]
    return sorted(every)[:count]


def cosine_basis(size: int) -> Tensor:
    """(size, size) orthonormal DCT-II; rows are frequencies."""
    positions = torch.arange(size) + 0.5
    basis = torch.cos(math.pi / size * torch.arange(size)[:, None] * positions)
    return basis / basis.norm(dim=1, keepdim=True)


@torch.no_grad()
def start_from_cosines(stem: nn.Conv2d, down: nn.Conv2d, up: nn.Conv2d, out: nn.Conv2d) -> list[int]:
    """Set four 1x1 convolutions to the transform and its inverse.

    Args:
        stem: 3 * 8 * 8 (pixel-unshuffled) to fine channels.
        down: 4 * fine (pixel-unshuffled) to coarse channels.
        up: coarse to 4 * fine.
        out: fine to 3 * 8 * 8.

    Returns:
        Order of the frequency that each coarse channel holds, as many as were set.
    """
    size = math.isqrt(stem.in_channels // 3)
    basis = cosine_basis(size)
    chosen = lowest_frequencies(size, CHROMA_PENALTY, stem.out_channels)
    for channel, (_, colour, row, column) in enumerate(chosen):
        plane = basis[row][:, None] * basis[column][None, :]
        weights = (COLOURS[colour][:, None, None] * plane).flatten()
        stem.weight[channel, :, 0, 0] = weights
        out.weight[:, channel, 0, 0] = weights
    joined = sorted(
        (2 * frequency.order + a + b, channel, a, b)
        for channel, frequency in enumerate(chosen)
        for a in (0, 1)
        for b in (0, 1)
    )[: down.out_channels]
    for coarse, (_, channel, a, b) in enumerate(joined):
        weights = torch.zeros(down.in_channels)
        weights[4 * channel : 4 * channel + 4] = (HAAR[a][:, None] * HAAR[b][None, :]).flatten()
        down.weight[coarse, :, 0, 0] = weights
        up.weight[:, coarse, 0, 0] = weights
    for layer in (stem, down, up, out):
        layer.bias.zero_()
    return [order for order, *_ in joined]


@torch.no_grad()
def start_from_identity(layer: nn.Conv2d) -> None:
    """Let a 1x1 convolution begin as the identity on the channels that both sides have."""
    shared = min(layer.in_channels, layer.out_channels)
    layer.weight.mul_(0.01)
    layer.weight[range(shared), range(shared), 0, 0] = 1.0
    layer.bias.zero_()
