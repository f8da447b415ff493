"""Networks that move tables by what was decoded around: start, gradients, and the same integers
frozen.
"""

from __future__ import annotations

import pytest
import torch

from jndlic.format.phases import PHASES
from jndlic.network.config import CodecConfig
from jndlic.network.integer import IntegerConv2d
from jndlic.network.rules import LOG_MAGNITUDE, TABLE_COUNT
from jndlic.training.codec.integer_masters import ScaleContextMaster

SMALL = CodecConfig(latent_channels=12, detail_channels=4)


@pytest.fixture
def trained() -> ScaleContextMaster:
    torch.manual_seed(0)
    context = ScaleContextMaster(SMALL)
    for network in context.passes:
        torch.nn.init.normal_(network[-1].weight, std=0.02)
        torch.nn.init.normal_(network[-1].bias, std=0.02)
    return context


def draw(seed: int = 0) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    torch.manual_seed(seed)
    shape = (2, SMALL.latent_channels, 5, 6)
    tables = [torch.randint(0, TABLE_COUNT, shape).float() for _ in PHASES]
    return tables, [torch.randint(-20, 21, shape).float() for _ in PHASES]


def test_starts_without_effect() -> None:
    tables, symbols = draw()
    context = ScaleContextMaster(SMALL)
    for phase in range(4):
        assert torch.equal(context(phase, tables, symbols[:phase]), tables[phase])


def test_frozen_networks_give_the_same_tables(trained: ScaleContextMaster) -> None:
    frozen = trained.freeze(SMALL)
    assert sum(isinstance(layer, IntegerConv2d) for layer in frozen.modules()) == 6
    tables, symbols = draw()
    symbols[0][0, 0, 0, 0] = 2.0**20
    for phase in range(4):
        wanted = trained(phase, tables, symbols[:phase])
        assert torch.equal(frozen(phase, tables, symbols[:phase]), wanted)
        assert wanted.min() >= 0 and wanted.max() < TABLE_COUNT
        assert torch.equal(wanted, wanted.round())
        assert (phase == 0) == torch.equal(wanted, tables[phase])


def test_sees_earlier_phases_only(trained: ScaleContextMaster) -> None:
    tables, symbols = draw()
    for phase in range(1, 4):
        later = [*symbols[:phase], *(part + 5 for part in symbols[phase:])]
        assert torch.equal(trained(phase, tables, later), trained(phase, tables, symbols))
        changed = [*symbols[: phase - 1], -symbols[phase - 1] * 2, *symbols[phase:]]
        assert not torch.equal(trained(phase, tables, changed), trained(phase, tables, symbols))


def test_gradients_reach_table_and_network(trained: ScaleContextMaster) -> None:
    tables, symbols = draw()
    tables[2] = (20.0 + tables[2] % 20).requires_grad_()
    trained(2, tables, symbols).sum().backward()
    assert tables[2].grad.min() == 1.0 == tables[2].grad.max()
    assert trained.passes[1][0].weight.grad.abs().max() > 0
    assert trained.passes[0][0].weight.grad is None


def test_log_magnitude_follows_the_logarithm() -> None:
    wanted = [4.0 * torch.log2(torch.tensor(1.0 + k)).item() for k in range(len(LOG_MAGNITUDE))]
    assert all(abs(have - want) < 0.6 for have, want in zip(LOG_MAGNITUDE, wanted))
