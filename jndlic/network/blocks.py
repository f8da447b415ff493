"""Building blocks shared by analysis and synthesis."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from jndlic.network.depthwise import DepthwiseConv2d


def pointwise(inputs: int, outputs: int, gain: float = 1.0) -> nn.Conv2d:
    """A 1x1 convolution whose output has `gain` times the standard deviation of a white input."""
    layer = nn.Conv2d(inputs, outputs, 1)
    nn.init.normal_(layer.weight, std=gain / inputs**0.5)
    nn.init.zeros_(layer.bias)  # pyright: ignore[reportArgumentType]
    return layer


class ResidualBlock(nn.Module):
    """x + pointwise(relu(pointwise(depthwise 5x5 (x)))), the hidden layer twice as wide.

    The last layer starts at a hundredth of its usual size: the stack begins near the identity, so
    that the transform which the outer layers start from (see initial.py) is not blurred.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.spatial = DepthwiseConv2d(channels, 5, padding=2)
        self.widen = pointwise(channels, 2 * channels, gain=2**0.5)
        self.narrow = pointwise(2 * channels, channels, gain=0.01)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return features + self.narrow(torch.relu_(self.widen(self.spatial(features))))


class GatedBlock(nn.Module):
    """x + pointwise(u * sigmoid(v)), where u and v are pointwise(depthwise (x)); begins without
    effect.

    The product lets one feature decide where another counts, which a line needs and a cosine
    pattern does not (gated linear units: Dauphin et al., "Language modeling with gated
    convolutional networks", ICML 2017).

    Args:
        channels: of input and output.
        size: side of the depthwise kernel.
        hidden: channels of u and of v.
    """

    def __init__(self, channels: int, size: int, hidden: int) -> None:
        super().__init__()
        self.spatial = DepthwiseConv2d(channels, size, padding=size // 2)
        self.widen = pointwise(channels, 2 * hidden, gain=2**0.5)
        self.narrow = pointwise(hidden, channels, gain=0.0)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        value, gate = self.widen(self.spatial(features)).chunk(2, 1)
        return features + self.narrow(value * torch.sigmoid(gate))


def gated_stack(channels: int, count: int, size: int, hidden: int) -> nn.Sequential:
    """`count` gated blocks in a row."""
    return nn.Sequential(*(GatedBlock(channels, size, hidden) for _ in range(count)))


def lapped(inputs: int, outputs: int, size: int, gain: float = 1.0) -> nn.Conv2d:
    """A dense convolution of odd size that begins as `pointwise`: the neighbours have no weight
    yet.
    """
    layer = nn.Conv2d(inputs, outputs, size, padding=size // 2)
    with torch.no_grad():
        layer.weight.zero_()
        centre(layer).normal_(std=gain / inputs**0.5)
        layer.bias.zero_()  # pyright: ignore[reportOptionalMemberAccess]
    return layer


def centre(layer: nn.Conv2d) -> Tensor:
    """The weights of the middle tap, (outputs, inputs): a view."""
    middle = layer.kernel_size[0] // 2
    return layer.weight[:, :, middle, middle]


def residual_stack(channels: int, count: int) -> nn.Sequential:
    """`count` residual blocks in a row."""
    return nn.Sequential(*(ResidualBlock(channels) for _ in range(count)))


class JndFtm(nn.Module):
    """JND-guided feature transform (JND-FTM, Pan et al. 2024): the map's features gate the image's.

        a = g(x)   b = g(j)                      one shared depthwise 3x3 convolution
        s = sigmoid(Ws [a; b])                   what of the image the map keeps visible
        c = Wc [s * a; b]                        the candidate (linear)
        r = sigmoid(Wr [a; b])                   how much of the candidate replaces the feature
        x' = (1 - r) * a + r * c     j' = b

    Ws, Wr and Wc are 1x1 convolutions. The gate r starts almost shut, so that training begins with
    x' close to a.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shared = DepthwiseConv2d(channels, 3, padding=1)
        with torch.no_grad():
            self.shared.weight.mul_(0.02)
            self.shared.weight[:, :, 1, 1] += 1.0
            self.shared.bias.zero_()  # pyright: ignore[reportOptionalMemberAccess]
        # Ws and Wr see the same input: one product
        self.gates = pointwise(2 * channels, 2 * channels)
        self.candidate = pointwise(2 * channels, channels, gain=0.1)
        with torch.no_grad():
            self.gates.bias[channels:] = -4.0  # pyright: ignore[reportOptionalSubscript]

    def forward(self, image: Tensor, jnd: Tensor) -> tuple[Tensor, Tensor]:
        """Gate image features by map features.

        Args:
            image: (B, C, H, W).
            jnd: (B, C, H, W).

        Returns:
            (x', j'), each (B, C, H, W).
        """
        a = self.shared(image)
        b = self.shared(jnd)
        keep, replace = torch.sigmoid(self.gates(torch.cat((a, b), 1))).chunk(2, 1)
        candidate = self.candidate(torch.cat((keep * a, b), 1))
        return a + replace * (candidate - a), b
