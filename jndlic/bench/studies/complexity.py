"""How much the network computes: multiply-accumulates per pixel, and parameters, of each part.

Counted on real passes through the codec with forward hooks, so padding, both branches of the
analysis and layers that run more than once are all in. Only products of convolutions and linear
layers count; activations, gates and shuffles do not.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from jndlic.format.phases import to_phases
from jndlic.format.symbols import Symbols
from jndlic.network.codec import Codec
from jndlic.network.hyperprior import table_index
from jndlic.network.integer import IntegerConv2d
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


def run_decoder(codec: Codec, symbols: Symbols, quality: int, height: int, width: int) -> None:
    """Every network that decoding needs, as often as it needs it."""
    z_jnd, z, k = (torch.from_numpy(values)[None].float() for values in symbols[:3])
    level = torch.full((1, *z_jnd.shape[2:]), quality)
    step_index = codec.step_net(z_jnd, level)
    chosen, known = to_phases(table_index(codec.scale_net(z, level), step_index)), to_phases(k)
    for phase in range(len(known)):
        codec.scale_context(phase, chosen, known[:phase])
    codec.synthesise(*symbols[:3], step_index[0].numpy(), quality, height, width)


def complexity(codec: Codec, height: int = 512, width: int = 768, quality: int = 50) -> Complexity:
    """Count one encoding and one decoding.

    Args:
        codec: any weights; the counts depend on its sizes alone.
        height, width: of the picture that is counted, in pixels. Padding to multiples of 64 is part
            of the work.
        quality: 1..100.

    Returns:
        Counts per pixel of the picture.
    """
    image = torch.full((1, 3, height, width), 128.0)
    with _counted(codec) as encoder:
        symbols = codec.quantise(codec.analyse(image, torch.ones_like(image)), quality)
    with _counted(codec) as decoder:
        run_decoder(codec, symbols, quality, height, width)
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

    def count(
        part: str, layer: nn.Conv2d | nn.Linear | IntegerConv2d, _: object, output: Tensor
    ) -> None:
        macs[part] += output.numel() * _products(layer)

    handles = [
        layer.register_forward_hook(partial(count, part))
        for part, child in codec.named_children()
        for layer in child.modules()
        if isinstance(layer, (nn.Conv2d, nn.Linear, IntegerConv2d))
    ]
    try:
        yield macs
    finally:
        for handle in handles:
            handle.remove()


def _products(layer: nn.Conv2d | nn.Linear | IntegerConv2d) -> int:
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
        parser.error(f"--size wants WIDTHxHEIGHT, got {options.size!r}")
    counts = complexity(load_torch_codec(options.weights).network, height, width)
    print(format_table(counts))
    return 0 if counts.within_budget else 1
