"""Muon: the nearest matrix of equal singular values, its size, and who moves what."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from jndlic.errors import ParameterError
from jndlic.training.codec.module import CodecTraining
from jndlic.training.muon import Muon, is_matrix, orthogonal


@pytest.mark.parametrize("shape", [(3, 40, 24), (2, 24, 40), (1, 32, 32)])
def test_orthogonal_keeps_the_singular_vectors_and_evens_the_values(
    shape: tuple[int, int, int],
) -> None:
    torch.manual_seed(0)
    matrices = torch.randn(shape)
    u, _, v = torch.linalg.svd(matrices, full_matrices=False)
    found = u.mT @ orthogonal(matrices).float() @ v.mT
    values = found.diagonal(dim1=1, dim2=2)
    assert values.min() > 0.4 and values.max() < 1.4
    assert (found - torch.diag_embed(values)).abs().max() < 0.1


def test_muon_moves_rare_directions_as_far_as_frequent_ones() -> None:
    weight = torch.nn.Parameter(torch.zeros(32, 16, 1, 1))
    bias = torch.nn.Parameter(torch.zeros(3))
    optimiser = Muon(
        [{"params": [bias], "lr": 0.1}, {"params": [weight], "lr": 0.1, "matrices": True}]
    )
    gradient = torch.zeros(32, 16)
    gradient.fill_diagonal_(1.0)
    gradient[0, 0] = 100.0
    weight.grad, bias.grad = gradient.reshape(32, 16, 1, 1).clone(), torch.tensor([1.0, -1.0, 0.0])
    optimiser.step()
    moved = -weight.detach().flatten(1).diagonal()
    assert moved[0] / moved[1] < 3.0
    torch.testing.assert_close(bias.detach(), torch.tensor([-0.1, 0.1, 0.0]), rtol=1e-3, atol=1e-6)


def test_update_has_the_size_of_adams() -> None:
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.zeros(64, 32, 1, 1))
    optimiser = Muon([{"params": [weight], "lr": 0.1, "matrices": True}])
    weight.grad = torch.randn_like(weight)
    optimiser.step()
    assert 0.1 < float(weight.detach().square().mean().sqrt()) / 0.1 < 0.4


def test_state_survives_a_checkpoint() -> None:
    torch.manual_seed(0)
    weights = [torch.nn.Parameter(torch.ones(32, 16, 1, 1)) for _ in range(2)]
    gradients = torch.randn(3, 32, 16, 1, 1)
    optimisers = [Muon([{"params": [weight], "lr": 0.1, "matrices": True}]) for weight in weights]
    for gradient in gradients[:2]:
        weights[0].grad = gradient.clone()
        optimisers[0].step()
    optimisers[1].load_state_dict(copy.deepcopy(optimisers[0].state_dict()))
    with torch.no_grad():
        weights[1].copy_(weights[0])
    for weight, optimiser in zip(weights, optimisers, strict=True):
        weight.grad = gradients[2].clone()
        optimiser.step()
    assert torch.equal(*weights)


def _step(rank: int, world: int, meeting: str, out: str) -> None:
    if world > 1:
        torch.distributed.init_process_group(
            "gloo", init_method=f"file://{meeting}", rank=rank, world_size=world
        )
    torch.manual_seed(0)
    shapes = ((32, 16, 1, 1), (16, 16, 3, 3), (32, 16, 1, 1), (48, 24, 1, 1))
    weights = [torch.nn.Parameter(torch.zeros(shape)) for shape in shapes]
    optimiser = Muon([{"params": weights, "lr": 0.1, "matrices": True}])
    for _ in range(2):
        for weight in weights:
            weight.grad = torch.randn_like(weight)
        optimiser.step()
    torch.save([weight.detach() for weight in weights], f"{out}-{world}-{rank}")
    if world > 1:
        torch.distributed.destroy_process_group()


def test_processes_share_the_work_and_get_the_same_weights(tmp_path: Path) -> None:
    out = str(tmp_path / "weights")
    _step(0, 1, "", out)
    torch.multiprocessing.spawn(_step, (2, str(tmp_path / "meeting"), out), nprocs=2)
    alone, first, second = (torch.load(f"{out}-{name}") for name in ("1-0", "2-0", "2-1"))
    for one, other, another in zip(alone, first, second, strict=True):
        torch.testing.assert_close(one, other, rtol=0.02, atol=1e-3)
        assert torch.equal(other, another)


def test_integer_networks_stay_with_adam() -> None:
    training = CodecTraining(optimizer="muon", lpips_weight=0.0)
    chosen = {id(parameter) for parameter in training.matrices()}
    names = {
        name for name, parameter in training.codec.named_parameters() if id(parameter) in chosen
    }
    assert "synthesis.up.weight" in names and "analysis.stem.weight" in names
    assert not any(name.startswith(("scale_net", "step_net", "scale_context")) for name in names)
    assert not any("spatial" in name for name in names)  # depthwise
    assert all(is_matrix(dict(training.codec.named_parameters())[name]) for name in names)


def test_unknown_optimiser_is_refused() -> None:
    with pytest.raises(ParameterError, match="optimizer"):
        CodecTraining(optimizer="sgd", lpips_weight=0.0)
