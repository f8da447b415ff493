"""The codec as training has it: float masters for its integer networks, and the cosine start."""

from __future__ import annotations

import torch

from jndlic.network.codec import Codec
from jndlic.network.config import CodecConfig
from jndlic.network.table_refinement import Neighbours
from jndlic.training.codec.dct_init import start_detail, start_from_cosines, start_from_identity
from jndlic.training.codec.depthwise_gradient import use_fast_gradients
from jndlic.training.codec.integer_masters import ScaleContextMaster, ScaleMaster, StepMaster


class CountedNeighbours(Neighbours):
    """Tables that follow from training's counts (table_counts.py) and are no state of their own;
    averaging of weights needs floats.
    """

    def __init__(self) -> None:
        super().__init__()
        for name in ("expected", "refined"):
            self.register_buffer(name, getattr(self, name).to(torch.float32), persistent=False)


def trainable_codec(config: CodecConfig) -> Codec:
    """A codec whose every part can be trained; the names of its parameters are those of the weights
    file where both have them.

    Args:
        config: sizes.
    """
    codec = Codec(config)
    codec.scale_net, codec.step_net = ScaleMaster(config), StepMaster(config)
    codec.scale_context, codec.neighbours = ScaleContextMaster(config), CountedNeighbours()
    analysis, synthesis = codec.analysis, codec.synthesis
    coarse = start_from_cosines(analysis.stem, analysis.down, synthesis.up, synthesis.head)
    detail = start_detail(coarse, analysis.detail, synthesis.detail)
    plain = config.latent_channels - config.detail_channels
    start_from_identity(analysis.head, plain)
    start_from_identity(synthesis.entry, plain)
    codec.scale_net.start(
        [pattern.order for pattern in coarse[:plain]], [pattern.order for pattern in detail]
    )
    use_fast_gradients(codec)
    return codec
