"""CompressAI's networks by the names of its zoo, and their checkpoints here."""

from __future__ import annotations

from pathlib import Path

import torch
from compressai.models import CompressionModel, MeanScaleHyperprior, ScaleHyperprior

from jndlic.errors import ParameterError, WeightsError
from jndlic.runtime import checkpoint

_CLASSES = {"bmshj2018-hyperprior": ScaleHyperprior, "mbt2018-mean": MeanScaleHyperprior}
NAMES = tuple(_CLASSES)
# Tables of counts: they follow from the rest
_BUILT = ("_offset", "_quantized_cdf", "_cdf_length", "scale_table")


def build(
    architecture: str, channels: int, latent_channels: int, start_from: str | Path | None = None
) -> CompressionModel:
    """A network to train.

    Args:
        architecture: one of NAMES.
        channels: N.
        latent_channels: M.
        start_from: checkpoint whose parameters it takes over.

    Raises:
        ParameterError: there is no such architecture.
        WeightsError: the checkpoint is unreadable or of another network.
    """
    if architecture not in _CLASSES:
        raise ParameterError(
            f"architecture must be one of {', '.join(NAMES)}, got {architecture!r}"
        )
    network = _CLASSES[architecture](channels, latent_channels)
    if start_from:
        _fill(network, _read(start_from)["state_dict"], start_from)
    return network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def load(path: str | Path) -> tuple[CompressionModel, str]:
    """A trained network, ready to code, and its architecture's name.

    Args:
        path: .ckpt of `tools/train_baseline.py`.

    Raises:
        WeightsError: it is not one.
    """
    content = _read(path)
    options = content["hyper_parameters"]
    network = _CLASSES[options["architecture"]](options["channels"], options["latent_channels"])
    _fill(network, content["state_dict"], path)
    network.update(force=True)
    return network.eval(), options["architecture"]


def _read(path: str | Path) -> dict:
    content = checkpoint.read(path)
    if content.get("hyper_parameters", {}).get("architecture") not in _CLASSES:
        raise WeightsError(f"{path} is not a checkpoint of tools/train_baseline.py")
    return content


def _fill(network: CompressionModel, state: dict[str, torch.Tensor], source: str | Path) -> None:
    learned = {
        name.removeprefix("network."): value
        for name, value in state.items()
        if not name.endswith(_BUILT)
    }
    try:
        result = torch.nn.Module.load_state_dict(network, learned, strict=False)
    except RuntimeError as error:
        raise WeightsError(f"{source} is of another network: {error}") from error
    lost = [name for name in result.missing_keys if not name.endswith(_BUILT)]
    if lost or result.unexpected_keys:
        raise WeightsError(f"{source} is of another network: {(lost + result.unexpected_keys)[:4]}")
