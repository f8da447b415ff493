"""The float networks cut into stages, each small enough to be run window by window.

    pixels, map ─► analysis-fine ─► both, detail ─► analysis-coarse ─► features, z_J
    detail, features, quality ─► latent ─► y ─► hyper (quality) ─► z
    z_J, z, quality ─► hidden ─► mean-0 ... mean-3 (latents so far) ─► μ of each phase
    ŷ, d, quality ─► synthesis-coarse ─► synthesis-fine (quality) ─► synthesis-pixels (ŷ) ─► picture

A stage takes and gives one picture, or a window of one: margins.py says how far from a window's
border its values are not those of the whole picture. Both the torch backend and the graphs for ONNX
Runtime are made of these.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from jndlic.format.grid import HYPER_STRIDE, JND_STRIDE, LATENT_STRIDE
from jndlic.network.codec import Codec, side_symbols
from jndlic.network.mean_context import LATENT_SCALE, from_phases
from jndlic.network.rules import STEM_STRIDE


class Input(NamedTuple):
    """One input of a stage."""

    name: str
    channels: int
    """0: a plane without channels."""
    stride: int
    """Pixels between its values."""
    type: torch.dtype = torch.float32
    channels_last: bool = False

    def zeros(self, height: int, width: int) -> Tensor:
        """An input of this kind for a window of so many pixels; ones where it holds qualities."""
        rows, columns = height // self.stride, width // self.stride
        if not self.channels:
            return torch.ones(1, rows, columns, dtype=self.type)
        whole = torch.zeros(1, self.channels, rows, columns, dtype=self.type)
        return whole.permute(0, 2, 3, 1).contiguous() if self.channels_last else whole


class Stage(NamedTuple):
    """A module and what it takes; an input that follows from another one's source by fewer layers
    comes before it (see StagedBackend.stage).
    """

    module: nn.Module
    inputs: tuple[Input, ...]
    unit: int = JND_STRIDE
    """Pixels that the sides of a window are multiples of."""


def stages(codec: Codec) -> dict[str, Stage]:
    """Every stage by name.

    Args:
        codec: whose parameters they share.
    """
    sizes = codec.config
    pixels = Input("pixels", 3, 1, channels_last=True)
    jnd = Input("jnd", 3, 1, channels_last=True)
    both = Input("both", 2 * sizes.coarse_channels, LATENT_STRIDE)
    features = Input("features", sizes.coarse_channels, LATENT_STRIDE)
    blocks = Input("blocks", sizes.fine_channels, STEM_STRIDE)
    detail = Input("detail", sizes.detail_channels, LATENT_STRIDE)
    latent = Input("latent", sizes.latent_channels, LATENT_STRIDE)
    step_index = Input("step_index", sizes.latent_channels, LATENT_STRIDE, torch.int8)
    quality = Input("quality", 0, JND_STRIDE, torch.int64)
    z_jnd = Input("z_jnd", sizes.jnd_channels, JND_STRIDE, torch.int32)
    z = Input("z", sizes.hyper_channels, HYPER_STRIDE, torch.int32)
    hidden = Input("hidden", codec.context.hidden_channels, LATENT_STRIDE)
    known = tuple(
        Input(f"latent_{phase}", sizes.latent_channels, 2 * LATENT_STRIDE) for phase in range(3)
    )
    means = {
        f"mean-{phase}": Stage(_Mean(codec, phase), (hidden, *known[:phase]))
        for phase in range(len(codec.context.passes))
    }
    return {
        "analysis-fine": Stage(_AnalysisFine(codec), (pixels, jnd), LATENT_STRIDE),
        "analysis-coarse": Stage(_AnalysisCoarse(codec), (both,)),
        "latent": Stage(_Latent(codec), (detail, features, quality)),
        "hyper": Stage(_Hyper(codec), (latent, quality), HYPER_STRIDE),
        "hidden": Stage(_Hidden(codec), (z_jnd, z, quality), HYPER_STRIDE),
        **means,
        "synthesis-coarse": Stage(_SynthesisCoarse(codec), (latent, step_index, quality)),
        "synthesis-fine": Stage(_SynthesisFine(codec), (features, quality)),
        "synthesis-pixels": Stage(_SynthesisPixels(codec), (blocks, detail), LATENT_STRIDE),
    }


class _AnalysisFine(nn.Module):
    def __init__(self, codec: Codec) -> None:
        super().__init__()
        self.analysis = codec.analysis

    def forward(self, pixels: Tensor, jnd: Tensor) -> tuple[Tensor, Tensor]:
        """(1, H, W, 3) grey levels 0..255 and map to (1, 2 C, h, w), the image's first, and
        detail.
        """
        both, detail = self.analysis.fine(pixels.permute(0, 3, 1, 2), jnd.permute(0, 3, 1, 2))
        return both.reshape(1, -1, *both.shape[2:]), detail


class _AnalysisCoarse(nn.Module):
    median_z_jnd: Tensor

    def __init__(self, codec: Codec) -> None:
        super().__init__()
        self.analysis, self.jnd_head = codec.analysis, codec.jnd_head
        self.register_buffer("median_z_jnd", codec.median_z_jnd)

    def forward(self, both: Tensor) -> tuple[Tensor, Tensor]:
        both = both.reshape(2, -1, *both.shape[2:]).contiguous(memory_format=torch.channels_last)
        features, jnd_features = self.analysis.coarse(both)
        z_jnd = side_symbols(self.jnd_head(jnd_features), self.median_z_jnd)
        return features, z_jnd.to(torch.int32)


class _Latent(nn.Module):
    def __init__(self, codec: Codec) -> None:
        super().__init__()
        self.analysis = codec.analysis

    def forward(self, detail: Tensor, features: Tensor, quality: Tensor) -> Tensor:
        return self.analysis.latent(features, detail, quality)


class _Hyper(nn.Module):
    median_z: Tensor

    def __init__(self, codec: Codec) -> None:
        super().__init__()
        self.hyper_analysis = codec.hyper_analysis
        self.register_buffer("median_z", codec.median_z)

    def forward(self, latent: Tensor, quality: Tensor) -> Tensor:
        return side_symbols(self.hyper_analysis(latent, quality), self.median_z).to(torch.int32)


class _Hidden(nn.Module):
    def __init__(self, codec: Codec) -> None:
        super().__init__()
        self.context = codec.context

    def forward(self, z_jnd: Tensor, z: Tensor, quality: Tensor) -> Tensor:
        return self.context.hidden(z.float(), z_jnd.float(), quality)


class _Mean(nn.Module):
    def __init__(self, codec: Codec, phase: int) -> None:
        super().__init__()
        self.context, self.phase = codec.context, phase

    def forward(self, hidden: Tensor, *latents: Tensor) -> Tensor:
        known = (from_phases(list(latents)) / LATENT_SCALE,) if latents else ()
        return self.context.passes[self.phase](hidden, *known)


class _SynthesisCoarse(nn.Module):
    def __init__(self, codec: Codec) -> None:
        super().__init__()
        self.synthesis = codec.synthesis

    def forward(self, latent: Tensor, step_index: Tensor, quality: Tensor) -> Tensor:
        return self.synthesis.coarse(latent, step_index.float(), quality)


class _SynthesisFine(nn.Module):
    def __init__(self, codec: Codec) -> None:
        super().__init__()
        self.synthesis = codec.synthesis

    def forward(self, features: Tensor, quality: Tensor) -> Tensor:
        return self.synthesis.blocks(features, quality)


class _SynthesisPixels(nn.Module):
    def __init__(self, codec: Codec) -> None:
        super().__init__()
        self.synthesis = codec.synthesis

    def forward(self, blocks: Tensor, detail: Tensor) -> Tensor:
        """To (1, H, W, 3) float32, 0..255."""
        return self.synthesis.draw(blocks, detail).clamp(0.0, 255.0).permute(0, 2, 3, 1)
