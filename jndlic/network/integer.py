"""Integer convolutions: the same integers on every machine.

Everything that chooses a probability table comes out of these layers. Weights are int8, activations uint8 (or
symbols clipped to int8), biases int32; after the sum, each output channel is divided by a power of two:

    acc[o] = bias[o] + sum over inputs and taps of weight[o, ...] * input[...]
    out[o] = (acc[o] + half) >> shift[o]         half = 2^(shift - 1), or 0 where shift is 0; floor division
    hidden layers then clip out to 0..255 (ReLU and uint8 in one)

The frozen layer is executed as im2col and a float32 matrix product. That is exact: with
input_max * sum|weight| + |bias| < 2^24 every partial sum, in any order, is an integer that float32 holds. The bound is
checked per output channel when weights are set. The trainable layer runs the same arithmetic on rounded float
weights with straight-through gradients.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from jndlic.errors import WeightsError

WEIGHT_MAX = 127
WEIGHT_BITS = 7
ACTIVATION_MAX = 255
SYMBOL_MAX = 127  # symbols are clipped to +-127 before they enter a network
EXACT_LIMIT = 2**24  # float32 holds every integer up to here
SAFE_LIMIT = 0.95 * EXACT_LIMIT  # training keeps clear of it by more than rounding can add
EXPONENT_RANGE = (-3, 8)


class _StraightThroughRound(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values: Tensor) -> Tensor:  # noqa: D102
        return torch.floor(values + 0.5)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:  # noqa: D102
        return gradient


def round_through(values: Tensor) -> Tensor:
    """Round half up; the gradient passes unchanged."""
    return _StraightThroughRound.apply(values)


class _Bound(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values: Tensor, low: float, high: float) -> Tensor:  # noqa: D102
        ctx.save_for_backward(values)
        ctx.low, ctx.high = low, high
        return values.clamp(low, high)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:  # noqa: D102
        (values,) = ctx.saved_tensors
        passes = ((values >= ctx.low) | (gradient < 0)) & ((values <= ctx.high) | (gradient > 0))
        return gradient * passes, None, None


def bound(values: Tensor, low: float, high: float) -> Tensor:
    """Clip to [low, high]; outside, only a gradient that leads back inside passes."""
    return _Bound.apply(values, low, high)


@contextmanager
def exact_products(device_type: str) -> Iterator[None]:
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

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, *, input_max: int, rectify: bool) -> None:
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
            raise WeightsError(f"integer layer: accumulator may reach {worst}, the limit is 2^24 - 1")
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
        columns = inputs.flatten(2) if size == 1 else functional.unfold(inputs, size, padding=size // 2)
        total = torch.matmul(self._matrix, columns).to(torch.int32) + self.bias[:, None]
        half = torch.bitwise_left_shift(torch.ones_like(self.shift), self.shift) >> 1
        scaled = torch.bitwise_right_shift(total + half[:, None], self.shift[:, None])
        if self.rectify:
            scaled = scaled.clamp_(0, ACTIVATION_MAX)
        return scaled.to(torch.float32).view(batch, self.out_channels, height, width)


class TrainableIntegerConv2d(nn.Module):
    """The same layer with float parameters: rounds them on the fly, gradients pass straight through.

    Real-valued quantities are fixed-point: an input integer stands for input / input_scale, an output integer for
    output / output_scale, a weight integer for weight / 2^(7 + e) with one exponent e per output channel, chosen as
    large as int8 and the 2^24 bound allow.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        input_scale: int,
        output_scale: int,
        input_max: int,
        rectify: bool,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = (kernel_size, kernel_size)
        self.input_scale, self.output_scale = input_scale, output_scale
        self.input_max, self.rectify = input_max, rectify
        fan_in = in_channels * kernel_size**2
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel_size, kernel_size) * gain / fan_in**0.5)
        self.bias = nn.Parameter(torch.zeros(out_channels))

    @torch.no_grad()
    def exponents(self) -> Tensor:
        """(out_channels,) float32: e of each channel."""
        magnitude = self.weight.abs()
        largest = magnitude.amax((1, 2, 3))
        total = magnitude.sum((1, 2, 3)) * self.input_max + self.bias.abs() * self.input_scale
        room = torch.minimum(WEIGHT_MAX / largest.clamp(min=1e-12), SAFE_LIMIT / total.clamp(min=1e-12))
        return (torch.log2(room).floor() - WEIGHT_BITS).clamp(*EXPONENT_RANGE)

    def _integers(self) -> tuple[Tensor, Tensor, Tensor]:
        """Rounded weight and bias (differentiable) and the divisor 2^shift, all float32."""
        scale = torch.exp2(self.exponents() + WEIGHT_BITS)
        weight = bound(round_through(self.weight * scale[:, None, None, None]), -WEIGHT_MAX, WEIGHT_MAX)
        bias = round_through(self.bias * (scale * self.input_scale))
        return weight, bias, scale * (self.input_scale / self.output_scale)

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, in_channels, H, W) float32 integers to (B, out_channels, H, W) float32 integers, differentiable."""
        weight, bias, divisor = self._integers()
        total = functional.conv2d(inputs, weight, bias, padding=self.kernel_size[0] // 2)
        scaled = round_through(total / divisor[:, None, None])
        return bound(scaled, 0, ACTIVATION_MAX) if self.rectify else scaled

    @torch.no_grad()
    def freeze(self) -> IntegerConv2d:
        """The frozen layer with the same integers.

        Raises:
            WeightsError: the parameters break the 2^24 rule (they cannot, short of values outside the exponents' range).
        """
        frozen = IntegerConv2d(
            self.in_channels, self.out_channels, self.kernel_size[0], input_max=self.input_max, rectify=self.rectify
        )
        weight, bias, divisor = self._integers()
        frozen.weight.copy_(weight.to(torch.int8))
        frozen.bias.copy_(bias.to(torch.int32))
        frozen.shift.copy_(torch.log2(divisor).round().to(torch.int32))
        frozen.check()
        return frozen
