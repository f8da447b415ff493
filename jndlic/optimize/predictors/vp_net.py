"""VP-JND's network: from patches of an original, a version of it and the original's JND map to one
score.

    original R ─┐                     ┌─ [R ; D ; R - D] ─► quality q of each patch ─┐
    version  D ─┼─ shared extractor ──┤                                              ├─► score
    JND map  J ─┘                     └─ [R ; D ; R x J] ─► weight  w of each patch ─┘

    score = sum of q w / sum of w

Source: Zhang, Zhang, Li, Fan, Hamzaoui, "VP-JND", IEEE TCSVT 2025: extractor with channel attention
(Woo et al., CBAM, ECCV 2018) and a non-local block (Wang et al., CVPR 2018), two heads, weighted
pooling. The published network took the JND patch from another picture and "pooled" by a window of
one pixel, which left 100 million weights in its heads; here places agree and pooling is by mean and
deviation.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn as nn
import torch.nn.functional as functional
from torch import Tensor

WIDTHS = (32, 64, 128, 256)
PATCH = 128
REDUCTION = 16
HIDDEN = 256
JND_UNIT = 16.0
"""Grey levels of tolerance that count as much as the whole range of a picture does."""
LEAST_WEIGHT = 1e-6
LEAST_VARIANCE = 1e-5


class ChannelAttention(nn.Module):
    """Weighs channels by their mean and their peak.

    Args:
        channels: of the features.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = max(1, channels // REDUCTION)
        self.weigh = nn.Sequential(
            nn.Linear(channels, narrow), nn.ReLU(), nn.Linear(narrow, channels)
        )

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        gain = torch.sigmoid(self.weigh(features.mean((2, 3))) + self.weigh(features.amax((2, 3))))
        return features * gain[:, :, None, None]


class NonLocal(nn.Module):
    """Every place looks at every other (embedded Gaussian); does nothing at first.

    Args:
        channels: of the features.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.embed = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        query, key, value = (part.flatten(2).mT for part in self.embed(features).chunk(3, 1))
        seen = functional.scaled_dot_product_attention(query, key, value, scale=1.0)
        return features + self.out(seen.mT.reshape(features.shape))


class Original(NamedTuple):
    """What the network keeps of an original while it looks at versions."""

    features: Tensor
    """(N, 256, h, w)."""
    masked: Tensor
    """(N, 512): features times those of the JND map, pooled."""


class VpNet(nn.Module):
    """The network; 1.5 million weights."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((3, *WIDTHS), WIDTHS):
            layers.append(nn.Conv2d(before, after, 3, 1, 1))
            if after == WIDTHS[-1]:
                layers += [nn.ReLU(), NonLocal(after), nn.MaxPool2d(2)]
            else:
                # Published: rectified, weighed, then made smaller; the same, but for the means, in
                # a third of the time.
                layers += [nn.MaxPool2d(2), nn.ReLU(), ChannelAttention(after)]
        self.extractor = nn.Sequential(*layers)
        inputs = 6 * WIDTHS[-1]
        self.quality, self.weight = (
            nn.Sequential(
                nn.BatchNorm1d(inputs), nn.Linear(inputs, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1)
            )
            for _ in range(2)
        )
        for layer in self.extractor:
            # torch's own start would let differences fade from layer to layer
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # pyright: ignore[reportArgumentType]

    def original(self, patches: Tensor, jnd: Tensor) -> Original:
        """The part that no version changes.

        Args:
            patches: (N, 3, S, S) grey levels of the original; S a multiple of 16.
            jnd: (N, 1, S, S) tolerance at the same places, grey levels.
        """
        features = self.extractor(patches / 255.0 - 0.5)
        tolerant = self.extractor((jnd / JND_UNIT - 0.5).expand(-1, 3, -1, -1))
        return Original(features, pooled(features * tolerant))

    def patch_scores(self, original: Original, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Score and weight of each patch.

        Args:
            original: of N patches.
            patches: (N, 3, S, S) grey levels of a version, at the same places.

        Returns:
            (N,) scores and (N,) weights above 0.
        """
        features = self.extractor(patches / 255.0 - 0.5)
        both = pooled(original.features), pooled(features)
        score = self.quality(torch.cat((*both, pooled(original.features - features)), 1))
        weight = self.weight(torch.cat((*both, original.masked), 1))
        return score[:, 0], functional.relu(weight[:, 0]) + LEAST_WEIGHT

    def forward(self, original: Original, patches: Tensor) -> Tensor:
        """The score of a picture from all of its patches, a scalar; arguments as for
        `patch_scores`.
        """
        return weighted_mean(*self.patch_scores(original, patches))


def pooled(features: Tensor) -> Tensor:
    """(N, C, H, W) to (N, 2 C): mean over places, and logarithm of the standard deviation, which is
    what visibility goes with.
    """
    variance, mean = torch.var_mean(features.float(), (2, 3), correction=0)
    return torch.cat((mean, 0.5 * torch.log(variance + LEAST_VARIANCE)), 1)


def weighted_mean(scores: Tensor, weights: Tensor) -> Tensor:
    """Over the last dimension."""
    return (scores * weights).sum(-1) / weights.sum(-1)
