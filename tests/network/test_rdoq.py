"""Rounding that counts bits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from jndlic.network.rdoq import Rounding
from jndlic.network.rules import BIT_PRICE, MAGNITUDES, TABLE_COUNT
from jndlic.runtime.torch_backend import TorchBackend


@pytest.fixture(scope="module")
def probabilities() -> torch.Tensor:
    """Two-sided geometric distributions: nearly sure zeros first, nearly flat ones last."""
    decay = torch.linspace(1e-4, 0.999, TABLE_COUNT, dtype=torch.float64)[:, None]
    return (1 - decay) / (1 + decay) * decay ** torch.arange(MAGNITUDES + 1)


@pytest.fixture(scope="module")
def rounding(probabilities: torch.Tensor) -> Rounding:
    made = Rounding()
    made.follow(probabilities)
    return made


@pytest.mark.parametrize("table", [0, 5, 20, 40, TABLE_COUNT - 1])
def test_the_cheaper_of_two_neighbours_wins(
    rounding: Rounding, probabilities: torch.Tensor, table: int
) -> None:
    # 16: what tables can say
    bits = [min(16.0, -math.log2(probability)) for probability in probabilities[table]]
    ratio = torch.linspace(-MAGNITUDES + 0.013, MAGNITUDES - 0.013, 801)
    symbols = rounding(ratio, torch.full_like(ratio, table))
    for x, chosen in zip(ratio.tolist(), symbols.tolist()):
        lower = math.floor(abs(x))
        costs = [(abs(x) - n) ** 2 + BIT_PRICE * bits[n] for n in (lower, lower + 1)]
        if abs(costs[0] - costs[1]) > 1e-4:
            assert abs(chosen) == lower + (costs[1] < costs[0])
            assert chosen == 0 or (chosen > 0) == (x > 0)


def test_free_bits_mean_the_nearest_integer(probabilities: torch.Tensor) -> None:
    ratio = torch.linspace(-9.3, 9.3, 400)
    free, untold = Rounding(), Rounding()
    free.follow(probabilities, bit_price=0.0)
    for one in (free, untold):
        assert torch.equal(one(ratio, torch.zeros_like(ratio)), ratio.round())


def test_flat_tables_round_to_the_nearest(rounding: Rounding) -> None:
    ratio = torch.tensor([0.49, 0.51, -3.49, -3.51, 1000.51])
    assert rounding(ratio, torch.full_like(ratio, TABLE_COUNT - 1)).tolist() == [
        0.0,
        1.0,
        -3.0,
        -4.0,
        1001.0,
    ]


def test_loaded_weights_bring_their_prices(torch_codec: TorchBackend) -> None:
    thresholds = torch_codec.network.rounding.thresholds.view(TABLE_COUNT, MAGNITUDES)
    tables = torch_codec.tables_latent
    counts, offset = tables.counts[10], int(tables.offsets[10])
    bits = -np.log2(counts[-offset : 2 - offset] / 2**24)
    assert thresholds[10, 0].item() == pytest.approx(
        0.5 + 0.5 * BIT_PRICE * (bits[1] - bits[0]), abs=1e-5
    )
    assert not Rounding().state_dict()  # nothing is stored
