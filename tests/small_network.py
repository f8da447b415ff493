"""Sizes of a network that tests build and train in a second."""

from __future__ import annotations

from jndlic.network.config import CodecConfig

SMALL = CodecConfig(
    latent_channels=32,
    detail_channels=8,
    hyper_channels=16,
    jnd_channels=4,
    fine_channels=16,
    coarse_channels=24,
    context_channels=24,
)
