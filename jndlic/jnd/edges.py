"""Edges: predictable structure, where masking must not raise the thresholds.

    picture ─► Canny edges ─► dilated by a disk ─► 1 - edges, smoothed
            ─► protection: 0 on edges, 1 elsewhere

Source: Wu et al., "Just noticeable difference estimation for images with free-energy principle",
IEEE Trans. Multimedia 2013, and Canny, "A computational approach to edge detection", IEEE TPAMI
1986.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from jndlic.jnd.luminance import blur, correlate, edge_height

CANNY_SIGMA = 2**0.5
STRONG_HEIGHT = 60.0  # grey levels of edge height that make an edge a strong one
STRONG_MOST = 0.8  # share of the largest gradient that the upper threshold reaches at most
WEAK_SHARE = 0.4  # of the upper threshold
DISK_RADIUS = 3
SOBEL = ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1))


def edge_protection(image: Tensor) -> Tensor:
    """Factor for thresholds of texture: (B, 1, H, W) grey levels to 0..1; no gradient runs through
    it.
    """
    with torch.no_grad():
        height = edge_height(image).amax((1, 2, 3), keepdim=True)
        share = (STRONG_HEIGHT / height.clamp(min=1e-6)).clamp(max=STRONG_MOST)
        edges = canny(image, share, CANNY_SIGMA).to(image.dtype)
        reach = range(-DISK_RADIUS, DISK_RADIUS + 1)
        disk = [[float(down**2 + right**2 <= DISK_RADIUS**2) for right in reach] for down in reach]
        near = (correlate(edges, disk) > 0).to(image.dtype)
        return blur(1.0 - near, 5, 0.8)


def canny(image: Tensor, share: Tensor, sigma: float) -> Tensor:
    """Edges after Canny.

    Args:
        image: (B, 1, H, W) grey levels.
        share: (B, 1, 1, 1) upper threshold as a share of the picture's largest gradient; the lower
            is WEAK_SHARE of it.
        sigma: of the Gaussian that comes first, in pixels.

    Returns:
        (B, 1, H, W) bool.
    """
    smooth = blur(image, 2 * round(3.0 * sigma) + 1, sigma)
    right = correlate(smooth, SOBEL)
    down = correlate(smooth, tuple(zip(*SOBEL)))
    strength = torch.hypot(right, down)
    strongest = strength.amax((1, 2, 3), keepdim=True)
    ridge = _ridge(strength, right, down) & (strongest > 0)
    strong = ridge & (strength > share * strongest)
    weak = ridge & (strength > WEAK_SHARE * share * strongest)
    return _connected(strong, weak)


def _connected(strong: Tensor, weak: Tensor) -> Tensor:
    """Strong edges and the weak ones that hang together with them.

    Only the pixels that were added last are looked at again: their number, not the picture's size,
    makes the time.
    """
    rows, columns = weak.shape[-2] + 2, weak.shape[-1] + 2
    open_ones = functional.pad(weak, (1, 1, 1, 1)).reshape(-1)
    found = functional.pad(strong, (1, 1, 1, 1)).reshape(-1)
    steps = torch.tensor(
        [down * columns + right for down in (-1, 0, 1) for right in (-1, 0, 1)], device=weak.device
    )
    front = found.nonzero()[:, 0]
    while front.numel():
        near = (front[:, None] + steps).reshape(-1)
        front = near[open_ones[near] & ~found[near]].unique()
        found[front] = True
    return found.view(*weak.shape[:2], rows, columns)[..., 1:-1, 1:-1]


def _ridge(strength: Tensor, right: Tensor, down: Tensor) -> Tensor:
    """Where the gradient is at least that of both neighbours along it, between the pixels by linear
    interpolation.
    """
    padded = functional.pad(strength, (1, 1, 1, 1))
    rows, columns = strength.shape[-2:]

    def moved(by_down: int, by_right: int) -> Tensor:
        return padded[..., 1 + by_down : 1 + by_down + rows, 1 + by_right : 1 + by_right + columns]

    flat = right.abs() >= down.abs()
    slope = torch.minimum(right.abs(), down.abs()) / torch.maximum(right.abs(), down.abs()).clamp(
        min=1e-12
    )
    falling = right * down >= 0
    ridge = strength > 0
    for sign in (1, -1):
        across = torch.where(flat, moved(0, sign), moved(sign, 0))
        diagonal = torch.where(
            falling, moved(sign, sign), torch.where(flat, moved(-sign, sign), moved(sign, -sign))
        )
        beside = slope * diagonal + (1.0 - slope) * across
        # Of two equal neighbours one counts
        ridge &= strength >= beside if sign > 0 else strength > beside
    return ridge
