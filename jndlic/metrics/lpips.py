"""LPIPS, the learned perceptual distance, on the SqueezeNet 1.1 trunk: a training term and a
metric.

Source: Zhang, Isola, Efros, Shechtman, Wang, "The Unreasonable Effectiveness of Deep Features as
a Perceptual Metric", CVPR 2018, version 0.1. The calibrated linear layers come with the `lpips`
package; the trunk is a separate file.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from jndlic.errors import ParameterError, WeightsError
from jndlic.metrics.pairs import check_pair
from jndlic.tensors import to_batch

LPIPS_SQUEEZE = "lpips-squeeze"
WEIGHTS_VARIABLE = "JNDLIC_LPIPS_WEIGHTS"

_HOW_TO_GET = f"""Name it by --lpips-weights FILE or the environment variable {WEIGHTS_VARIABLE}.
It is torchvision's SqueezeNet 1.1 without its classifier; this writes it to squeeze.pth:
  python -c "import torch, torchvision.models as m; torch.save(
    m.squeezenet1_1(weights='DEFAULT').features.state_dict(), 'squeeze.pth')\""""


class LPIPS(nn.Module):
    """LPIPS v0.1, SqueezeNet: how different two pictures look; 0 for equal ones, lower is better.

    The module is frozen and always in evaluation mode. Features are compared in float32 whatever
    the trunk computes in.

    Args:
        weights: file with the SqueezeNet trunk in torchvision's layout; None: the file that the
            environment variable JNDLIC_LPIPS_WEIGHTS names.
        full_precision: the trunk ignores an enclosing autocast and computes in float32: for
            reports, and on processors without bfloat16 instructions also faster.

    Raises:
        WeightsError: the file is absent, unreadable or not a SqueezeNet 1.1 trunk, or the `lpips`
            package is missing.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, weights: str | Path | None = None, full_precision: bool = False) -> None:
        super().__init__()
        self.full_precision = full_precision
        trunk = load_trunk(weights)
        try:
            import lpips
        except ImportError as error:
            raise WeightsError(
                "LPIPS needs the `lpips` package: pip install 'jndlic[train]'"
            ) from error
        with warnings.catch_warnings():  # lpips uses a spelling that torchvision deprecates
            warnings.simplefilter("ignore", UserWarning)
            package: Any = lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False)
        self.slices = nn.ModuleList(
            getattr(package.net, f"slice{n}") for n in range(1, package.net.N_slices + 1)
        )
        for piece in self.slices:
            for number, layer in piece.named_children():
                _copy(layer, number, trunk)
        # A linear layer per slice weighs the channels; its dropout serves lpips's own training.
        self.channel_weights = nn.ParameterList(
            linear.model[-1].weight.flatten() for linear in package.lins
        )
        self.register_buffer("shift", package.scaling_layer.shift.clone())
        self.register_buffer("scale", package.scaling_layer.scale.clone())
        self.requires_grad_(False)
        self.eval()
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def train(self, mode: bool = True) -> LPIPS:
        """Stays in evaluation mode, whatever the module that holds this one does."""
        return super().train(False)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Distance of each pair of pictures; it does not matter which of them is the reference.

        Args:
            a, b: (B, 3, H, W), RGB 0..255, H and W at least 32. One of them may need gradients;
                the features of the other are computed without.

        Returns:
            (B,) float32.

        Raises:
            ParameterError: both pictures need gradients.
        """
        if a.requires_grad and b.requires_grad:
            raise ParameterError("LPIPS gives gradients to one picture only; detach the other.")
        if a.requires_grad:
            a, b = b, a
        with torch.no_grad():
            references = [_unit_length(feature.float())[0] for feature in self._features(a)]
        total = torch.zeros(b.shape[0], device=b.device)
        with torch.autocast(b.device.type, enabled=False):
            for reference, feature, weight in zip(
                references, self._features(b), self.channel_weights
            ):
                plane = _WeightedDistance.apply(feature.float(), reference, weight)
                total = total + plane.mean(dim=(1, 2))
        return total

    def _features(self, image: Tensor) -> list[Tensor]:
        """The seven feature maps of a picture (B, 3, H, W) in 0..255, channels last."""
        precision: contextlib.AbstractContextManager = contextlib.nullcontext()
        if self.full_precision:
            precision = torch.autocast(image.device.type, enabled=False)
        x = ((image.float() / 127.5 - 1) - self.shift) / self.scale
        x = x.contiguous(memory_format=torch.channels_last)
        features = []
        with precision:
            for piece in self.slices:
                x = piece(x)
                features.append(x)
        return features


def lpips_squeeze(
    weights: str | Path | None = None, device: str = "cpu"
) -> Callable[[np.ndarray, np.ndarray], float]:
    """LPIPS v0.1 in float32 of uint8 pictures (H, W, 3): 0 for equal ones, lower is better.

    Args:
        weights: file of the trunk; None: the one that JNDLIC_LPIPS_WEIGHTS names.
        device: where the network runs.

    Returns:
        The metric, for sides of at least 32 pixels: the network is loaded once.

    Raises:
        WeightsError: there is no such file, or `lpips` is not installed.
    """
    network = LPIPS(weights, full_precision=True).to(device)

    def distance(reference: np.ndarray, distorted: np.ndarray) -> float:
        check_pair(reference, distorted)
        with torch.inference_mode():
            return float(network(to_batch(reference).to(device), to_batch(distorted).to(device)))

    return distance


class _WeightedDistance(torch.autograd.Function):
    """Sum over channels of w (u - reference)^2 with u the unit-length feature: a (B, H, W) plane.

    The first slices have large maps, and passes over memory cost more than the trunk's
    convolutions: the derivative written by hand needs half as many as the recorded one.
    """

    @staticmethod
    def forward(ctx, feature: Tensor, reference: Tensor, weight: Tensor) -> Tensor:
        unit, length = _unit_length(feature)
        difference = unit - reference
        ctx.save_for_backward(unit, length, difference, weight)
        return difference.square().movedim(1, -1) @ weight

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        unit, length, difference, weight = ctx.saved_tensors
        by_unit = difference.mul(weight[:, None, None]).mul_(2 * gradient.unsqueeze(1))
        # Only the part that is perpendicular to a vector changes its direction.
        along = (by_unit * unit).sum(dim=1, keepdim=True)
        return by_unit.addcmul_(unit, along, value=-1).div_(length), None, None


def _unit_length(feature: Tensor) -> tuple[Tensor, Tensor]:
    """Scales every pixel's feature vector (B, C, H, W) to length 1; also gives the length."""
    length = torch.linalg.vector_norm(feature, dim=1, keepdim=True) + 1e-10
    return feature / length, length


