"""The steps of SSIMULACRA2 from pixels to the norms of its maps, with their derivatives.

    pixels --> LinearLight --+-- Xyb --> Compare --> mean and 4-norm of 3 maps of each channel
                             |
                           halve --> ...

With e = distorted - reference, the structure map follows from the blurs of e, e^2 and
e * reference: the same value as from the blurs of both pictures, without their cancellation in
float32.

The work is little arithmetic and many passes over memory. Hence the layout (channel, batch, height,
width), in which a channel is one block; derivatives written by hand; and no matrix product or
convolution, which a GPU might run in TF32.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

STRUCTURE_FLOOR = 0.0009
"""C2 of the structure map, in squared XYB units: keeps noise in flat areas from counting."""

ABSORBANCE = (
    (0.30, 0.622, 0.078),
    (0.23, 0.692, 0.078),
    (0.24342268924547819, 0.20476744424496821, 0.5518098665095536),
)
"""Rows: linear RGB to the response of the long, medium and short cones."""

ABSORBANCE_BIAS = 0.0037930732552754493

OPPONENT = ((7.0, -7.0, 0.0), (0.5, 0.5, 0.0), (-0.5, -0.5, 1.0))
"""Rows: cube roots of the cones to X, Y and B - Y, with the scale of X that the metric has."""

OPPONENT_OFFSET = (0.42, 0.01 - ABSORBANCE_BIAS ** (1 / 3), 0.55)
"""Makes X, Y, B - Y positive; the bias of the cube roots cancels in all but Y."""

BLUR_RADIUS = 5
_GAUSSIAN = [math.exp(-(n**2) / (2 * 1.5**2)) for n in range(-BLUR_RADIUS, BLUR_RADIUS + 1)]
BLUR_TAPS = tuple(tap / sum(_GAUSSIAN) for tap in _GAUSSIAN)

NORM_GUARD = 2.0**-80
"""Added under the fourth root, whose slope at 0 is infinite. Its own root, 2^-20, is exact."""


def to_planes(image: Tensor) -> Tensor:
    """(B, 3, H, W) of any type to (3, B, H, W), float32 or float64."""
    image = image if image.dtype == torch.float64 else image.float()
    return image.transpose(0, 1).contiguous()


class LinearLight(torch.autograd.Function):
    """sRGB 0..255 to linear light 0..1. The curve and its slope are found more cheaply together."""

    @staticmethod
    def forward(ctx, image: Tensor) -> Tensor:
        """Grey levels to light."""
        dark = image <= 0.04045 * 255
        base = image.add(0.055 * 255).div_(1.055 * 255).clamp_min_(0.05)
        curve = base.log().mul_(2.4).exp_()  # in a third of the time that pow takes
        slope = (curve / base).mul_(2.4 / (1.055 * 255))
        ctx.save_for_backward(slope.masked_fill_(dark, 1 / (12.92 * 255)))
        return torch.where(dark, image / (12.92 * 255), curve)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        """Times the slope of the curve."""
        return gradient * ctx.saved_tensors[0]


def halve(light: Tensor) -> Tensor:
    """Means of 2 x 2 pixels of (C, B, h, w), at odd edges of those that exist."""
    height, width = light.shape[2:]
    if height % 2 or width % 2:  # doubling an edge leaves its mean as it is
        light = functional.pad(light, (0, width % 2, 0, height % 2), mode="replicate")
    return _HalveEven.apply(light)


class _HalveEven(torch.autograd.Function):
    """Means of 2 x 2 pixels, for even sides; several times faster than avg_pool2d on CPUs."""

    @staticmethod
    def forward(ctx, light: Tensor) -> Tensor:
        rows = light[:, :, ::2] + light[:, :, 1::2]
        return (rows[..., ::2] + rows[..., 1::2]).mul_(0.25)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        channels, batch, height, width = gradient.shape
        spread = (gradient * 0.25)[:, :, :, None, :, None]
        spread = spread.expand(channels, batch, height, 2, width, 2)
        return spread.reshape(channels, batch, 2 * height, 2 * width)


class Xyb(torch.autograd.Function):
    """Linear RGB (3, B, h, w) to some channels of the metric's positive X, Y, B - Y."""

    @staticmethod
    def forward(ctx, light: Tensor, channels: tuple[int, ...]) -> Tensor:
        """Cones, cube roots, opponents."""
        cones = [n for n in range(3) if any(OPPONENT[channel][n] for channel in channels)]
        absorbance = [ABSORBANCE[n] for n in cones]
        opponent = [[OPPONENT[channel][n] for n in cones] for channel in channels]
        response = _mix(light, absorbance).add_(ABSORBANCE_BIAS)
        outside = response < ABSORBANCE_BIAS / 3  # colours within sRGB never fall below the bias
        response.clamp_min_(ABSORBANCE_BIAS / 3)
        roots = response.log().div_(3).exp_()
        ctx.absorbance, ctx.opponent = absorbance, opponent
        ctx.save_for_backward((roots / response).div_(3).masked_fill_(outside, 0))
        xyb = _mix(roots, opponent)
        for plane, channel in zip(xyb, channels):
            plane.add_(OPPONENT_OFFSET[channel])
        return xyb

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        """The same way back; none for the choice of channels."""
        by_cones = _mix(gradient, list(zip(*ctx.opponent))).mul_(ctx.saved_tensors[0])
        return _mix(by_cones, list(zip(*ctx.absorbance))), None


