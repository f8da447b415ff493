"""Float masters of the integer networks: what training moves, rounded in every pass to what a file
will hold.

The arithmetic is that of jndlic/network/integer.py on rounded float weights, with straight-through
gradients.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from jndlic.format.container import QUALITY_MAX, QUALITY_MIN
from jndlic.network.config import CodecConfig
from jndlic.network.hyperprior import ScaleNet, StepNet
from jndlic.network.integer import IntegerConv2d, bound
from jndlic.network.quality import quality_weights
from jndlic.network.rules import ACTIVATION_MAX, EXACT_LIMIT, QUALITY_NODES, SYMBOL_MAX
from jndlic.network.scale_context import ScaleContext

WEIGHT_MAX = 127
WEIGHT_BITS = 7
SAFE_LIMIT = 0.95 * EXACT_LIMIT  # clear of the limit by more than rounding can add
EXPONENT_RANGE = (-3, 8)
# Integers per real unit: symbols, activations, indices
SYMBOL_SCALE, HIDDEN_SCALE, INDEX_SCALE = (1, 16, 8)
TABLE_SCALE = 128.0  # indices per unit of a trained table: lets the common learning rate move them


class _StraightThroughRound(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values: Tensor) -> Tensor:
        return torch.floor(values + 0.5)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return gradient


def round_through(values: Tensor) -> Tensor:
    """Round half up; the gradient passes unchanged."""
    return _StraightThroughRound.apply(values)


class IntegerMaster(nn.Module):
    """IntegerConv2d with float parameters: rounds them on the fly, gradients pass straight through.

    Real-valued quantities are fixed-point: an input integer stands for input / input_scale, an
    output integer for output / output_scale, a weight integer for weight / 2^(7 + e) with one
    exponent e per output channel, chosen as large as int8 and the 2^24 bound allow.
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
        self.weight = nn.Parameter(
            torch.randn(out_channels, in_channels, kernel_size, kernel_size) * gain / fan_in**0.5
        )
        self.bias = nn.Parameter(torch.zeros(out_channels))

    @torch.no_grad()
    def exponents(self) -> Tensor:
        """(out_channels,) float32: e of each channel."""
        magnitude = self.weight.abs()
        largest = magnitude.amax((1, 2, 3))
        total = magnitude.sum((1, 2, 3)) * self.input_max + self.bias.abs() * self.input_scale
        room = torch.minimum(
            WEIGHT_MAX / largest.clamp(min=1e-12), SAFE_LIMIT / total.clamp(min=1e-12)
        )
        return (torch.log2(room).floor() - WEIGHT_BITS).clamp(*EXPONENT_RANGE)

    def _integers(self) -> tuple[Tensor, Tensor, Tensor]:
        """Rounded weight and bias (differentiable) and the divisor 2^shift, all float32."""
        scale = torch.exp2(self.exponents() + WEIGHT_BITS)
        weight = bound(
            round_through(self.weight * scale[:, None, None, None]), -WEIGHT_MAX, WEIGHT_MAX
        )
        bias = round_through(self.bias * (scale * self.input_scale))
        return weight, bias, scale * (self.input_scale / self.output_scale)

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, in_channels, H, W) float32 integers to (B, out_channels, H, W) float32 integers,
        differentiable.
        """
        weight, bias, divisor = self._integers()
        total = functional.conv2d(inputs, weight, bias, padding=self.kernel_size[0] // 2)
        scaled = round_through(total / divisor[:, None, None])
        return bound(scaled, 0, ACTIVATION_MAX) if self.rectify else scaled

    @torch.no_grad()
    def freeze(self) -> IntegerConv2d:
        """The frozen layer with the same integers.

        Raises:
            WeightsError: the parameters break the 2^24 rule (they cannot, short of values outside
                the exponents' range).
        """
        frozen = IntegerConv2d(
            self.in_channels,
            self.out_channels,
            self.kernel_size[0],
            input_max=self.input_max,
            rectify=self.rectify,
        )
        weight, bias, divisor = self._integers()
        frozen.weight.copy_(weight.to(torch.int8))
        frozen.bias.copy_(bias.to(torch.int32))
        frozen.shift.copy_(torch.log2(divisor).round().to(torch.int32))
        frozen.check()
        return frozen


def master_layer(
    inputs: int,
    outputs: int,
    kernel: int = 1,
    *,
    first: bool = False,
    last: bool = False,
    gain: float = 2**0.5,
) -> IntegerMaster:
    """See LayerMaker."""
    return IntegerMaster(
        inputs,
        outputs,
        kernel,
        input_scale=SYMBOL_SCALE if first else HIDDEN_SCALE,
        output_scale=INDEX_SCALE if last else HIDDEN_SCALE,
        input_max=SYMBOL_MAX if first else ACTIVATION_MAX,
        rectify=not last,
        gain=gain,
    )


class ScaleMaster(ScaleNet):
    """Master of the scale net."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__(config, master_layer)
        del self.phase_offset
        self.phase_offset = nn.Parameter(torch.zeros(4, config.latent_channels))

    def phase_offsets(self) -> Tensor:
        """See ScaleNet."""
        return round_through(self.phase_offset * TABLE_SCALE)

    @torch.no_grad()
    def start(self, orders: list[int], detail_orders: list[int]) -> None:
        """Begin with the spectrum of natural images: scales that fall with the frequency that a
        channel starts from.

        Args:
            orders: of the first channels.
            detail_orders: of the last ones.
        """
        index, detail_index = (
            (50.0 - 11.0 * torch.log1p(torch.tensor(values, dtype=torch.float32))) / TABLE_SCALE
            for values in (orders, detail_orders)
        )
        self.phase_offset[:, : len(index)] = index
        self.phase_offset[:, self.phase_offset.shape[1] - len(detail_index) :] = detail_index

    @torch.no_grad()
    def freeze(self, config: CodecConfig) -> ScaleNet:
        """The integer network with this one's rounded parameters."""
        frozen = ScaleNet(config)
        frozen.layers = nn.ModuleList(layer.freeze() for layer in self.layers)
        frozen.phase_offset.copy_(self.phase_offsets())
        return frozen


class StepMaster(StepNet):
    """Master of the step net; the gain table of all qualities is interpolated between a few
    nodes.
    """

    def __init__(self, config: CodecConfig) -> None:
        super().__init__(config, master_layer)
        del self.gain
        # At high rate the best error is 2.2 / lambda and the step sqrt(12 error); a grey level is
        # 1/16 of y.
        start = torch.linspace(29.0, -4.0, QUALITY_NODES) / TABLE_SCALE
        self.gain_nodes = nn.Parameter(start[:, None].repeat(1, config.latent_channels))

    def gain_planes(self, quality: Tensor) -> Tensor:
        """See StepNet."""
        nodes = self.gain_nodes.t()[:, :, None, None]
        return round_through(functional.conv2d(quality_weights(quality), nodes) * TABLE_SCALE)

    @torch.no_grad()
    def freeze(self, config: CodecConfig) -> StepNet:
        """The integer network with this one's rounded parameters."""
        frozen = StepNet(config)
        frozen.layers = nn.ModuleList(layer.freeze() for layer in self.layers)
        every = torch.arange(QUALITY_MIN, QUALITY_MAX + 1, device=self.gain_nodes.device)
        frozen.gain.copy_(self.gain_planes(every[None, None])[0, :, 0].t())
        return frozen


class ScaleContextMaster(ScaleContext):
    """Master of the networks that move tables."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__(config, master_layer)

    @torch.no_grad()
    def freeze(self, config: CodecConfig) -> ScaleContext:
        """The integer networks with this one's rounded parameters."""
        frozen = ScaleContext(config)
        frozen.passes = nn.ModuleList(
            nn.Sequential(*(layer.freeze() for layer in network.children()))
            for network in self.passes
        )
        return frozen
