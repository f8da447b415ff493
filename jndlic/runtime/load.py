"""A codec ready for use, from the file of its weights."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from jndlic.errors import WeightsError
from jndlic.runtime.torch_backend import TorchBackend
from jndlic.runtime.weights_file import read_weights
from jndlic.shipped_weights import DEFAULT_WEIGHTS, SUFFIX, shipped_weights


def load_codec(weights: str | Path = DEFAULT_WEIGHTS, device: str = "cpu") -> TorchBackend:
    """A codec ready for use; the same object for the same arguments while the file is unchanged.

    Args:
        weights: path of a .safetensors file, or the name of shipped weights.
        device: where its networks run, as torch names it.

    Raises:
        WeightsError: the file is missing or damaged, or its integer networks could overflow.
    """
    chosen = Path(weights) if str(weights).endswith(SUFFIX) else shipped_weights(str(weights))
    try:
        changed = chosen.stat().st_mtime_ns
    except OSError as error:
        raise WeightsError(f"weights file {chosen}: {error.strerror or error}") from error
    return _load(str(chosen.resolve()), changed, str(device))


@lru_cache(maxsize=4)
def _load(path: str, changed: int, device: str) -> TorchBackend:
    try:
        return TorchBackend(read_weights(path), device)
    except WeightsError as error:
        raise WeightsError(f"weights file {path}: {error}") from error
