"""Muon for the matrices of the network, Adam for everything else.

Momentum of a matrix is replaced by the nearest matrix whose singular values are equal, so that rare directions move as far as frequent ones:

    M <- beta M + G        U V^T ~ G + beta M        W <- W - rate * 0.2 sqrt(max(rows, columns)) U V^T

The factor gives the update the size that Adam's has, so both share a rate. The nearest matrix comes from five steps of a
Newton-Schulz iteration in bfloat16.

Sources: Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024; the factor: Liu et al., "Muon is scalable for LLM
training", 2025.
"""

from __future__ import annotations

import torch
from torch import Tensor

QUINTIC = (3.4445, -4.7750, 2.0315)  # a, b, c of X <- a X + b (X X^T) X + c (X X^T)^2 X
ITERATIONS = 5
MOMENTUM = 0.95
SMALLEST_SIDE = 16  # narrower matrices gain nothing


class Muon(torch.optim.Adam):
    """Adam, but for the parameters of groups that have `matrices=True`.

    Args:
        groups: parameter groups of Adam; those with `matrices=True` hold kernels for which `is_matrix` is true.
        options: of Adam.
    """

    def __init__(self, groups: list[dict], **options) -> None:
        super().__init__([{"matrices": False, **group} for group in groups], **options)

    @torch.no_grad()
    def step(self, closure=None):  # noqa: ANN001, ANN201
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


def is_matrix(parameter: Tensor) -> bool:
    """Whether a parameter is a kernel of a dense convolution, large enough to count as a matrix."""
    return parameter.dim() == 4 and min(len(parameter), parameter.shape[1]) >= SMALLEST_SIDE


def _move(group: dict, state: dict) -> None:
    by_shape: dict[tuple[int, int], list[tuple[Tensor, Tensor]]] = {}
    for parameter in group["params"]:
        if parameter.grad is None:
            continue
        own = state[parameter]
        if not own:
            own |= {"momentum": torch.zeros_like(parameter), "step": torch.zeros(())}  # Adam looks for a step when it loads a state
        momentum = own["momentum"]
        momentum.mul_(MOMENTUM).add_(parameter.grad)
        wanted = parameter.grad.add(momentum, alpha=MOMENTUM).flatten(1)
        by_shape.setdefault(tuple(wanted.shape), []).append((parameter, wanted))
        parameter.grad = None
    for (rows, columns), members in by_shape.items():
        updates = orthogonal(torch.stack([wanted for _, wanted in members]))
        rate = group["lr"] * 0.2 * max(rows, columns) ** 0.5
        for (parameter, _), update in zip(members, updates, strict=True):
            parameter.add_(update.reshape(parameter.shape), alpha=-rate)


def orthogonal(matrices: Tensor) -> Tensor:
    """U V^T of each matrix, singular values between 0.7 and 1.2.

    Args:
        matrices: (N, rows, columns), float32.

    Returns:
        The same shape, float32.
    """
    tall = matrices.shape[1] > matrices.shape[2]
    values = matrices.mT if tall else matrices
    values = (values / (values.norm(dim=(1, 2), keepdim=True) + 1e-12)).to(torch.bfloat16)
    a, b, c = QUINTIC
    for _ in range(ITERATIONS):
        square = values @ values.mT
        values = a * values + (b * square + c * square @ square) @ values
    return (values.mT if tall else values).float()
