"""Least squares for the layers that paint pixels, at the end of a training.

    decoded crops ─► what each layer saw, what is still wrong with the picture it painted into
                     ─► the change of its weights that leaves the least weighted squared error

Layers whose output is added to the picture: the head at 1/8, that of the stage at 1/4, the path for
detail at 1/16. Descent leaves errors there that follow linearly from what these layers see, at fine
qualities most, where such errors are small beside the noise of a step; sums over many crops find
them at once. What comes after them (the adaptive filter) is taken as it is.
"""

from __future__ import annotations

import argparse
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from jndlic.console import run_command
from jndlic.format.grid import JND_STRIDE, LATENT_STRIDE
from jndlic.network.pixel_stage import STRIDE
from jndlic.network.quality import quality_plane
from jndlic.network.rules import STEM_STRIDE
from jndlic.network.synthesis import Synthesis
from jndlic.training.codec.export import (
    check_name,
    metrics_of,
    save_masters,
    save_weights,
    sizes_of,
)
from jndlic.training.codec.loss import balance, rate_distortion_weight
from jndlic.training.codec.module import CodecTraining
from jndlic.training.photos.data import PhotoData

CROPS_A_BATCH = 4
CROP_SIZE = 256
SLACK = 1e-3
"""Of the energy of each input, added to it: what few places have seen changes little."""

STRENGTH = 0.7
"""Of the change: squared error alone asks for all of it, and LPIPS pays (docs/training.md)."""


class Painter(NamedTuple):
    """A convolution whose output, shuffled, is added to the picture."""

    layer: nn.Conv2d
    stride: int
    """Pixels of a side that one place paints."""


class _Sums(NamedTuple):
    """Normal equations of a layer."""

    products: Tensor
    """(K, K) float64, K inputs and a one."""
    targets: Tensor
    """(K, outputs)."""


def painters(synthesis: Synthesis) -> dict[str, Painter]:
    """The layers by name, in the order in which they are best polished."""
    found = {"head": Painter(synthesis.head, STEM_STRIDE)}
    if synthesis.pixels is not None:
        found["pixels"] = Painter(synthesis.pixels.head, STRIDE)
    found["detail"] = Painter(synthesis.detail, LATENT_STRIDE)
    return found


def polish(
    module: CodecTraining,
    painter: Painter,
    batches: Iterable[tuple[Tensor, Tensor]],
    strength: float = STRENGTH,
) -> float:
    """Change a layer's weights; nothing else.

    Args:
        module: that the layer is a part of; on the CPU.
        painter: the layer.
        batches: crops and qualities, as for CodecTraining.loss.
        strength: share of the change of least error.

    Returns:
        Share of the squared error of these crops, weighted as in the loss, that the change would
        take away if nothing came after the layer.
    """
    layer = painter.layer
    inputs = layer.weight[0].numel() + 1
    products = torch.zeros(inputs, inputs, dtype=torch.float64)
    sums = _Sums(products, products.new_zeros(inputs, layer.out_channels))
    energy = 0.0
    with torch.no_grad(), _watched(module.codec.synthesis, layer) as seen:
        for crops, quality in batches:
            module.loss((crops, quality))
            error = crops / 255.0 - (seen["image"].float().clamp(0.0, 255.0) / 255.0)
            weight = _place_weights(
                quality, crops.shape[-2:], painter.stride, module.hparams.balance_strength
            )
            rows = _rows(layer, seen["input"].float()) * weight.sqrt()[:, None]
            wanted = functional.pixel_unshuffle(error, painter.stride).movedim(1, -1)
            wanted = wanted.reshape(-1, layer.out_channels) * weight.sqrt()[:, None]
            sums.products.add_((rows.mT @ rows).double())
            sums.targets.add_((rows.mT @ wanted).double())
            energy += wanted.square().sum().item()
        change = torch.linalg.solve(
            sums.products + SLACK * torch.diag(sums.products.diagonal().clamp(min=1e-12)),
            sums.targets,
        )
        taken = 2.0 * change * sums.targets - change * (sums.products @ change)
        change = strength * change.float()
        layer.weight.add_(change[:-1].mT.reshape(layer.weight.shape))
        layer.bias.add_(change[-1])  # pyright: ignore[reportOptionalMemberAccess]
    return taken.sum().item() / energy


