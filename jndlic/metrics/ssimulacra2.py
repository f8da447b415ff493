"""SSIMULACRA2 in torch: differentiable and batched, as a training term and as a fast metric.

Source: J. Sneyers (Cloudinary), SSIMULACRA 2, version 2.1, 2023; constants and treatment of borders
as in the `ssimulacra2` package on PyPI, to which `score` is tested. Both pictures become XYB
colour; at each of six scales three maps compare them: local structure, edges that the distorted
picture added, and edges that it lost. The mean and the 4-norm of each map over each channel are
weighed and summed.

    RGB --> linear light --+-- XYB --> blurs --> 3 maps --> 3 channels x 2 norms x 3 maps
                           |
                      2x2 means --> XYB --> ...                               (six scales)

All that depends on the reference alone is computed once. The steps from pixels to norms are in
ssimulacra2_maps.py; here are the weights, and what is made of the norms.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from jndlic.errors import ParameterError
from jndlic.metrics.ssimulacra2_maps import (
    STRUCTURE_FLOOR,
    Compare,
    LinearLight,
    Xyb,
    blur,
    halve,
    to_planes,
)

SMALLEST_SIDE = 8
"""Pixels: a scale at which the picture is smaller than this on either side does not count."""

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
        light = LinearLight.apply(to_planes(reference))
        for number, weights in enumerate(_weights(reference.shape, for_score)):
            light = halve(light) if number else light
            used = weights.amax((1, 2)) > (0.0 if for_score else NEGLIGIBLE_WEIGHT)
            channels = tuple(used.nonzero().flatten().tolist())
            xyb = Xyb.apply(light, channels)
            blurred = blur(xyb)
            floor = blur(xyb * xyb).sub_(blurred * blurred).mul_(2).add_(STRUCTURE_FLOOR)
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
        light = LinearLight.apply(to_planes(distorted))
        for number, scale in enumerate(reference.scales):
            light = halve(light) if number else light
            if scale.channels:
                norms = Compare.apply(Xyb.apply(light, scale.channels), *scale[2:])
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