def _mix(planes: Tensor, matrix: list) -> Tensor:
    """A matrix of N x C numbers times every pixel of (C, B, h, w): (N, B, h, w)."""
    mixed = planes.new_empty((len(matrix), *planes.shape[1:]))
    for row, out in zip(matrix, mixed):
        torch.mul(planes[0], row[0], out=out)
        for factor, plane in zip(row[1:], planes[1:]):
            if factor:
                out.add_(plane, alpha=factor)
    return mixed


class Compare(torch.autograd.Function):
    """XYB of the distorted picture to the norms of the three maps: (C, B, norm, map)."""

    @staticmethod
    def forward(
        ctx,
        distorted: Tensor,
        xyb: Tensor,
        blurred: Tensor,
        floor: Tensor,
        edge: Tensor,
        inverse_edge: Tensor,
    ) -> Tensor:
        """The three maps and their norms."""
        error = distorted - xyb
        mean = blur(error)
        variance = blur(error * error).addcmul_(mean, mean, value=-1)
        covariance = blur(error * xyb).addcmul_(mean, blurred, value=-1)
        # The two pictures' variances add up to 2 var(x) + 2 cov(x, e) + var(e).
        total = covariance.mul_(2).add_(variance).add_(floor)
        unlike = variance.div_(total).clamp_min_(0)
        # 1 - (1 - mean^2)(1 - unlike)
        structure = torch.addcmul(unlike, mean * mean, 1 - unlike)

        contrast = (distorted - blurred).sub_(mean)
        change = contrast.abs().sub_(edge).mul_(inverse_edge)
        added, lost = change.clamp_min(0), change.clamp_max_(0).neg_()
        maps = (structure, added, lost)
        means = torch.stack([plane.mean((2, 3)) for plane in maps], -1)
        fourths = torch.stack([plane.square().square_().mean((2, 3)) for plane in maps], -1)
        roots = (fourths + NORM_GUARD).sqrt_().sqrt_()
        ctx.save_for_backward(
            error, mean, total, unlike, contrast, *maps, roots, xyb, blurred, inverse_edge
        )
        return torch.stack((means, roots - NORM_GUARD**0.25), 2)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Gradient of the distorted picture; none of what the original alone gives."""
        error, mean, total, unlike, contrast, *rest = ctx.saved_tensors
        *maps, roots, xyb, blurred, inverse_edge = rest
        gradient = gradient / (error.shape[2] * error.shape[3])
        by_mean_norm = gradient[:, :, 0, :, None, None]
        by_four_norm = (gradient[:, :, 1] / roots**3)[..., None, None]
        by_structure, by_added, by_lost = (
            plane.square().mul_(plane).mul_(by_four_norm[:, :, n]).add_(by_mean_norm[:, :, n])
            for n, plane in enumerate(maps)
        )
        like = 1 - unlike
        # structure = m^2 + u - u m^2 with u = var(e) / total, and total itself holds var(e)
        slope = (1 - mean * mean).mul_(by_structure).div_(total)
        by_variance = slope * like
        by_product = slope.mul_(unlike).mul_(-2)
        by_mean = by_structure.mul_(like).sub_(by_variance).mul_(mean).mul_(2)
        by_mean.addcmul_(by_product, blurred, value=-1)
        # change = (|contrast| - edge) / (1 + edge)
        by_contrast = by_added.mul_(maps[1] > 0).sub_(by_lost.mul_(maps[2] > 0))
        by_contrast.mul_(inverse_edge).mul_(contrast.sign())
        by_mean.sub_(by_contrast)
        # The blur is its own adjoint.
        by_error = blur(by_mean).add_(by_contrast)
        by_error.addcmul_(blur(by_variance), error, value=2).addcmul_(blur(by_product), xyb)
        return by_error, None, None, None, None, None


def blur(planes: Tensor) -> Tensor:
    """Gaussian blur, sigma 1.5, of each plane of (C, B, h, w), h at least 5.

    As the package does it, the picture is mirrored above and below and black at its sides.
    """
    height, width = planes.shape[2:]
    top, bottom = planes[:, :, :BLUR_RADIUS].flip(2), planes[:, :, -BLUR_RADIUS:].flip(2)
    tall = torch.cat((top, planes, bottom), 2)
    down = tall[:, :, :height] * BLUR_TAPS[0]
    for n, tap in enumerate(BLUR_TAPS[1:], start=1):
        down.add_(tall[:, :, n : n + height], alpha=tap)
    wide = functional.pad(down, (BLUR_RADIUS, BLUR_RADIUS))
    across = wide[..., :width] * BLUR_TAPS[0]
    for n, tap in enumerate(BLUR_TAPS[1:], start=1):
        across.add_(wide[..., n : n + width], alpha=tap)
    return across
