"""The networks of a codec, and how they hang together; stages.py cuts them into what is run.

                 ENCODER ONLY             :  INTEGERS  :            BOTH SIDES
    x ─┬─► analysis ─► y ───┬─► hyper ────:─► z ───────:─► scale net S ─┐
       └─► j ──┘       f_J ─┼─► JND head ─:─► z_J ─────:─► step net  d ─┴─► t = clip(S - d, 0, 63)
                            └─────────────:─► k ───────:─► context μ, ŷ = μ + r^d k ─► synthesis
                                          :            :                               ─► x̂

    k = round((y - μ) / r^d), see rdoq.py; S, d and t come from integers only.

The quality, one value for the picture or one for each 32 x 32 pixels, steers every part from y on.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from jndlic.format.symbols import SYMBOL_LIMIT
from jndlic.network.analysis import Analysis
from jndlic.network.config import CodecConfig
from jndlic.network.hyperprior import HyperAnalysis, JndHead, ScaleNet, StepNet
from jndlic.network.mean_context import Context
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


def side_symbols(values: Tensor, median: Tensor) -> Tensor:
    """z or z_J: values less the median of their channel, rounded; float32 that holds integers."""
    return torch.floor(values - median + 0.5).clamp(-SYMBOL_LIMIT, SYMBOL_LIMIT)
