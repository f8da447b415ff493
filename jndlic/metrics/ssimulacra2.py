"""SSIMULACRA2 in torch: differentiable and batched, as a training term and as a fast metric.

Source: J. Sneyers (Cloudinary), SSIMULACRA 2, version 2.1, 2023; constants and treatment of borders
as in the `ssimulacra2` package on PyPI, to which `score` is tested. Both pictures become XYB
colour; at each of six scales three maps compare them: local structure, edges that the distorted
picture added, and edges that it lost. The mean and the 4-norm of each map over each channel are
weighed and summed.

    RGB --> linear light --+-- XYB --> blurs --> 3 maps --> 3 channels x 2 norms x 3 maps
                           |
                      2x2 means --> XYB --> ...                               (six scales)

With e = distorted - reference, the structure map follows from the blurs of e, e^2 and
e * reference: the same value as from the blurs of both pictures, without their cancellation in
float32, and all that depends on the reference alone is computed once.

The work is little arithmetic and many passes over memory. Hence the layout (channel, batch, height,
width), in which a channel is one block; derivatives written by hand; and no matrix product or
convolution, which a GPU might run in TF32.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from jndlic.errors import ParameterError

SMALLEST_SIDE = 8
"""Pixels: a scale at which the picture is smaller than this on either side does not count."""

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
"""Rows: cube roots of the cones to X, Y and B - Y, with the scale of X that the metric wants."""

OPPONENT_OFFSET = (0.42, 0.01 - ABSORBANCE_BIAS ** (1 / 3), 0.55)
"""Makes X, Y, B - Y positive; the bias of the cube roots cancels in all but Y."""

BLUR_RADIUS = 5
_GAUSSIAN = [math.exp(-(n**2) / (2 * 1.5**2)) for n in range(-BLUR_RADIUS, BLUR_RADIUS + 1)]
BLUR_TAPS = tuple(tap / sum(_GAUSSIAN) for tap in _GAUSSIAN)

NORM_GUARD = 2.0**-80
"""Added under the fourth root, whose slope at 0 is infinite. Its own root, 2^-20, is exact."""

NEGLIGIBLE_WEIGHT = 0.01
"""`distance` leaves out channels without a larger weight: a full-size X or B counts < 0.002."""

WEIGHTS = (
    (  # X
        ((0.0, 0.0007376606707406586, 0.0), (0.0, 0.0007793481682867309, 0.0)),
        (
            (0.0, 0.0004371155730107379, 0.0),
            (1.1041726426657346, 0.00066284834129271, 0.00015231632783718752),
        ),
        ((0.0, 0.0016406437456599754, 0.0), (1.8422455520539298, 11.441172603757666, 0.0)),
        (
            (0.0007989109436015163, 0.000176816438078653, 0.0),
            (1.8787594979546387, 10.94906990605142, 0.0),
        ),
        (
            (0.0007289346991508072, 0.9677937080626833, 0.0),
            (0.00014003424285435884, 0.9981766977854967, 0.00031949755934435053),
        ),
        ((0.0004550992113792063, 0.0, 0.0), (0.0013648766163243398, 0.0, 0.0)),
    ),
    (  # Y
        ((0.0, 0.0, 0.0), (7.466890328078848, 0.0, 17.445833984131262)),
        (
            (0.0006235601634041466, 0.0, 0.0),
            (6.683678146179332, 0.00037724407979611296, 1.027889937768264),
        ),
        (
            (225.20515300849274, 0.0, 0.0),
            (19.213238186143016, 0.0011401524586618361, 0.001237755635509985),
        ),
        (
            (176.39317598450694, 0.0, 0.0),
            (24.43300999870476, 0.28520802612117757, 0.0004485436923833408),
        ),
        ((0.0, 0.0, 0.0), (34.77906344483772, 44.835625328877896, 0.0)),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
    ),
    (  # B
        ((0.0, 0.0008680556573291698, 0.0), (0.0, 0.0, 0.0)),
        ((0.0, 0.0005313191874358747, 0.0), (0.00016533814161379112, 0.0, 0.0)),
        ((0.0, 0.0, 0.0), (0.0004179171803251336, 0.0017290828234722833, 0.0)),
        ((0.0020827005846636437, 0.0, 0.0), (8.826982764996862, 23.19243343998926, 0.0)),
        (
            (95.1080498811086, 0.9863978034400682, 0.9834382792465353),
            (0.0012286405048278493, 171.2667255897307, 0.9807858872435379),
        ),
        ((0.0, 0.0, 0.0), (0.0005130064588990679, 0.0, 0.00010854057858411537)),
    ),
)
"""[channel X, Y, B][scale][mean, 4-norm][structure, added edges, lost edges]"""

SCALES = len(WEIGHTS[0])


class _Scale(NamedTuple):
    """One scale of the reference; planes are (C, B, h, w) with the channels that count there."""

    channels: tuple[int, ...]
    weights: Tensor  # (C, 1, norm, map)
    xyb: Tensor
    blurred: Tensor
    floor: Tensor  # 2 variances + STRUCTURE_FLOOR
    edge: Tensor
    inverse_edge: Tensor  # 1 / (1 + edge)


class Reference(NamedTuple):
    """A prepared batch of reference pictures (B, 3, H, W), for `score` or for `distance`."""

    shape: torch.Size
    for_score: bool
    scales: tuple[_Scale, ...]


@torch.no_grad()
def prepare(reference: Tensor, for_score: bool = False) -> Reference:
    """Computes all that depends on the reference alone, for use with many distorted pictures.

    Args:
        reference: (B, 3, H, W) sRGB, 0..255, H and W at least 8.
        for_score: for use with `score`, not `distance`.

    Raises:
        ParameterError: the shape is another one.
    """
    if reference.ndim != 4 or reference.shape[1] != 3 or min(reference.shape[2:]) < SMALLEST_SIDE:
        raise ParameterError(
            f"SSIMULACRA2 wants (B, 3, H, W) with sides of 8 pixels or more, not "
            f"{tuple(reference.shape)}"
        )
    scales = []
    with torch.autocast(reference.device.type, enabled=False):
        light = _LinearLight.apply(_planes(reference))
        for number, weights in enumerate(_weights(reference.shape, for_score)):
            light = _halve(light) if number else light
            used = weights.amax((1, 2)) > (0.0 if for_score else NEGLIGIBLE_WEIGHT)
            channels = tuple(used.nonzero().flatten().tolist())
            xyb = _Xyb.apply(light, channels)
            blurred = _blur(xyb)
            floor = _blur(xyb * xyb).sub_(blurred * blurred).mul_(2).add_(STRUCTURE_FLOOR)
            edge = (xyb - blurred).abs_()
            inverse_edge = (1 + edge).reciprocal_()
            weights = weights[used].unsqueeze(1).to(light)
            scales.append(_Scale(channels, weights, xyb, blurred, floor, edge, inverse_edge))
    return Reference(reference.shape, for_score, tuple(scales))


def distance(reference: Tensor | Reference, distorted: Tensor) -> Tensor:
    """The weighted sum of the maps' norms before SSIMULACRA2 maps it to its scale of points.

    For training: 0 for equal pictures, positive otherwise, larger is worse, and with finite
    gradients everywhere. About 0.4 at 90 points, 1 at 84, 3 at 66, 6 at 50, 12 at 27, 25 at -10.
    Pictures of up to 224 pixels have fewer than six scales; the weights of the missing ones go
    unused.

    Args:
        reference: (B, 3, H, W) sRGB, 0..255, H and W at least 8, or a prepared one; no gradient.
        distorted: (B, 3, H, W), the same of the picture under test; gradients flow into it.
            Values outside 0..255 count as colours beyond black and white.

    Returns:
        (B,) float64 for a float64 distorted picture, else float32.

    Raises:
        ParameterError: the shapes differ or are not (B, 3, H, W) with sides of 8 or more, or the
            reference was prepared for `score`.
    """
    return _weighted_sum(reference, distorted, for_score=False)


def score(reference: Tensor | Reference, distorted: Tensor) -> Tensor:
    """SSIMULACRA2 in points: 100 for equal pictures, 90 visually lossless, 70 high quality, 30 low.

    For pictures of up to 224 pixels on either side, which have fewer than six scales, the original
    program hands the weights to the scales in another order. The score follows it, for the same
    figures; `distance` does not.

    Args, Returns, Raises: as of `distance`; the points may be negative.
    """
    raw = 0.9562382616834844 * _weighted_sum(reference, distorted, for_score=True)
    mapped = raw * (2.326765642916932 + raw * (6.248496625763138e-05 * raw - 0.020884521182843837))
    return 100.0 - 10.0 * mapped.clamp_min(1e-12) ** 0.6276336467831387


def _weighted_sum(reference: Tensor | Reference, distorted: Tensor, for_score: bool) -> Tensor:
    """Sum over scales, channels, norms and maps, (B,)."""
    if isinstance(reference, Tensor):
        precise = distorted.dtype == torch.float64
        reference = prepare(reference.double() if precise else reference.float(), for_score)
    if reference.for_score != for_score:
        raise ParameterError("The reference was prepared for the other one of score and distance.")
    if distorted.shape != reference.shape:
        raise ParameterError(
            f"The pictures differ in shape: {tuple(reference.shape)} and {tuple(distorted.shape)}"
        )
    total = torch.zeros((), device=distorted.device)
    with torch.autocast(distorted.device.type, enabled=False):
        light = _LinearLight.apply(_planes(distorted))
        for number, scale in enumerate(reference.scales):
            light = _halve(light) if number else light
            if scale.channels:
                norms = _Compare.apply(_Xyb.apply(light, scale.channels), *scale[2:])
                total = total + (norms * scale.weights).sum((0, 2, 3))
    return total


def _weights(shape: torch.Size, for_score: bool) -> tuple[Tensor, ...]:
    """Weights (channel, norm, map) of each scale of a picture (B, 3, H, W)."""
    smaller, count = min(shape[2:]), 1
    while count < SCALES and (smaller := (smaller + 1) // 2) >= SMALLEST_SIDE:
        count += 1
    weights = torch.tensor(WEIGHTS, dtype=torch.float64)
    if for_score:  # the original takes the 108 weights from one list, whatever the scales
        return weights.flatten()[: count * 18].view(3, count, 2, 3).unbind(1)
    return weights[:, :count].unbind(1)


def _planes(image: Tensor) -> Tensor:
    """(B, 3, H, W) of any type to (3, B, H, W), float32 or float64."""
    image = image if image.dtype == torch.float64 else image.float()
    return image.transpose(0, 1).contiguous()


class _LinearLight(torch.autograd.Function):
    """sRGB 0..255 to linear light 0..1. The curve and its slope are found more cheaply together."""

    @staticmethod
    def forward(ctx, image: Tensor) -> Tensor:  # noqa: ANN001
        dark = image <= 0.04045 * 255
        base = image.add(0.055 * 255).div_(1.055 * 255).clamp_min_(0.05)
        curve = base.log().mul_(2.4).exp_()  # in a third of the time that pow takes
        slope = (curve / base).mul_(2.4 / (1.055 * 255))
        ctx.save_for_backward(slope.masked_fill_(dark, 1 / (12.92 * 255)))
        return torch.where(dark, image / (12.92 * 255), curve)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:  # noqa: ANN001
        return gradient * ctx.saved_tensors[0]


def _halve(light: Tensor) -> Tensor:
    """Means of 2 x 2 pixels of (C, B, h, w), at odd edges of those that exist."""
    height, width = light.shape[2:]
    if height % 2 or width % 2:  # doubling an edge leaves its mean as it is
        light = functional.pad(light, (0, width % 2, 0, height % 2), mode="replicate")
    return _HalveEven.apply(light)


class _HalveEven(torch.autograd.Function):
    """Means of 2 x 2 pixels, for even sides; several times faster than avg_pool2d on CPUs."""

    @staticmethod
    def forward(ctx, light: Tensor) -> Tensor:  # noqa: ANN001
        rows = light[:, :, ::2] + light[:, :, 1::2]
        return (rows[..., ::2] + rows[..., 1::2]).mul_(0.25)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:  # noqa: ANN001
        channels, batch, height, width = gradient.shape
        spread = (gradient * 0.25)[:, :, :, None, :, None]
        spread = spread.expand(channels, batch, height, 2, width, 2)
        return spread.reshape(channels, batch, 2 * height, 2 * width)


class _Xyb(torch.autograd.Function):
    """Linear RGB (3, B, h, w) to some channels of the metric's positive X, Y, B - Y."""

    @staticmethod
    def forward(ctx, light: Tensor, channels: tuple[int, ...]) -> Tensor:  # noqa: ANN001
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
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ANN001
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


class _Compare(torch.autograd.Function):
    """XYB of the distorted picture to the norms of the three maps: (C, B, norm, map)."""

    @staticmethod
    def forward(
        ctx,  # noqa: ANN001
        distorted: Tensor,
        xyb: Tensor,
        blurred: Tensor,
        floor: Tensor,
        edge: Tensor,
        inverse_edge: Tensor,
    ) -> Tensor:
        error = distorted - xyb
        mean = _blur(error)
        variance = _blur(error * error).addcmul_(mean, mean, value=-1)
        covariance = _blur(error * xyb).addcmul_(mean, blurred, value=-1)
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
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN001
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
        by_error = _blur(by_mean).add_(by_contrast)
        by_error.addcmul_(_blur(by_variance), error, value=2).addcmul_(_blur(by_product), xyb)
        return by_error, None, None, None, None, None


def _blur(planes: Tensor) -> Tensor:
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
