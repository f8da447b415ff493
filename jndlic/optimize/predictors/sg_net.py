"""SG-JND, re-derived: what the picture shows guides where its small differences are looked for.

    patches of R and D ─► frozen backbone ─► four levels of features
        ─► per level [D ; R ; |D - R|] gated by their difference
        ─► 7x7 places x WIDTH, self-attention
        ─► from the most semantic level down, each level attended to by the one above
        ─► mean over places ─► quality q and weight w of the patch ─► sum of q w / sum of w

Source: Cao et al., "SG-JND: Semantic-Guided Just Noticeable Difference Predictor For Image
Compression", ICIP 2024 (arXiv 2408.04273), says: features of several layers, cross-scale attention
led by semantics, weighted patches. No code or sizes are public; those here follow Chen et al.,
"TOPIQ", IEEE TIP 2024, and are ours. The paper's backbone is ResNet-50; here SqueezeNet 1.1, whose
ImageNet weights are the file that LPIPS uses too.
"""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as functional
from torch import Tensor

from jndlic.optimize.predictors.vp_net import LEAST_WEIGHT

PATCH = 224
WIDTH = 96
HEADS = 4
GRID = 7
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures, 0 to 1: what the backbone was trained with."""
CUTS = (2, 5, 8, 13)
"""Layers of the trunk after which features are taken."""
CHANNELS = (64, 128, 256, 512)


class Fire(nn.Module):
    """SqueezeNet's block: a narrow layer, then 1x1 and 3x3 side by side (Iandola et al. 2016);
    names as in torchvision's weights.
    """

    def __init__(self, channels: int, narrow: int, wide: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, narrow, 1)
        self.expand1x1 = nn.Conv2d(narrow, wide, 1)
        self.expand3x3 = nn.Conv2d(narrow, wide, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) to (N, 2 wide, H, W)."""
        narrow = functional.relu(self.squeeze(features))
        return functional.relu(torch.cat((self.expand1x1(narrow), self.expand3x3(narrow)), 1))


class Backbone(nn.Sequential):
    """SqueezeNet 1.1 without its classifier, frozen; its weights load from torchvision's layout."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        fires = [
            Fire(*sizes)
            for sizes in (
                (64, 16, 64),
                (128, 16, 64),
                (128, 32, 128),
                (256, 32, 128),
                (256, 48, 192),
                (384, 48, 192),
                (384, 64, 256),
                (512, 64, 256),
            )
        ]
        super().__init__(
            nn.Conv2d(3, 64, 3, 2), nn.ReLU(), pool, *fires[:2], pool, *fires[2:4], pool, *fires[4:]
        )
        self.eval().requires_grad_(False)
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(3, 1, 1), persistent=False)

    def train(self, mode: bool = True) -> Backbone:
        """Stays as it is."""
        return super().train(False)

    def forward(self, patches: Tensor) -> list[Tensor]:
        """(N, 3, S, S) grey levels to features of four levels, the most semantic last."""
        features, levels = (patches / 255.0 - self.mean) / self.deviation, []
        for number, layer in enumerate(self):
            features = layer(features)
            if number + 1 in CUTS or number + 1 == len(self):
                levels.append(features)
        return [levels[0], *levels[1:3], levels[-1]]


class Level(nn.Module):
    """Features of both pictures at one level to places.

    Args:
        channels: of the features.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.Conv2d(channels, channels // 4, 1),
            nn.ReLU(),
            nn.Conv2d(channels // 4, 1, 1),
            nn.Sigmoid(),
        )
        self.mix = nn.Sequential(nn.Linear(3 * channels, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH))
        self.place = nn.Parameter(torch.zeros(GRID**2, WIDTH))
        self.attend = Attention()

    def forward(self, original: Tensor, version: Tensor) -> Tensor:
        """Two (N, C, H, W) to (N, 49, WIDTH)."""
        difference = (version - original).abs()
        both = torch.cat((version, original, difference), 1) * self.gate(difference)
        places = functional.adaptive_avg_pool2d(both, GRID).flatten(2).mT
        places = self.mix(places) + self.place
        return self.attend(places, places)


class Attention(nn.Module):
    """A layer of a transformer: attention, then two linear layers, each after a norm and beside a
    way past it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(3))
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.after = nn.Sequential(
            nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH)
        )

    def forward(self, asking: Tensor, asked: Tensor) -> Tensor:
        """(N, P, WIDTH) that look at (N, P, WIDTH)."""
        known = self.norms[1](asked)
        asking = asking + self.attention(self.norms[0](asking), known, known, need_weights=False)[0]
        return asking + self.after(self.norms[2](asking))


class SgNet(nn.Module):
    """The network without its backbone; what is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.levels = nn.ModuleList(map(Level, CHANNELS))
        self.descend = nn.ModuleList(Attention() for _ in CHANNELS[1:])
        self.quality, self.weight = (
            nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, 1)) for _ in range(2)
        )

    def patch_scores(self, original: list[Tensor], version: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Score and weight of each patch.

        Args:
            original: of Backbone, of N patches.
            version: the same of the version.

        Returns:
            (N,) scores and (N,) weights above 0.
        """
        places = [level(*both) for level, both in zip(self.levels, zip(original, version))]
        seen = places[-1]
        for attention, lower in zip(self.descend, reversed(places[:-1])):
            seen = attention(seen, lower)
        patch = seen.mean(1)
        return self.quality(patch)[:, 0], functional.relu(self.weight(patch)[:, 0]) + LEAST_WEIGHT
