"""How far each stage of the networks (stages.py) looks, in latents: what a window of a picture
needs around it, so that what it holds is what the whole picture would hold there. Without torch.
"""

from __future__ import annotations

from typing import NamedTuple

from jndlic.format.grid import HYPER_STRIDE, JND_STRIDE, LATENT_STRIDE
from jndlic.network.config import CodecConfig

BLOCK_REACH = 2
"""Of a residual block, and of a gated block of the pixel stage: kernels of 5 x 5."""

FILTER_REACH = 1
"""Of the adaptive filter, in places of 1/8: gradients and their mean over 3 places of 1/2 look 4
pixels far, kernels of 5 x 5 less.
"""

GATE_REACH = 1
"""Of the JND-FTM: a kernel of 3 x 3."""

SIDE_MARGIN = 2 * HYPER_STRIDE // LATENT_STRIDE
"""Around the latents whose tables are wanted, z and z_J count this far, in latents: the scale net
has a kernel of 3 x 3 at 1/64 and another one at 1/32.
"""


class Margins(NamedTuple):
    """Of every stage, in latents; whole numbers of the values that the stage reads."""

    analysis_fine: int
    analysis_coarse: int
    latent: int
    hyper: int
    hidden: int
    first_mean: int
    """Of mean-0."""
    mean: int
    """Of mean-1 to mean-3."""
    synthesis_coarse: int
    synthesis_fine: int
    synthesis_pixels: int


def margins(config: CodecConfig) -> Margins:
    """Margins of a network of these sizes."""
    lap = config.lapped_kernel // 2
    # Its blocks are at 1/4, and what they correct was drawn by the lapped layer
    pixel_stage = -(-BLOCK_REACH * config.pixel_blocks // 2)
    drawn = lap + pixel_stage + (FILTER_REACH if config.adaptive_filters else 0)
    before, after = config.analysis_coarse_blocks
    hyper = 2 * JND_STRIDE // LATENT_STRIDE  # a kernel of 5 x 5 at 1/32
    means = config.context_blocks * JND_STRIDE // LATENT_STRIDE  # kernels of 3 x 3 in each phase
    return Margins(
        analysis_fine=-(-(lap + BLOCK_REACH * sum(config.analysis_fine_blocks) + GATE_REACH) // 2),
        analysis_coarse=_even(BLOCK_REACH * before + GATE_REACH),
        latent=_even(BLOCK_REACH * after),
        hyper=hyper,
        hidden=hyper,
        first_mean=_even(means),
        mean=_even(means + 2),  # a kernel of 5 x 5 over the latents known
        synthesis_coarse=_even(BLOCK_REACH * sum(config.synthesis_coarse_blocks) + GATE_REACH),
        synthesis_fine=_even(-(-BLOCK_REACH * config.synthesis_fine_blocks // 2)),
        synthesis_pixels=-(-drawn // 2),
    )


def _even(reach: int) -> int:
    """Windows begin and end where a value of z_J does."""
    return reach + reach % 2
