"""The codec on tensors: pixels to integers and back.

                 ENCODER ONLY             :  INTEGERS  :            BOTH SIDES
    x ─┬─► analysis ─► y ───┬─► hyper ────:─► z ───────:─► scale net S ─┐
       └─► j ──┘       f_J ─┼─► JND head ─:─► z_J ─────:─► step net  d ─┴─► t = clip(S - d, 0, 63)
                            └─────────────:─► k ───────:─► context μ, ŷ = μ + r^d k ─► synthesis
                                          :            :                               ─► x̂

    k = round((y - μ) / r^d), see rdoq.py; S, d and t come from integers only.

The quality, one value for the picture or one for each 32 x 32 pixels, steers every part from y on.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from jndlic.format.grid import SEGMENT_LATENTS, padded_size, segments
from jndlic.format.phases import to_phases
from jndlic.format.quality import checked_plane
from jndlic.format.symbols import SYMBOL_LIMIT, Symbols
from jndlic.network.analysis import Analysis, AnalysisOutput
from jndlic.network.config import CodecConfig
from jndlic.network.hyperprior import (
    HyperAnalysis,
    JndHead,
    ScaleNet,
    StepNet,
    step_size,
    table_index,
)
from jndlic.network.integer import exact_products
from jndlic.network.mean_context import Context, from_phases
from jndlic.network.rdoq import Rounding
from jndlic.network.scale_context import ScaleContext
from jndlic.network.synthesis import Synthesis
from jndlic.network.table_refinement import Neighbours


class Codec(nn.Module):
    """The networks of a codec.

    Args:
        config: sizes.
    """

    median_z: Tensor
    median_z_jnd: Tensor

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.analysis = Analysis(config)
        self.hyper_analysis = HyperAnalysis(config)
        self.jnd_head = JndHead(config)
        self.scale_net = ScaleNet(config)
        self.step_net = StepNet(config)
        self.context = Context(config)
        self.rounding = Rounding()
        self.scale_context = ScaleContext(config)
        self.neighbours = Neighbours()
        self.synthesis = Synthesis(config)
        self.register_buffer("median_z", torch.zeros(1, config.hyper_channels, 1, 1))
        self.register_buffer("median_z_jnd", torch.zeros(1, config.jnd_channels, 1, 1))

    @property
    def device(self) -> torch.device:
        """Where the parameters live."""
        return self.median_z.device

    @torch.inference_mode()
    def analyse(self, image: Tensor, jnd: Tensor) -> AnalysisOutput:
        """The part of encoding that no quality changes.

        Args:
            image: (1, 3, H, W) grey levels 0..255, any size.
            jnd: (1, 3, H, W) tolerance in grey levels.

        Returns:
            Features of the image padded to multiples of 64 by repeating its last row and column.
        """
        height, width = image.shape[-2:]
        margin = (0, padded_size(width) - width, 0, padded_size(height) - height)
        image, jnd = (
            functional.pad(plane.to(self.device), margin, mode="replicate")
            for plane in (image, jnd)
        )
        return self.analysis(image, jnd)

    @torch.inference_mode()
    def quantise(self, analysis: AnalysisOutput, quality: int | np.ndarray) -> Symbols:
        """Integers of one image at one quality.

        Args:
            analysis: of `analyse`.
            quality: 1..100, or a plane of such integers, (ph / 32, pw / 32).

        Raises:
            ParameterError: the quality is out of range, or the plane has another size.
        """
        rows, columns = analysis.features.shape[-2:]
        level = self._quality(quality, rows // 2, columns // 2)
        latent = self.analysis.latent(analysis, level)
        z = side_symbols(self.hyper_analysis(latent, level), self.median_z)
        z_jnd = side_symbols(self.jnd_head(analysis.jnd_features), self.median_z_jnd)
        table, step_index = self._indices(z_jnd, z, level)
        latents, tables = to_phases(latent), to_phases(table)
        steps = to_phases(step_size(step_index))
        symbols: list[Tensor] = []
        refined: list[Tensor] = []

        def dequantise(phase: int, mean: Tensor) -> Tensor:
            refined.append(self._refined_by_segments(phase, tables, symbols))
            ratio = (latents[phase] - mean) / steps[phase]
            symbols.append(self.rounding(ratio, refined[-1]).clamp(-SYMBOL_LIMIT, SYMBOL_LIMIT))
            return mean + steps[phase] * symbols[-1]

        self.context(z, z_jnd, level, dequantise)
        k, t = from_phases(symbols), from_phases(refined)
        return Symbols(_integers(z_jnd), _integers(z), _integers(k), _integers(t, np.uint8))

    @torch.inference_mode()
    def synthesise(
        self,
        z_jnd: np.ndarray,
        z: np.ndarray,
        k: np.ndarray,
        d: np.ndarray,
        quality: int | np.ndarray,
        height: int,
        width: int,
        precision: torch.dtype = torch.float32,
    ) -> Tensor:
        """Symbols to pixels.

        Args:
            z_jnd, z, k: symbols, as in Symbols.
            d: step indices, as of TableSource.table_index.
            quality: 1..100, or a plane of such integers, (ph / 32, pw / 32).
            height, width: size of the image; the padding is cut off.
            precision: of the synthesis transform: torch.float32 or torch.bfloat16. The means stay
                in float32, since an error there is an error in pixels one to one.

        Returns:
            (1, 3, height, width) float32, clipped to 0..255, not rounded.
        """
        step_index, level = self._tensor(d), self._quality(quality, *z_jnd.shape[1:])
        symbols = self._tensor(z_jnd), self._tensor(z), self._tensor(k)
        latent = dequantised(self.context, *symbols, step_index, level)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=precision == torch.bfloat16):
            image = self.synthesis(latent, step_index, level)
        return image[..., :height, :width].to(torch.float32).clamp(0.0, 255.0)

    def _refined_by_segments(
        self, phase: int, tables: list[Tensor], symbols: list[Tensor]
    ) -> Tensor:
        """Tables of one phase of the whole picture; no segment sees across its border."""
        refined = tables[phase].clone()
        height, width = refined.shape[-2:]
        for rows, columns in segments(height, width, SEGMENT_LATENTS // 2):
            inside = (
                [values[..., rows, columns] for values in parts] for parts in (tables, symbols)
            )
            refined[..., rows, columns] = self._refined(phase, *inside)
        return refined

    def _refined(self, phase: int, tables: list[Tensor], symbols: list[Tensor]) -> Tensor:
        with exact_products(self.device.type):
            moved = self.scale_context(phase, tables, symbols)
        return self.neighbours.refine(phase, moved, tables, symbols).to(torch.float32)

    def _indices(self, z_jnd: Tensor, z: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        with exact_products(self.device.type):
            step_index = self.step_net(z_jnd, level)
            return table_index(self.scale_net(z, level), step_index), step_index

    def _quality(self, quality: int | np.ndarray, rows: int, columns: int) -> Tensor:
        """Plane of qualities, (1, rows, columns), checked."""
        return torch.from_numpy(checked_plane(quality, rows, columns)).to(self.device)[None]

    def _tensor(self, symbols: np.ndarray) -> Tensor:
        return torch.from_numpy(symbols).to(self.device, torch.float32)[None]


def side_symbols(values: Tensor, median: Tensor) -> Tensor:
    """z or z_J: values less the median of their channel, rounded; float32 that holds integers."""
    return torch.floor(values - median + 0.5).clamp(-SYMBOL_LIMIT, SYMBOL_LIMIT)


def dequantised(
    context: Context, z_jnd: Tensor, z: Tensor, k: Tensor, step_index: Tensor, quality: Tensor
) -> Tensor:
    """Latents as the decoder has them, ŷ = μ + r^d k: (B, M, h, w).

    Args:
        context: gives μ.
        z_jnd, z, k: symbols, as float32.
        step_index: d, as float32.
        quality: (B, h / 2, w / 2) integers 1..100.
    """
    offsets = to_phases(step_size(step_index) * k)
    return context(z, z_jnd, quality, lambda phase, mean: mean + offsets[phase])[1]


def _integers(values: Tensor, kind: type = np.int32) -> np.ndarray:
    return values[0].to(torch.int32).cpu().contiguous().numpy().astype(kind, copy=False)
