"""Patch-level JND: brightness, contrast and structure of 64x64 patches, each at the edge of visible
change.

Source: Shen, Ni, Yang, Wang, Zhang, Kwong, "Just noticeable distortion profile inference: a
patch-level structural visibility learning approach", IEEE TIP 2020.

    patch p = L + C S      L: mean;  C: norm of p - L;  S: unit vector, 0 in a flat patch
    L' = L +- adaptation(L)      C' = 0.9474 C      S' = structure of net(p), see structure_net.py
    p' = L' + C' S'  ─► overlapping windows ─► the JND image; map = |image - JND image|

The published code cuts the borders off and averages overlaps as rounded numbers; here the picture
is padded, and raised cosines join the patches, so that their different L' leave no seams.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as functional
from torch import Tensor

from jndlic.jnd.luminance import adaptation, box_mean, luma

SIDE = 64
OVERLAP = 16
STRIDE = SIDE - OVERLAP
CONTRAST = 0.9474
BATCH = 16  # patches that the network sees at a time: more do not fit into caches, and take longer
FLOOR = 1.0  # grey levels that a map has at least
Net = Callable[[Tensor], Tensor]
"""(N, 1, 64, 64) grey levels to the same: patches whose structure is at the edge of visible
change.
"""


class Parts(NamedTuple):
    """What patches are made of."""

    mean: Tensor
    """(N, 1, 1, 1) grey levels."""
    contrast: Tensor
    """(N, 1, 1, 1) Euclidean norm."""
    structure: Tensor
    """(N, 1, 64, 64), unit norm or 0."""

    def joined(self) -> Tensor:
        """The patches."""
        return self.mean + self.contrast * self.structure


def split(patches: Tensor) -> Parts:
    """(N, 1, 64, 64) grey levels into their parts."""
    mean = patches.mean((1, 2, 3), keepdim=True)
    rest = patches - mean
    # The square root's slope at 0 is infinite
    contrast = rest.square().sum((1, 2, 3), keepdim=True).clamp(min=1e-12).sqrt()
    flat = contrast < 1e-3  # a thousandth of a grey level in one pixel
    return Parts(
        mean,
        torch.where(flat, 0.0, contrast),
        torch.where(flat, 0.0, rest / contrast.clamp(min=1e-3)),
    )


def jnd_patches(patches: Tensor, net: Net, sign: float = 1.0) -> Tensor:
    """The patches at the edge of visible change.

    Args:
        patches: (N, 1, 64, 64) grey levels.
        net: for their structure.
        sign: 1 or -1, brighter or darker; 0 leaves brightness alone.
    """
    mean, contrast, _ = split(patches)
    changed = split(net(patches)).structure
    return Parts(
        (mean + sign * adaptation(mean)).clamp(0.0, 255.0), CONTRAST * contrast, changed
    ).joined()


def jnd_luma(image: Tensor, net: Net, sign: float = 1.0) -> Tensor:
    """Luma of the JND image.

    Args:
        image: (1, 1 or 3, H, W) floating point, grey levels 0..255, any size.
        net: as for `jnd_patches`.
        sign: as for `jnd_patches`.

    Returns:
        (1, 1, H, W) grey levels.

    Raises:
        ImageError: it is no such image.
    """
    grey = luma(image)
    rows, columns = grey.shape[-2:]
    margins = (OVERLAP, OVERLAP + -columns % STRIDE, OVERLAP, OVERLAP + -rows % STRIDE)
    padded = functional.pad(grey, margins, mode="replicate")
    patches = functional.unfold(padded, SIDE, stride=STRIDE)[0].T.reshape(-1, 1, SIDE, SIDE)
    changed = torch.cat([jnd_patches(some, net, sign) for some in patches.split(BATCH)])
    window = _window(grey)
    total, weight = (
        functional.fold(part.reshape(-1, SIDE**2).T[None], padded.shape[-2:], SIDE, stride=STRIDE)
        for part in (changed * window, window.expand_as(changed))
    )
    inner = (..., slice(OVERLAP, OVERLAP + rows), slice(OVERLAP, OVERLAP + columns))
    return (total[inner] / weight[inner]).clamp(0.0, 255.0)


def patch_map(image: Tensor, net: Net) -> Tensor:
    """Tolerance of luma: how far the JND image is away, as a root mean square over 3x3 pixels, at
    least FLOOR.

    Args:
        image: as for `jnd_luma`, but any number of pictures.
        net: as for `jnd_patches`.

    Returns:
        (B, 1, H, W) grey levels.
    """
    grey = luma(image)
    distance = torch.cat([(jnd_luma(one, net) - one).square() for one in grey.split(1)])
    return box_mean(distance, 3).sqrt().clamp(min=FLOOR)


def _window(like: Tensor) -> Tensor:
    """(64, 64) weights: 1 inside, raised cosines over what patches have in common; nowhere 0."""
    places = torch.arange(SIDE, dtype=like.dtype, device=like.device) + 0.5
    near = torch.minimum(places, SIDE - places).clamp(max=OVERLAP)
    row = 0.5 - 0.5 * torch.cos(torch.pi * near / OVERLAP)
    return row[:, None] * row
