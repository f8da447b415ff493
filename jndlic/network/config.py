"""Sizes of the network: everything that must be known to build it before its weights are read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from jndlic.errors import WeightsError

OPTIONAL = ("context_blocks", "pixel_blocks", "adaptive_filters", "robust_filters")
"""What may be left out: sizes that may be 0."""


@dataclass(frozen=True)
class CodecConfig:
    """Widths (channels) and depths (residual blocks) of each stage."""

    latent_channels: int = 416
    """M: channels of y and k, at 1/16 of the image size."""
    detail_channels: int = 96
    """The last ones of them: a linear path past the blocks, for the finest detail."""
    hyper_channels: int = 128
    """Channels of z, at 1/64."""
    jnd_channels: int = 16
    """Channels of z_J, at 1/32."""
    fine_channels: int = 128
    """Width of the residual blocks at 1/8."""
    coarse_channels: int = 320
    """Width of the residual blocks at 1/16."""
    analysis_fine_blocks: tuple[int, int] = (3, 1)
    """Blocks at 1/8 before and after the first JND-FTM (image and map)."""
    analysis_coarse_blocks: tuple[int, int] = (2, 3)
    """Blocks at 1/16 before (image and map) and after (image alone) the second JND-FTM."""
    synthesis_coarse_blocks: tuple[int, int] = (1, 3)
    """Blocks at 1/16 before and after the synthesis JND-FTM."""
    synthesis_fine_blocks: int = 5
    """Blocks at 1/8."""
    context_channels: int = 256
    """Width of the context networks at 1/16."""
    context_blocks: int = 2
    """Gated blocks in each of the four passes of the context networks."""
    lapped_kernel: int = 3
    """Side of the kernels between pixels and 1/8, in blocks of 8 x 8 pixels: 1 (each block alone)
    or 3 (with its neighbours).
    """
    pixel_channels: int = 48
    """Width of the gated blocks at 1/4, after the synthesis has drawn its 8 x 8 blocks."""
    pixel_blocks: int = 3
    """Gated blocks at 1/4."""
    adaptive_filters: int = 8
    """Filters that each pixel's own one is mixed from, at the end of the synthesis."""
    robust_filters: int = 8
    """Filters beside those that mind small differences alone."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            numbers = value if isinstance(value, (tuple, list)) else (value,)
            least = 0 if field.name in OPTIONAL else 1
            if not all(isinstance(number, int) and least <= number <= 4096 for number in numbers):
                raise WeightsError(
                    f"config: {field.name} = {value!r} is not a size from {least} to 4096"
                )
        if self.lapped_kernel not in (1, 3):
            raise WeightsError(f"config: lapped_kernel = {self.lapped_kernel} is neither 1 nor 3")
        if self.detail_channels >= self.latent_channels:
            raise WeightsError("config: detail_channels are a part of latent_channels")

    def to_dict(self) -> dict[str, int | list[int]]:
        """Plain values, as they stand in a weights file."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> CodecConfig:
        """The inverse of to_dict.

        Raises:
            WeightsError: a name is unknown or a value is no size.
        """
        known = {field.name for field in fields(cls)}
        if not isinstance(values, dict) or set(values) - known:
            raise WeightsError(f"config: unknown entries {sorted(set(values) - known)}")
        sizes: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        for name in ("adaptive_filters", "robust_filters"):
            sizes.setdefault(name, 0)  # weights from before there were any
        return cls(**sizes)
