"""JND map and critical-perceptual-lossless image of the Karhunen-Loeve transform: what the picture
can lose and still look the same.

Source: Jiang, Liu, Wang, Shao, Lin, "Toward top-down just noticeable difference estimation of
natural images", IEEE TIP 2022.

    8x8 patches ─► principal components of this picture ─► the first K of 64
                ─► the picture again = the critical one (CPL)

P_k is the share of the patches' energy in the first k components, and K follows from it by a
Weibull density w, fitted by the authors to people's choices: K = ceil(sum_k k w(P_k) / sum_k
w(P_k)).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as functional
from torch import Tensor

from jndlic.jnd.edges import edge_protection
from jndlic.jnd.luminance import luma

SIDE = 8
SHAPE, SCALE = 894.16, 0.99805  # of the Weibull density


class Critical(NamedTuple):
    """The picture at the edge of visible loss."""

    luma: Tensor
    """(B, 1, H, W) grey levels."""
    components: Tensor
    """(B,) int64, K."""


def klt_map(image: Tensor) -> Tensor:
    """Tolerance of luma: |I - CPL|, protected at edges.

    Args:
        image: (B, 1 or 3, H, W) floating point, grey levels 0..255, any size.

    Returns:
        (B, 1, H, W) grey levels.

    Raises:
        ImageError: it is no such image.
    """
    grey = luma(image)
    return (grey - critical_luma(grey).luma).abs() * edge_protection(grey)


def critical_luma(image: Tensor) -> Critical:
    """Luma of the critical-perceptual-lossless image.

    Args:
        image: as for `klt_map`.
    """
    grey = luma(image)
    rows, columns = grey.shape[-2:]
    padded = functional.pad(grey, (0, -columns % SIDE, 0, -rows % SIDE), mode="replicate")
    patches = functional.unfold(padded.double(), SIDE, stride=SIDE)  # (B, 64, patches)
    mean = patches.mean(2, keepdim=True)
    centred = patches - mean
    energy, basis = torch.linalg.eigh(centred @ centred.mT)  # by rising energy
    components = critical_count(energy.flip(1))
    kept = torch.arange(SIDE**2, device=grey.device) >= SIDE**2 - components[:, None]
    chosen = basis * kept[:, None, :]
    restored = chosen @ (chosen.mT @ centred) + mean
    whole = functional.fold(restored, padded.shape[-2:], SIDE, stride=SIDE)
    return Critical(whole[..., :rows, :columns].to(image.dtype), components)


def critical_count(energy: Tensor) -> Tensor:
    """K for the energies of the components.

    Args:
        energy: (B, 64), falling.

    Returns:
        (B,) int64 from 1 to 64; 64 for a flat picture, which has nothing to lose.
    """
    energy = energy.double().clamp(min=0.0)
    total = energy.sum(1, keepdim=True)
    share = (energy.cumsum(1) / total.clamp(min=1e-12)).clamp(1e-9, 1.0)
    ratio = share / SCALE
    logarithm = (SHAPE - 1.0) * ratio.log() - ratio.pow(SHAPE)
    weight = (logarithm - logarithm.amax(1, keepdim=True)).exp()
    order = torch.arange(1, energy.shape[1] + 1, dtype=torch.float64, device=energy.device)
    count = torch.ceil((order * weight).sum(1) / weight.sum(1) - 1e-9).long()
    return torch.where(total[:, 0] > 1e-6, count, energy.shape[1])
