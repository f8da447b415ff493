"""Integer convolutions: the same integers on every machine.

Everything that chooses a probability table comes out of these layers. Weights are int8, activations
uint8 (or symbols clipped to int8), biases int32; after the sum, each output channel is divided by a
power of two:

    acc[o] = bias[o] + sum over inputs and taps of weight[o, ...] * input[...]
    out[o] = (acc[o] + half) >> shift[o]         floor division
    half = 2^(shift - 1), or 0 where shift is 0
    hidden layers then clip out to 0..255 (ReLU and uint8 in one)

The frozen layer is executed as im2col and a float32 matrix product. That is exact: with
input_max * sum|weight| + |bias| < 2^24 every partial sum, in any order, is an integer that float32
holds. The bound is checked per output channel when weights are set. Training runs the same
arithmetic on rounded float weights (jndlic/training/codec/integer_masters.py).
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from jndlic.errors import WeightsError
from jndlic.network.rules import ACTIVATION_MAX, EXACT_LIMIT


class _Bound(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values: Tensor, low: float, high: float) -> Tensor:
        ctx.save_for_backward(values)
        ctx.low, ctx.high = low, high
        return values.clamp(low, high)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        (values,) = ctx.saved_tensors
        passes = ((values >= ctx.low) | (gradient < 0)) & ((values <= ctx.high) | (gradient > 0))
        return gradient * passes, None, None


def bound(values: Tensor, low: float, high: float) -> Tensor:
    """Clip to [low, high]; outside, only a gradient that leads back inside passes."""
    return _Bound.apply(values, low, high)


@contextmanager
def exact_products(device_type: str) -> Generator[None, None, None]:
    """Full float32 products (no TF32, no bfloat16, no autocast) for the integer layers inside."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.autocast(device_type, enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


class IntegerConv2d(nn.Module):
    """A frozen integer convolution, stride 1, zero padding, odd kernel.

    Args:
        in_channels: inputs.
        out_channels: outputs.
        kernel_size: 1 or 3.
        input_max: largest magnitude of an input.
        rectify: clip the outputs to 0..255 (hidden layers) or leave them signed (last layers).
    """

    weight: Tensor
    bias: Tensor
    shift: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        input_max: int,
        rectify: bool,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = (kernel_size, kernel_size)
        self.input_max, self.rectify = input_max, rectify
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.register_buffer("weight", torch.zeros(shape, dtype=torch.int8))
        self.register_buffer("bias", torch.zeros(out_channels, dtype=torch.int32))
        self.register_buffer("shift", torch.zeros(out_channels, dtype=torch.int32))
        self._matrix: Tensor | None = None

    def accumulator_bound(self) -> Tensor:
        """(out_channels,) int64: the largest magnitude that any partial sum can reach."""
        weights = self.weight.to(torch.int64).abs().sum((1, 2, 3))
        return weights * self.input_max + self.bias.to(torch.int64).abs()

    def check(self) -> None:
        """Prove that float32 holds every partial sum.

        Raises:
            WeightsError: a channel's bound reaches 2^24, or a shift is outside 0..30.
        """
        worst = int(self.accumulator_bound().max())
        if worst >= EXACT_LIMIT:
            raise WeightsError(
                f"integer layer: accumulator may reach {worst}, the limit is 2^24 - 1"
            )
        if int(self.shift.min()) < 0 or int(self.shift.max()) > 30:
            raise WeightsError("integer layer: a shift is outside 0..30")

    def forward(self, inputs: Tensor) -> Tensor:
        """Integers in float32 to integers in float32.

        Args:
            inputs: (B, in_channels, H, W) float32 that holds integers of magnitude up to input_max.

        Returns:
            (B, out_channels, H, W) float32 that holds integers.
        """
        batch, _, height, width = inputs.shape
        if self._matrix is None or self._matrix.device != inputs.device:
            self._matrix = self.weight.to(inputs.device, torch.float32).flatten(1)
        size = self.kernel_size[0]
        columns = (
            inputs.flatten(2) if size == 1 else functional.unfold(inputs, size, padding=size // 2)
        )
        total = torch.matmul(self._matrix, columns).to(torch.int32) + self.bias[:, None]
        half = torch.bitwise_left_shift(torch.ones_like(self.shift), self.shift) >> 1
        scaled = torch.bitwise_right_shift(total + half[:, None], self.shift[:, None])
        if self.rectify:
            scaled = scaled.clamp_(0, ACTIVATION_MAX)
        return scaled.to(torch.float32).view(batch, self.out_channels, height, width)
