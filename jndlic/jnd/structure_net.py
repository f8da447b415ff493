"""The network that finds how far a patch's structure may change: a U-Net with self-attention and a
global view at every scale.

    64x64 ─ 7x7 ─► 64 ─► 32 ─► 16 ─► 8 ─► 4x4, attention ─► 8 ─► 16 ─► 32 ─► 64 ─ 7x7 ─► + patch
                    └──────┴──────┴─────┴── each with its own mean beside it ──┘

Source: Shen et al., IEEE TIP 2020, after the generator of UEGAN (Ni et al. 2020); attention of
Zhang et al. (SAGAN, ICML 2019). Without spectral norm, which steadies adversarial training: there
is none here.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as functional
from safetensors.torch import save
from torch import Tensor

from jndlic.errors import WeightsError
from jndlic.files import write_atomically
from jndlic.shipped_weights import shipped_predictor
from jndlic.tensor_files import read_tensors

DEPTH = 4
NAME = "structure"
FORMAT = "jndlic-structure-1"


class GlobalSkip(nn.Module):
    """Features with their own mean beside them, so that every place knows the whole patch.

    Args:
        channels: of the features.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.view = nn.Linear(channels, channels)
        self.mix = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        whole = functional.relu(self.view(features.mean((2, 3))))
        return self.mix(torch.cat((features, whole[:, :, None, None].expand_as(features)), 1))


class SelfAttention(nn.Module):
    """Every place looks at every other; does nothing at first.

    Args:
        channels: of the features.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, channels // 8, 1)
        self.key = nn.Conv2d(channels, channels // 8, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        query, key, value = (
            layer(features).flatten(2) for layer in (self.query, self.key, self.value)
        )
        seen = (query.mT @ key).softmax(-1)
        return features + self.gain * (value @ seen.mT).view_as(features)


def _down(channels: int, wider: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, wider, 3, 2, 1, padding_mode="reflect", bias=False),
        nn.BatchNorm2d(wider),
        nn.ReLU(),
    )


def _narrow(channels: int, narrower: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, narrower, 3, 1, 1, padding_mode="reflect", bias=False),
        nn.BatchNorm2d(narrower),
        nn.ReLU(),
    )


class StructureNet(nn.Module):
    """Patches to patches.

    Args:
        width: channels at full resolution; the published network has 32, doubled at each of four
            scales.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        widths = [width * 2**scale for scale in range(DEPTH + 1)]
        self.width = width
        self.first = nn.Conv2d(1, width, 7, 1, 3, padding_mode="reflect")
        self.down = nn.ModuleList(_down(a, b) for a, b in zip(widths, widths[1:]))
        self.skips = nn.ModuleList(GlobalSkip(channels) for channels in widths)
        self.attention = SelfAttention(widths[-1])
        self.up = nn.ModuleList(_narrow(b, a) for a, b in zip(widths, widths[1:]))
        self.merge = nn.ModuleList(_narrow(2 * channels, channels) for channels in widths[:-1])
        self.last = nn.Conv2d(width, 1, 7, 1, 3, padding_mode="reflect")
        nn.init.zeros_(self.last.weight)  # begins as the identity
        nn.init.zeros_(self.last.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, patches: Tensor) -> Tensor:
        """(N, 1, 64, 64) grey levels to the same; sides that are multiples of 32."""
        scaled = (patches / 127.5 - 1.0).to(self.first.weight.dtype)
        levels = [functional.relu(self.first(scaled))]
        for layer in self.down:
            levels.append(layer(levels[-1]))
        features = self.skips[-1](self.attention(levels[-1]))
        for scale in reversed(range(DEPTH)):
            features = self.up[scale](
                functional.interpolate(features, scale_factor=2.0, mode="nearest")
            )
            features = self.merge[scale](torch.cat((features, self.skips[scale](levels[scale])), 1))
        # The change is in grey levels: of the scaled patch it is a hundredth, which steps of Adam
        # overshoot.
        return (patches + self.last(features).to(patches.dtype)).clamp(0.0, 255.0)


def save_structure(net: StructureNet, path: str | Path, target: str) -> None:
    """Writes a network as float16 safetensors.

    Args:
        net: to keep.
        path: of the file.
        target: what it was trained towards, in words.
    """
    tensors = {
        name: value.half() if value.is_floating_point() else value
        for name, value in net.state_dict().items()
    }
    metadata = {"format": FORMAT, "width": str(net.width), "target": target}
    write_atomically(
        path, save({name: value.contiguous() for name, value in tensors.items()}, metadata)
    )


@lru_cache(maxsize=2)
def load_structure(path: str | Path | None = None) -> StructureNet:
    """A network ready for use.

    Args:
        path: of a file of `save_structure`; the shipped one by default.

    Raises:
        WeightsError: it is missing or no such network.
    """
    path = path or shipped_predictor(NAME)
    tensors, metadata = read_tensors(path, "structure network")
    if metadata.get("format") != FORMAT:
        raise WeightsError(f"{path} is no network for the structure of patches")
    try:
        net = StructureNet(int(metadata["width"]))
        net.load_state_dict({name: torch.from_numpy(value) for name, value in tensors.items()})
    except (RuntimeError, KeyError, ValueError) as error:
        raise WeightsError(f"structure network {path}: {error}") from error
    return net.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
