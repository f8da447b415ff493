"""The networks by torch: on a CPU, or on a GPU where there is one."""

from __future__ import annotations

import os
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
        with _threads():
            tensors = (
                torch.from_numpy(np.ascontiguousarray(values))[None].to(self.network.device)
                for values in inputs
            )
            outputs = self._stages[stage].module(*tensors)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return [values[0].cpu().numpy() for values in outputs]


@contextmanager
def _threads() -> Generator[None, None, None]:
    """As many threads as the caller allows, else torch's own choice.

    Raises:
        MemoryError: the system has no more; torch has no error of its own for that.
    """
    limit, before = current_limit(), torch.get_num_threads()
    torch.set_num_threads(min(limit or before, before))
    try:
        yield
    except RuntimeError as error:
        if "alloc" not in str(error):
            raise
        raise MemoryError(str(error)) from error
    finally:
        torch.set_num_threads(before)


def _after_fork() -> None:
    # OpenMP's other threads are not in a forked child, and whoever waits for them waits for ever
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


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
