"""The codec without one of the ways in which the JND map acts, to measure what each is worth
(docs/jnd-ablation.md).

    whole          everything as it is
    constant-step  D = 0: steps follow from quality and channel alone
    zero-map       the network sees a map of zeros
    shuffled-map   the network sees the map of another picture
    no-ftm         the map's features gate nothing: the replacement gates r of all JND-FTMs are shut

What training removes by freezing parameters stays removed in the weights file; maps are replaced at
encoding too.
"""

from __future__ import annotations

import torch
from torch import Tensor

from jndlic.errors import ParameterError
from jndlic.network.codec import Codec

WHOLE, CONSTANT_STEP, ZERO_MAP, SHUFFLED_MAP, NO_FTM = (
    "whole",
    "constant-step",
    "zero-map",
    "shuffled-map",
    "no-ftm",
)
VARIANTS = (WHOLE, CONSTANT_STEP, ZERO_MAP, SHUFFLED_MAP, NO_FTM)
SHUT = -30.0  # sigmoid(-30) adds nothing to a float32 near one


@torch.no_grad()
def restrict(codec: Codec, variant: str) -> None:
    """Take a variant's parts out of a trainable codec; what is taken out gets no gradient.

    Raises:
        ParameterError: there is no such variant.
    """
    if variant not in VARIANTS:
        raise ParameterError(f"ablation must be one of {', '.join(VARIANTS)}, got {variant!r}")
    silent = []
    if variant == CONSTANT_STEP:
        silent = [codec.step_net.layers[-1]]
    elif variant == NO_FTM:
        gates = (codec.analysis.fine_gate, codec.analysis.coarse_gate, codec.synthesis.gate)
        silent = [layer for gate in gates for layer in (gate.gates, gate.candidate)]
    for layer in silent:
        layer.requires_grad_(False)
        layer.weight.zero_()
        layer.bias.fill_(
            SHUT if variant == NO_FTM and layer.out_channels == layer.in_channels else 0.0
        )


def seen_map(jnd: Tensor, variant: str) -> Tensor:
    """The map that a variant's network gets for a batch: (B, 3, H, W) to the same shape."""
    if variant == ZERO_MAP:
        return torch.zeros_like(jnd)
    return jnd.roll(1, 0) if variant == SHUFFLED_MAP else jnd
