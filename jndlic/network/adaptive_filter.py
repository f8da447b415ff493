"""The adaptive filter at full resolution that ends the synthesis: what follows the edges of a
picture, which blocks of 8 x 8 or 4 x 4 pixels cannot.

    luma ─► gradients ─► structure tensor ─► descriptors of 1/2 ─┐
    features of 1/8 ─► 1x1 ─► shuffle 4 ─────────────────────────┴─► 1x1 (2) ─► seen
    seen ─► 1x1 ─► shuffle 2 ─► a_r, b_r; reach
    image ─► filters of 5 x 5, each channel alone ─► r_r
    luma, reach ─► filters that mind small differences alone (robust_filter.py) ─► s_r
    correction = Σ a_r r_r + Σ b_r s_r, the second sum the same in all three channels

The descriptors tell how strong the edges are around a place, where they point, and how far they
agree; the features tell of quality, step and place on the grid of blocks. So each pixel gets a
filter of its own, a mixture of a few, at no bits. Video codecs choose such filters by classes of
pixels, and send them (Tsai et al., "Adaptive loop filtering for video coding", IEEE JSTSP 2013);
RAISR learns them (Romano, Isidoro, Milanfar, IEEE TCI 2017). Mixtures that change smoothly in place
of classes let two machines differ by rounding only. The correction begins as zero.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from jndlic.luma import LUMA
from jndlic.network.blocks import pointwise
from jndlic.network.robust_filter import STRIDE, TAPS, RobustBank, at_half

FEATURES = 8
"""Channels that each place of 1/2 gets from the features at 1/8."""

DESCRIPTORS = 6
HIDDEN = 32
REACH = 16.0 / 255.0  # where training begins
MIXTURE_SCALE = 8.0  # of a mixture's weight, per unit of the last layer: lets the rate move it


class FilterBank(nn.Module):
    """Filters of 5 x 5, each on each channel of a picture alone; they see differences from their
    middle only.

    Args:
        filters: how many.
    """

    in_channels, kernel_size = STRIDE**2, (3, 3)

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(filters, 1, TAPS, TAPS))
        nn.init.orthogonal_(self.weight)

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, R, 4, H/2, W/2), the four pixels of each place together."""
        batch, channels, height, width = image.shape
        planes = functional.pad(image, (TAPS // 2,) * 4, mode="replicate")
        planes = planes.reshape(-1, 1, *planes.shape[2:])
        middle = functional.pad(self.weight.sum((2, 3), keepdim=True), (TAPS // 2,) * 4)
        planes = functional.pixel_unshuffle(planes, STRIDE)
        planes = functional.conv2d(planes, at_half(self.weight - middle))
        return planes.reshape(batch, channels, -1, STRIDE**2, height // STRIDE, width // STRIDE)


def mixed(filtered: Tensor, mixture: Tensor) -> Tensor:
    """Σ a_r r_r of each channel.

    Args:
        filtered: of FilterBank.
        mixture: (B, 4 R, H/2, W/2), the four pixels of a filter together.

    Returns:
        (B, C, H, W).
    """
    shares = mixture.reshape(filtered.shape[0], 1, *filtered.shape[2:])
    total = torch.zeros_like(filtered[:, :, 0])
    # One by one: a sum over all takes longer than eight of these
    for response, share in zip(filtered.unbind(2), shares.unbind(2), strict=True):
        total = total + response * share
    return functional.pixel_shuffle(total.flatten(1, 2), STRIDE)


class AdaptiveFilter(nn.Module):
    """See the module's diagram.

    Args:
        fine: channels of the features at 1/8.
        filters: how many are mixed.
        robust: how many of those that mind small differences alone, or 0.
    """

    luma: Tensor

    def __init__(self, fine: int, filters: int, robust: int) -> None:
        super().__init__()
        self.bank = FilterBank(filters)
        self.entry = pointwise(fine, FEATURES * 16)
        self.first = pointwise(DESCRIPTORS + FEATURES, HIDDEN, gain=2**0.5)
        self.second = pointwise(HIDDEN, HIDDEN, gain=2**0.5)
        self.mixture = pointwise(HIDDEN, STRIDE**2 * filters, gain=0.0)
        self.robust = RobustBank(robust) if robust else None
        if robust:
            self.robust_mixture = pointwise(HIDDEN, STRIDE**2 * robust, gain=0.0)
            self.reach = pointwise(HIDDEN, 1, gain=0.0)
        self.register_buffer("luma", torch.tensor(LUMA).view(1, 3, 1, 1), persistent=False)

    def forward(self, features: Tensor, image: Tensor) -> Tensor:
        """The correction.

        Args:
            features: (B, fine, H/8, W/8).
            image: (B, 3, H, W), as drawn so far; 1 stands for 255 grey levels.

        Returns:
            (B, 3, H, W) float32.
        """
        seen = self.seen(features, image)
        with torch.autocast(image.device.type, enabled=False):
            image = image.float()
            correction = mixed(self.bank(image), self.mixtures(seen))
            if self.robust is not None:
                responses = self.robust(self.luma_of(image), self.reaches(seen))
                shares = MIXTURE_SCALE * self.robust_mixture(seen)
                correction = correction + mixed(responses, shares)
            return correction

    def mixtures(self, seen: Tensor) -> Tensor:
        """Shares of the filters: (B, 4 R, H/2, W/2), the four pixels of a filter together.

        Args:
            seen: of the method `seen`.
        """
        return MIXTURE_SCALE * self.mixture(seen)

    def reaches(self, seen: Tensor) -> Tensor:
        """Differences that count nothing any more: (B, 1, H/2, W/2), in grey levels / 255."""
        return REACH * torch.exp(self.reach(seen))

    def luma_of(self, image: Tensor) -> Tensor:
        """Luma of a picture (B, 3, H, W) in the same unit: (B, 1, H, W)."""
        return functional.conv2d(image, self.luma)

    def seen(self, features: Tensor, image: Tensor) -> Tensor:
        """What tells filters apart, arguments as for `forward`: (B, 32, H/2, W/2) float32."""
        with torch.autocast(image.device.type, enabled=False):
            # How the choice would change with the picture is not worth its gradient's time
            described = self.descriptors(image.detach().float())
        return self.seen_of(features, described)

    def seen_of(self, features: Tensor, described: Tensor) -> Tensor:
        """`seen` of a picture's `descriptors`."""
        known = functional.pixel_shuffle(self.entry(features), 4)
        with torch.autocast(described.device.type, enabled=False):
            seen = torch.cat((described, known.float()), 1)
            return torch.relu(self.second(torch.relu(self.first(seen))))

    def descriptors(self, image: Tensor) -> Tensor:
        """What the edges around each place of a picture (B, 3, H, W) are like: (B, 6, H/2, W/2).

        The logarithm of their strength; cosine and sine of twice their angle, and of four times
        that, all of them near zero where edges disagree; how far they agree, 0 to 1.
        """
        luma = 255.0 * self.luma_of(image)
        padded = functional.pad(luma, (1, 1, 1, 1), mode="replicate")
        across = 0.5 * (padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2])
        down = 0.5 * (padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1])
        products = torch.cat((across.square(), down.square(), across * down), 1)
        products = functional.avg_pool2d(products, STRIDE)
        products = functional.pad(products, (1, 1, 1, 1), mode="replicate")
        products = functional.avg_pool2d(products, 3, 1)
        horizontal, vertical, cross = products.unbind(1)
        strength = horizontal + vertical
        floored = strength + 1.0
        cosine, sine = (horizontal - vertical) / floored, 2.0 * cross / floored
        parts = (
            0.3 * torch.log(floored),
            cosine,
            sine,
            cosine.square() - sine.square(),
            2.0 * cosine * sine,
            cosine.square() + sine.square(),
        )
        return torch.stack(parts, 1)