@contextmanager
def _watched(synthesis: Synthesis, layer: nn.Conv2d) -> Generator[dict[str, Tensor]]:
    """What a pass through the codec showed a layer ("input"), and drew ("image")."""
    seen: dict[str, Tensor] = {}

    def drawn(_: nn.Module, __: object, image: Tensor) -> None:
        seen["image"] = image

    hooks = [
        layer.register_forward_pre_hook(lambda _, given: seen.update(input=given[0])),
        synthesis.register_forward_hook(drawn),
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _rows(layer: nn.Conv2d, values: Tensor) -> Tensor:
    """What a layer sees at each place, and a one: (B h w, K)."""
    sides, around = layer.kernel_size, layer.padding
    planes = functional.unfold(values, sides, padding=around)  # pyright: ignore[reportArgumentType]
    rows = planes.mT.flatten(0, 1)
    return torch.cat((rows, torch.ones_like(rows[:, :1])), 1)


def _place_weights(
    quality: Tensor, shape: Iterable[int], stride: int, balance_strength: float
) -> Tensor:
    """What squared error counts in the loss at each place of a stride: (B h w,)."""
    height, width = shape
    plane = quality_plane(quality, height // JND_STRIDE, width // JND_STRIDE)
    weight = rate_distortion_weight(plane)
    weight = weight * balance(weight, balance_strength)[:, None, None]
    return functional.interpolate(weight[:, None], (height // stride, width // stride)).flatten()


def main(argv: list[str] | None = None) -> int:
    """Command line: weights in, weights with polished layers out."""
    parser = argparse.ArgumentParser(
        description="end a training: least squares for the layers that paint pixels"
    )
    parser.add_argument("folders", nargs="+", help="photos")
    parser.add_argument("--weights", type=Path, required=True, help="with masters/ beside it")
    parser.add_argument("--output", type=Path, required=True, help="the .safetensors to write")
    parser.add_argument("--name", default="base", help="of the model (default: %(default)s)")
    parser.add_argument(
        "--crops",
        type=int,
        default=600,
        help="of 256 x 256 pixels, for each layer (default: %(default)s)",
    )
    parser.add_argument(
        "--strength",
        type=float,
        default=STRENGTH,
        help="share of the change of least error, 0 to 1 (default: %(default)s)",
    )
    options = parser.parse_args(argv)
    if options.crops < CROPS_A_BATCH:
        parser.error(f"--crops must be at least {CROPS_A_BATCH}")
    if not 0.0 <= options.strength <= 1.0:
        parser.error("--strength must be 0 to 1")
    return run_command("polish", lambda: _run(options))


def _run(options: argparse.Namespace) -> None:
    check_name(options.name)
    torch.manual_seed(0)
    module = CodecTraining(
        sizes_of(options.weights), start_from=str(options.weights), lpips_weight=0.0
    ).eval()
    count = options.crops // CROPS_A_BATCH
    data = PhotoData(options.folders, CROP_SIZE, CROPS_A_BATCH, steps_per_epoch=count)
    data.setup("fit", torch.device("cpu"))
    for name, painter in painters(module.codec.synthesis).items():
        batches = islice(data.train_dataloader(), count)
        taken = polish(module, painter, batches, options.strength)
        print(f"{name}: {taken:.1%} of the weighted squared error", flush=True)
    save_masters(module.state_dict(), options.output)
    metrics = metrics_of(options.weights)
    print(save_weights(module.codec, module.entropy, options.output, options.name, metrics))
