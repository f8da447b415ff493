"""Probabilities of the latent symbols."""

from __future__ import annotations

import math

import pytest
import torch

pytest.importorskip("compressai", reason="needs the [train] extra")

from jndlic.format.entropy import tables_from_cdfs
from jndlic.network.rules import TABLE_COUNT
from jndlic.training.codec.mixture import SPREADS, START, ScaleMixture, scale_table


def mass(symbol: float, scale: float) -> float:
    """Normal mass of a symbol's cell."""
    return 0.5 * (
        math.erf((symbol + 0.5) / scale / 2**0.5) - math.erf((symbol - 0.5) / scale / 2**0.5)
    )


def test_scale_table_is_the_grid() -> None:
    table = scale_table()
    assert len(table) == TABLE_COUNT
    assert table[0] == pytest.approx(0.11) and table[-1] == pytest.approx(256.0)


@pytest.mark.parametrize(
    ("symbol", "table"),
    [(0.0, 0.0), (1.0, 3.0), (-2.0, 11.0), (0.37, 20.0), (9.0, 40.0), (-300.0, 63.0)],
)
def test_bits_are_those_of_the_mixture(symbol: float, table: float) -> None:
    model = ScaleMixture()
    scale = scale_table()[int(table)]
    expected = sum(
        w / sum(START) * mass(symbol, min(256.0, scale * spread))
        for w, spread in zip(START, SPREADS)
    )
    bits = model.bits(torch.tensor([symbol]), torch.tensor([table]), model.weights())
    assert bits.item() == pytest.approx(-math.log2(expected), rel=1e-3, abs=1e-5)
    if symbol == abs(symbol) == int(symbol):
        assert model.probabilities(9)[int(table), int(symbol)].item() == pytest.approx(
            expected, rel=1e-6
        )


def test_gradients_move_scales_and_weights() -> None:
    model = ScaleMixture()
    symbols, table = torch.tensor([0.0, 4.0]), torch.tensor([20.0, 20.0], requires_grad=True)
    model.bits(symbols, table, model.weights()).sum().backward()
    # A narrower scale suits the zero, a wider one the four
    assert table.grad[0] > 0 > table.grad[1]
    assert model.logits.grad[20].abs().min() > 0 and not model.logits.grad[:20].any()


def test_tables_hold_the_probabilities() -> None:
    model = ScaleMixture()
    with torch.no_grad():
        model.logits[5:] += 0.01 * torch.randn(
            TABLE_COUNT - 5, len(SPREADS), generator=torch.Generator().manual_seed(0)
        )
    cdfs, lengths, offsets = model.tables()
    tables = tables_from_cdfs(cdfs.numpy(), lengths.numpy(), offsets.numpy())
    assert len(tables) == TABLE_COUNT
    stored, wanted = torch.from_numpy(tables.probabilities(6)), model.probabilities(6)
    held = torch.arange(7)[None, :] <= -offsets[:, None]
    assert held[:, 1].all()
    assert (stored - wanted)[held].abs().max() < 2e-3
    likely = held & (wanted > 1e-3)
    torch.testing.assert_close(stored[likely], wanted[likely], rtol=0.02, atol=2.0**-15)
    for counts, offset in zip(tables.counts, offsets.tolist()):
        assert len(counts) == 2 - 2 * offset  # symmetric, and the escape
        assert counts[-1] / 2**24 < 2e-3  # rounding to 16 bits adds to it in the widest tables
