"""A stage near the end of the synthesis: what blocks of 8 x 8 pixels cannot draw.

    features of 1/8 ─► 1x1 ─► shuffle 2 ─┐
                                         + ─► gated blocks ─► 1x1 ─► shuffle 4 ─► correction
    image drawn so far ─ unshuffle 4 ─► 1x1 ┘      (1/4)

Each of the four places that a feature of 1/8 is shuffled to has weights of its own, so the stage
knows where it stands on the grid of blocks; the features know step and quality. It does for this
codec what deblocking and directional filters in the loop do for video codecs. The correction begins
as zero.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from jndlic.network.blocks import gated_stack, pointwise

STRIDE = 4


class PixelStage(nn.Module):
    """See the module's diagram.

    Args:
        fine: channels of the features at 1/8.
        channels: at 1/4.
        blocks: gated blocks at 1/4.
    """

    def __init__(self, fine: int, channels: int, blocks: int) -> None:
        super().__init__()
        self.entry = pointwise(fine, 4 * channels)
        self.drawn = pointwise(3 * STRIDE**2, channels)
        self.blocks = gated_stack(channels, blocks, size=5, hidden=2 * channels)
        self.head = pointwise(channels, 3 * STRIDE**2, gain=0.0)

    def forward(self, features: Tensor, image: Tensor) -> Tensor:
        """The correction.

        Args:
            features: (B, fine, H/8, W/8).
            image: (B, 3, H, W), as drawn so far; 1 stands for 255 grey levels.

        Returns:
            (B, 3, H, W).
        """
        drawn = functional.pixel_unshuffle(image, STRIDE).contiguous(
            memory_format=torch.channels_last
        )
        joined = functional.pixel_shuffle(self.entry(features), 2) + self.drawn(drawn)
        return functional.pixel_shuffle(self.head(self.blocks(joined)), STRIDE)
