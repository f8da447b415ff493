"""How much the network computes: multiply-accumulates per pixel, and parameters, of each part.

Counted on real passes through the codec with forward hooks, so padding, both branches of the
analysis and layers that run more than once are all in. Only products of convolutions and linear
layers count; activations, gates and shuffles do not.

torch.utils.flop_counter counts the same in all, but names a layer by the stage that was called and
not by the part of the codec that it belongs to.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from jndlic.format.grid import HYPER_STRIDE, JND_STRIDE, padded_size
from jndlic.format.phases import PHASES
from jndlic.network.adaptive_filter import FilterBank
from jndlic.network.codec import Codec
from jndlic.network.integer import IntegerConv2d
from jndlic.network.robust_filter import RobustBank, SmallDifferences
from jndlic.network.stages import stages
from jndlic.runtime.load import load_torch_codec
from jndlic.shipped_weights import DEFAULT_WEIGHTS

ANALYSIS_BUDGET = 100.0
"""kMAC/px that the analysis of image and JND map together may take."""

DECODER_BUDGET = 60.0
"""kMAC/px that everything the decoder runs may take."""


class Part(NamedTuple):
    """One top-level part of the codec."""

    name: str
    encoder: float
    """kMAC/px when encoding."""
    decoder: float
    """kMAC/px when decoding."""
    parameters: int
    """Numbers stored in the weights file, integer networks included."""


class Complexity(NamedTuple):
    """The whole codec."""

    parts: list[Part]

    @property
    def analysis(self) -> float:
        """kMAC/px of the analysis, image and map branches together."""
        return sum(part.encoder for part in self.parts if part.name == "analysis")

    @property
    def decoder(self) -> float:
        """kMAC/px of everything that the decoder runs."""
        return sum(part.decoder for part in self.parts)

    @property
    def within_budget(self) -> bool:
        """Whether both budgets hold."""
        return self.analysis <= ANALYSIS_BUDGET and self.decoder <= DECODER_BUDGET


Counted = nn.Conv2d | nn.Linear | IntegerConv2d | FilterBank | SmallDifferences | RobustBank
"""Layers that multiply; the rest is small beside them."""

ENCODER_STAGES = "analysis-fine", "analysis-coarse", "latent", "hyper"
DECODER_STAGES = "synthesis-coarse", "synthesis-fine", "synthesis-pixels"


def run_encoder(codec: Codec, height: int, width: int) -> None:
    """Every network that encoding needs, as often as it needs it, on a picture of zeros."""
    _run(codec, ENCODER_STAGES, height, width)
    _run_context(codec, height, width)


def run_decoder(codec: Codec, height: int, width: int) -> None:
    """The same of decoding."""
    _run_context(codec, height, width)
    _run(codec, DECODER_STAGES, height, width)


def _run_context(codec: Codec, height: int, width: int) -> None:
    """What chooses tables, steps and means: both sides run it."""
    height, width = padded_size(height), padded_size(width)
    level = torch.full((1, height // JND_STRIDE, width // JND_STRIDE), 50)
    z_jnd = torch.zeros(1, codec.config.jnd_channels, *level.shape[1:])
    z = torch.zeros(1, codec.config.hyper_channels, height // HYPER_STRIDE, width // HYPER_STRIDE)
    codec.step_net(z_jnd, level)
    codec.scale_net(z, level)
    phases = [torch.zeros(1, codec.config.latent_channels, *level.shape[1:])] * len(PHASES)
    for phase in range(len(PHASES)):
        codec.scale_context(phase, phases, phases[:phase])
    _run(codec, ("hidden", *(f"mean-{phase}" for phase in range(len(PHASES)))), height, width)


def _run(codec: Codec, names: Sequence[str], height: int, width: int) -> None:
    every = stages(codec)
    for name in names:
        sizes = padded_size(height), padded_size(width)
        every[name].module(*(entry.zeros(*sizes) for entry in every[name].inputs))


@torch.inference_mode()
def complexity(codec: Codec, height: int = 512, width: int = 768) -> Complexity:
    """Count one encoding and one decoding, in one piece; windows of a large picture overlap a
    little.

    Args:
        codec: any weights; the counts depend on its sizes alone.
        height, width: of the picture that is counted, in pixels. Padding to multiples of 64 is part
            of the work.

    Returns:
        Counts per pixel of the picture.
    """
    with _counted(codec) as encoder:
        run_encoder(codec, height, width)
    with _counted(codec) as decoder:
        run_decoder(codec, height, width)
    thousand_pixels = 1000.0 * height * width
    return Complexity(
        [
            Part(
                name,
                encoder[name] / thousand_pixels,
                decoder[name] / thousand_pixels,
                stored_numbers(module),
            )
            for name, module in codec.named_children()
        ]
    )


def stored_numbers(module: nn.Module) -> int:
    """How many numbers a module keeps in the weights file; integer layers keep theirs in
    buffers.
    """
    return sum(values.numel() for values in module.state_dict().values())


@contextmanager
def _counted(codec: Codec) -> Generator[Counter[str], None, None]:
    """Multiply-accumulates by name of the codec's child, while the context is open."""
    macs: Counter[str] = Counter()

    def count(part: str, layer: Counted, _: object, output: Tensor) -> None:
        macs[part] += output.numel() * _products(layer)

    handles = [
        layer.register_forward_hook(partial(count, part))
        for part, child in codec.named_children()
        for layer in child.modules()
        if isinstance(layer, Counted)
    ]
    try:
        yield macs
    finally:
        for handle in handles:
            handle.remove()


def _products(layer: Counted) -> int:
    """Products behind one output number of a layer."""
    if isinstance(layer, nn.Linear):
        return layer.in_features
    rows, columns = layer.kernel_size
    return layer.in_channels // getattr(layer, "groups", 1) * rows * columns


def format_table(counts: Complexity) -> str:
    """The counts as text, one part a line, and the two budgets."""
    lines = [f"{'part':16s} {'encoder':>9s} {'decoder':>9s} {'parameters':>11s}   (kMAC/px)"]
    for part in counts.parts:
        lines.append(
            f"{part.name:16s} {part.encoder:9.2f} {part.decoder:9.2f} {part.parameters:11,d}"
        )
    encoder = sum(part.encoder for part in counts.parts)
    parameters = sum(part.parameters for part in counts.parts)
    lines.append(f"{'total':16s} {encoder:9.2f} {counts.decoder:9.2f} {parameters:11,d}")
    for name, used, budget in (
        ("analysis, both branches", counts.analysis, ANALYSIS_BUDGET),
        ("decoder, all parts", counts.decoder, DECODER_BUDGET),
    ):
        verdict = "within" if used <= budget else "OVER"
        lines.append(f"{name:24s} {used:6.1f} kMAC/px, {verdict} the budget of {budget:.0f}")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Print the table; 1 if a budget is broken."""
    parser = argparse.ArgumentParser(
        description="multiplications per pixel and parameters of each part of the codec"
    )
    parser.add_argument(
        "--weights", default=DEFAULT_WEIGHTS, help="name or path (default: %(default)s)"
    )
    parser.add_argument(
        "--size",
        default="768x512",
        metavar="WxH",
        help="picture that is counted (default: %(default)s)",
    )
    options = parser.parse_args(argv)
    try:
        width, height = (int(side) for side in options.size.split("x"))
    except ValueError:
        parser.error(f"--size takes WIDTHxHEIGHT, got {options.size!r}")
    counts = complexity(load_torch_codec(options.weights).network, height, width)
    print(format_table(counts))
    return 0 if counts.within_budget else 1
