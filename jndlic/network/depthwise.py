"""Depthwise convolution: one kernel per channel."""

from __future__ import annotations

from torch import nn


class DepthwiseConv2d(nn.Conv2d):
    """nn.Conv2d with one kernel per channel.

    Args:
        channels: of input and output.
        size: side of the square kernel.
        stride: of both axes.
        padding: zeros on every side.
    """

    def __init__(self, channels: int, size: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__(channels, channels, size, stride, padding, groups=channels)
