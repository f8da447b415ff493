"""Muon for the matrices of the network, Adam for everything else.

Momentum of a matrix is replaced by the nearest matrix whose singular values are equal, so that rare
directions move as far as frequent ones:

    M <- beta M + G
    U V^T ~ G + beta M
    W <- W - rate * 0.2 sqrt(max(rows, columns)) U V^T

The factor gives the update the size that Adam's has, so both share a rate. The nearest matrix comes
from five steps of a Newton-Schulz iteration in bfloat16.

Sources: Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024; the factor:
Liu et al., "Muon is scalable for LLM training", 2025.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor

from jndlic.errors import ParameterError

QUINTIC = (3.4445, -4.7750, 2.0315)  # a, b, c of X <- a X + b (X X^T) X + c (X X^T)^2 X
ITERATIONS = 5
MOMENTUM = 0.95
OPTIMIZERS = ("adam", "muon")
SMALLEST_SIDE = 16  # narrower matrices gain nothing


class Muon(torch.optim.Adam):
    """Adam, but for the parameters of groups that have `matrices=True`.

    Args:
        groups: parameter groups of Adam; those with `matrices=True` hold kernels for which
            `is_matrix` is true.
        options: of Adam.
    """

    def __init__(self, groups: list[dict], **options) -> None:
        super().__init__([{"matrices": False, **group} for group in groups], **options)

    @torch.no_grad()
    def step(self, closure=None):
        """One step; the gradients of the matrices are used up."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if group["matrices"]:
                _move(group, self.state)
        super().step()
        return loss


def check_optimizer(name: str) -> None:
    """Refuses other names than those in OPTIMIZERS by a ParameterError."""
    if name not in OPTIMIZERS:
        raise ParameterError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, got {name!r}")


def is_matrix(parameter: Tensor) -> bool:
    """Whether a parameter is a kernel of a dense convolution, large enough to count as a matrix."""
    return parameter.dim() == 4 and min(len(parameter), parameter.shape[1]) >= SMALLEST_SIDE


def _move(group: dict, state: dict) -> None:
    parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
    wanted = []
    for parameter in parameters:
        own = state[parameter]
        if not own:
            # Adam looks for a step when it loads a state
            own |= {"momentum": torch.zeros_like(parameter), "step": torch.zeros(())}
        own["momentum"].mul_(MOMENTUM).add_(parameter.grad)
        wanted.append(parameter.grad.add(own["momentum"], alpha=MOMENTUM).flatten(1))
        parameter.grad = None
    for parameter, update in zip(parameters, _shared_work(wanted), strict=True):
        rate = group["lr"] * 0.2 * max(update.shape) ** 0.5
        parameter.add_(update.reshape(parameter.shape), alpha=-rate)


def _shared_work(matrices: list[Tensor]) -> list[Tensor]:
    """`orthogonal` of every matrix; processes that train together do a share each, since all have
    the same gradients.
    """
    together = dist.is_available() and dist.is_initialized()
    rank, world = (dist.get_rank(), dist.get_world_size()) if together else (0, 1)
    shares = _shares([tuple(matrix.shape) for matrix in matrices], world)
    updates = [torch.empty_like(matrix, dtype=torch.bfloat16) for matrix in matrices]
    by_shape: dict[torch.Size, list[int]] = {}
    for number in shares[rank]:
        by_shape.setdefault(matrices[number].shape, []).append(number)
    for numbers in by_shape.values():
        for number, update in zip(
            numbers, orthogonal(torch.stack([matrices[number] for number in numbers])), strict=True
        ):
            updates[number].copy_(update)
    if world > 1:
        for owner, numbers in enumerate(shares):
            flat = torch.cat([updates[number].flatten() for number in numbers])
            dist.broadcast(flat.view(torch.uint8), owner)  # not every backend knows bfloat16
            for number, part in zip(
                numbers, flat.split([updates[number].numel() for number in numbers]), strict=True
            ):
                updates[number].copy_(part.view_as(updates[number]))
    return updates


def _shares(shapes: Sequence[Sequence[int]], world: int) -> list[list[int]]:
    """Numbers of the matrices of each process, so that all have about as much to do."""
    costs = [min(shape) ** 2 * (2 * max(shape) + min(shape)) for shape in shapes]
    shares: list[list[int]] = [[] for _ in range(world)]
    load = [0] * world
    for number in sorted(range(len(shapes)), key=lambda number: -costs[number]):
        least = load.index(min(load))
        shares[least].append(number)
        load[least] += costs[number]
    return shares


def orthogonal(matrices: Tensor) -> Tensor:
    """U V^T of each matrix, singular values between 0.7 and 1.2.

    Args:
        matrices: (N, rows, columns), float32.

    Returns:
        The same shape, bfloat16.
    """
    tall = matrices.shape[1] > matrices.shape[2]
    values = matrices.mT if tall else matrices
    values = (values / (values.norm(dim=(1, 2), keepdim=True) + 1e-12)).to(torch.bfloat16)
    a, b, c = QUINTIC
    for _ in range(ITERATIONS):
        square = values @ values.mT
        values = a * values + (b * square + c * square @ square) @ values
    return values.mT if tall else values
