"""A codec ready for use, from the file of its weights."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from jndlic.choices import AUTO, BACKENDS, ONNX, TORCH
from jndlic.errors import ParameterError, UnsupportedError, WeightsError
from jndlic.runtime.weights_file import Weights, read_weights
from jndlic.shipped_weights import DEFAULT_WEIGHTS, SUFFIX, shipped_weights

if TYPE_CHECKING:
    from jndlic.runtime.backend import Backend
    from jndlic.runtime.torch_backend import TorchBackend

CPU = "cpu"


def load_codec(
    weights: str | Path = DEFAULT_WEIGHTS, device: str = CPU, backend: str = AUTO
) -> Backend[Any]:
    """A codec ready for use; the same object for the same arguments while the file is unchanged.

    Args:
        weights: path of a .safetensors file, or the name of shipped weights.
        device: where its networks run: "cpu", or what torch names "cuda", "mps" and the like.
        backend: "onnx" (ONNX Runtime, CPU only), "torch", or "auto": onnx on a CPU where it is
            installed and the weights have graphs, else torch.

    Raises:
        ParameterError: there is no such device or backend.
        UnsupportedError: the library that it needs is not installed.
        WeightsError: the file is missing or damaged, or its integer networks could overflow.
    """
    chosen = Path(weights) if str(weights).endswith(SUFFIX) else shipped_weights(str(weights))
    if backend not in BACKENDS:
        raise ParameterError(f"no backend {backend!r}; there are {', '.join(BACKENDS)}")
    if backend == ONNX and device != CPU:
        raise ParameterError(f"backend onnx runs on cpu only; device {device!r} needs torch")
    try:
        changed = chosen.stat().st_mtime_ns
    except OSError as error:
        raise WeightsError(f"weights file {chosen}: {error.strerror or error}") from error
    return _load(str(chosen.resolve()), changed, str(device), backend)


def load_torch_codec(weights: str | Path = DEFAULT_WEIGHTS, device: str = CPU) -> TorchBackend:
    """The same by torch, for those who need its modules."""
    return cast("TorchBackend", load_codec(weights, device, TORCH))


@lru_cache(maxsize=4)
def _load(path: str, changed: int, device: str, backend: str) -> Backend[Any]:
    try:
        read = read_weights(path)
        if backend == AUTO:
            backend = ONNX if device == CPU and read.graphs and find_spec("onnxruntime") else TORCH
        return _onnx(read) if backend == ONNX else _torch(read, device)
    except WeightsError as error:
        raise WeightsError(f"weights file {path}: {error}") from error


def _onnx(weights: Weights) -> Backend[Any]:
    try:
        from jndlic.runtime.onnx_backend import OnnxBackend
    except ModuleNotFoundError as error:
        raise UnsupportedError(
            f"backend onnx needs the package {error.name}: pip install onnxruntime"
        ) from None
    return OnnxBackend(weights)


def _torch(weights: Weights, device: str) -> Backend[Any]:
    try:
        import torch
    except ModuleNotFoundError:
        raise UnsupportedError(
            f"device {device} needs torch, which is not installed: pip install 'jndlic[torch]'"
            if device != CPU
            else "no runtime is installed: pip install onnxruntime, or 'jndlic[torch]'"
        ) from None
    from jndlic.runtime.torch_backend import TorchBackend

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        # torch's words for "no such device", first line only
        raise ParameterError(f"device {device}: {str(error).splitlines()[0]}") from None
    return TorchBackend(weights, device)