def load_trunk(weights: str | Path | None) -> dict[str, Tensor]:
    """Reads the trunk file: tensors by torchvision's names, "0.weight" and so on.

    Raises:
        WeightsError: no file is named, it is absent, or it holds something else than tensors.
    """
    named = weights or os.environ.get(WEIGHTS_VARIABLE)
    if not named:
        raise WeightsError(f"LPIPS needs its trunk, and no file was named. {_HOW_TO_GET}")
    if not Path(named).is_file():
        raise WeightsError(f"There is no LPIPS trunk at {named}. {_HOW_TO_GET}")
    try:
        state = torch.load(named, map_location="cpu", weights_only=True)  # never unpickle code
        return {name.removeprefix("features."): value for name, value in state.items()}
    except Exception as error:  # torch.load documents no exception types for damaged files
        raise WeightsError(
            f"{named} is not a file of LPIPS trunk weights: {error}. {_HOW_TO_GET}"
        ) from error


def _copy(layer: nn.Module, number: str, trunk: dict[str, Tensor]) -> None:
    """Fills one layer of the trunk from the tensors named "number.*" in the file."""
    prefix = number + "."
    state = {
        name.removeprefix(prefix): value for name, value in trunk.items() if name.startswith(prefix)
    }
    try:
        layer.load_state_dict(state)
    except RuntimeError as error:
        raise WeightsError(
            f"The LPIPS trunk file does not hold SqueezeNet 1.1: {error}. {_HOW_TO_GET}"
        ) from error
