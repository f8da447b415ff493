"""The networks by torch: on a CPU, or on a GPU where there is one."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from jndlic.errors import WeightsError
from jndlic.network.codec import Codec
from jndlic.network.rules import MAGNITUDES
from jndlic.network.stages import stages
from jndlic.runtime.staged import StagedBackend
from jndlic.runtime.threads import current_limit
from jndlic.runtime.weights_file import Weights


class TorchBackend(StagedBackend):
    """See Backend.

    Args:
        weights: of the networks, and their tables.
        device: where the networks run, as torch names it.

    Raises:
        WeightsError: parameters are missing, unknown or of the wrong shape, or the integer networks
            could overflow.
    """

    def __init__(self, weights: Weights, device: str = "cpu") -> None:
        super().__init__(weights)
        self.network = build_network(weights).to(device)
        self._stages = stages(self.network)

    @torch.inference_mode()
    def run(self, stage: str, *inputs: np.ndarray) -> list[np.ndarray]:
        """See StagedBackend."""
        with _THREADS.limited():
            tensors = (
                torch.from_numpy(np.ascontiguousarray(values))[None].to(self.network.device)
                for values in inputs
            )
            outputs = self._stages[stage].module(*tensors)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return [values[0].cpu().numpy() for values in outputs]


class _Threads:
    """Torch's number of threads, which belongs to the whole process: after each of several windows
    at a time it is what it was before the first of them.
    """

    def __init__(self) -> None:
        self._lock, self._inside, self._usual = threading.Lock(), 0, 1

    @contextmanager
    def limited(self) -> Generator[None, None, None]:
        """As many threads as the caller allows, else torch's own choice.

        Raises:
            MemoryError: the system has no more; torch has no error of its own for that.
        """
        limit = current_limit()
        with self._lock:
            if not self._inside:  # else another window has changed it
                self._usual = torch.get_num_threads()
            self._inside += 1
            torch.set_num_threads(min(limit or self._usual, self._usual))
        try:
            yield
        except RuntimeError as error:
            if "alloc" not in str(error):
                raise
            raise MemoryError(str(error)) from error
        finally:
            with self._lock:
                self._inside -= 1
                torch.set_num_threads(self._usual)

    def after_fork(self) -> None:
        """To be called in the child."""
        # OpenMP's other threads are not there, and whoever waits for them waits for ever
        torch.set_num_threads(1)
        self._lock, self._inside = threading.Lock(), 0


_THREADS = _Threads()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_THREADS.after_fork)


def build_network(weights: Weights) -> Codec:
    """The networks of a weights file, ready for use.

    Args:
        weights: whose integer part WeightsTables has checked.

    Raises:
        WeightsError: parameters are missing, unknown, or of the wrong shape or type.
    """
    codec = Codec(weights.config)
    networks = {name: torch.from_numpy(value) for name, value in weights.networks.items()}
    _check_types(codec.state_dict(), networks)
    codec.load_state_dict(networks)
    codec.rounding.follow(torch.from_numpy(weights.tables_latent.probabilities(MAGNITUDES)))
    codec.requires_grad_(False)
    return codec.eval().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def _check_types(wanted: Mapping[str, Tensor], networks: Mapping[str, Tensor]) -> None:
    """Compare names, shapes and kinds of number with what the configuration asks for."""
    if set(wanted) != set(networks):
        raise WeightsError(f"tensors missing or unknown: {sorted(set(wanted) ^ set(networks))[:4]}")
    for name, value in networks.items():
        if value.shape != wanted[name].shape:
            raise WeightsError(
                f"{name} has shape {list(value.shape)}, not {list(wanted[name].shape)}"
            )
        integer = not wanted[name].is_floating_point()
        if value.dtype != wanted[name].dtype if integer else not value.is_floating_point():
            raise WeightsError(f"{name} has type {value.dtype}")
