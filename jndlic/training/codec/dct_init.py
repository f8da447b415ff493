"""Where training starts: the linear path through the network is a block cosine transform and its
inverse.

A random start spends its first thousands of steps on learning that natural images are sparse in
frequency. Here the stem is an 8x8 cosine transform of three decorrelated colour planes, the step
from 1/8 to 1/16 joins 2x2 blocks by a Haar transform, both keep their lowest frequencies, and the
synthesis holds the transposes. Rows beyond what the transform offers stay random.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from jndlic.network.blocks import centre

_COLOURS = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]])
COLOURS = _COLOURS / _COLOURS.norm(dim=1, keepdim=True)
HAAR = torch.tensor([[1.0, 1.0], [1.0, -1.0]]) / math.sqrt(2.0)
# A colour difference counts as this much finer than brightness, in cycles per 16 pixels.
CHROMA_PENALTY = 4


class Frequency(NamedTuple):
    """One basis function."""

    order: int
    """Sum of the horizontal and vertical frequency, in half cycles per block, and the penalty of
    its colour plane.
    """
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


class Pattern(NamedTuple):
    """A basis function of 2 x 2 blocks: one of a block, and how its four copies are joined."""

    order: int
    """As Frequency's, of the joined blocks."""
    frequency: Frequency
    down: int
    right: int


@torch.no_grad()
def start_from_cosines(
    stem: nn.Conv2d, down: nn.Conv2d, up: nn.Conv2d, out: nn.Conv2d
) -> list[Pattern]:
    """Set four convolutions to the transform and its inverse.

    Args:
        stem: 3 * 8 * 8 (pixel-unshuffled) to fine channels; of a larger kernel the middle tap is
            set.
        down: 4 * fine (pixel-unshuffled) to coarse channels, 1x1.
        up: coarse to 4 * fine, 1x1.
        out: fine to 3 * 8 * 8; as `stem`.

    Returns:
        What each coarse channel holds, as many as were set.
    """
    chosen = lowest_frequencies(
        math.isqrt(stem.in_channels // 3), CHROMA_PENALTY, stem.out_channels
    )
    for channel, frequency in enumerate(chosen):
        weights = _block(frequency, math.isqrt(stem.in_channels // 3)).flatten()
        centre(stem)[channel] = weights
        centre(out)[:, channel] = weights
    joined = sorted(_patterns(chosen))[: down.out_channels]
    for coarse, pattern in enumerate(joined):
        channel = chosen.index(pattern.frequency)
        weights = torch.zeros(down.in_channels)
        weights[4 * channel : 4 * channel + 4] = _join(pattern).flatten()
        down.weight[coarse, :, 0, 0] = weights
        up.weight[:, coarse, 0, 0] = weights
    for layer in (stem, down, up, out):
        layer.bias.zero_()
    return joined


@torch.no_grad()
def start_detail(kept: list[Pattern], encode: nn.Conv2d, decode: nn.Conv2d) -> list[Pattern]:
    """Set the linear path to basis functions that the coarse channels lack: all of brightness
    first, then colour.

    Args:
        kept: of `start_from_cosines`.
        encode: 3 * 16 * 16 (pixel-unshuffled) to detail channels.
        decode: detail channels to 3 * 16 * 16.

    Returns:
        What each detail channel holds, as many as were set.
    """
    size = math.isqrt(encode.in_channels // 3) // 2
    every = _patterns(lowest_frequencies(size, CHROMA_PENALTY, 3 * size**2))
    lacking = sorted(
        set(every) - set(kept), key=lambda pattern: (pattern.frequency.colour > 0, pattern)
    )
    for channel, pattern in enumerate(lacking[: encode.out_channels]):
        weights = torch.einsum(
            "ab,cij->caibj", _join(pattern), _block(pattern.frequency, size)
        ).flatten()
        encode.weight[channel, :, 0, 0] = weights
        decode.weight[:, channel, 0, 0] = weights
    encode.bias.zero_()
    decode.bias.zero_()
    return lacking[: encode.out_channels]


def _patterns(frequencies: list[Frequency]) -> list[Pattern]:
    return [
        Pattern(2 * frequency.order + a + b, frequency, a, b)
        for frequency in frequencies
        for a in (0, 1)
        for b in (0, 1)
    ]


def _block(frequency: Frequency, size: int) -> Tensor:
    """(3, size, size): the basis function of one block."""
    basis = cosine_basis(size)
    return COLOURS[frequency.colour][:, None, None] * (
        basis[frequency.row][:, None] * basis[frequency.column][None, :]
    )


def _join(pattern: Pattern) -> Tensor:
    """(2, 2): the weight of each of the four blocks."""
    return HAAR[pattern.down][:, None] * HAAR[pattern.right][None, :]


@torch.no_grad()
def start_from_identity(layer: nn.Conv2d, largest: int) -> None:
    """Let a 1x1 convolution begin as the identity on the channels that both sides have, at most the
    first `largest`.
    """
    shared = min(layer.in_channels, layer.out_channels, largest)
    layer.weight.mul_(0.01)
    layer.weight[range(shared), range(shared), 0, 0] = 1.0
    layer.bias.zero_()
