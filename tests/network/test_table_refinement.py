"""Tables that follow the neighbours: the rule against a plain one, segments, and what training
counts.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from jndlic.format.phases import PHASES, to_phases
from jndlic.network.rules import LEVELS, MAGNITUDE_MAX, PRIOR, RATIOS, TABLE_COUNT, UNIT
from jndlic.network.table_refinement import Neighbours
from jndlic.training.codec.trainable import CountedNeighbours

SIDES, CORNERS = [(-1, 0), (1, 0), (0, -1), (0, 1)], [(-1, -1), (-1, 1), (1, -1), (1, 1)]
WEIGHTS = {
    1: dict.fromkeys(CORNERS, 1),
    2: dict.fromkeys(SIDES, 1),
    3: dict.fromkeys(SIDES, 2) | dict.fromkeys(CORNERS, 1),
}
"""Of each phase: (rows down, columns right) of the neighbours and their weights."""


@pytest.fixture
def neighbours() -> Neighbours:
    torch.manual_seed(0)
    made = Neighbours()
    made.expected.copy_(torch.arange(TABLE_COUNT) * 5)
    made.refined.copy_(torch.randint(0, TABLE_COUNT, made.refined.shape))
    return made


def plain(neighbours: Neighbours, phase: int, k: np.ndarray, t: np.ndarray) -> np.ndarray:
    """t' of one phase of (M, h, w), from the formula, latent by latent."""
    top, left = PHASES[phase]
    out = t[:, top::2, left::2].copy()
    channels, rows, columns = k.shape
    for channel, i, j in np.ndindex(out.shape):
        row, column = 2 * i + top, 2 * j + left
        around = usual = 0
        for (down, right), weight in WEIGHTS[phase].items():
            y, x = row + down, column + right
            if 0 <= y < rows and 0 <= x < columns:
                around += weight * min(abs(int(k[channel, y, x])), MAGNITUDE_MAX)
                usual += weight * int(neighbours.expected[int(t[channel, y, x])])
        level = sum(16 * (UNIT * around + PRIOR) >= ratio * (usual + PRIOR) for ratio in RATIOS)
        out[channel, i, j] = neighbours.refined[phase - 1, int(t[channel, row, column]), level]
    return out


@pytest.mark.parametrize("phase", [1, 2, 3])
def test_rule(neighbours: Neighbours, phase: int) -> None:
    random = np.random.default_rng(phase)
    k = np.rint(random.normal(size=(3, 8, 6)) * 4).astype(np.int32)
    k[0, :2, :2] = 10**6
    t = random.integers(0, TABLE_COUNT, k.shape)
    tables, symbols = to_phases(torch.from_numpy(t)), to_phases(torch.from_numpy(k))[:phase]
    expected = plain(neighbours, phase, k, t)
    np.testing.assert_array_equal(
        neighbours.refine(phase, tables[phase], tables, symbols).numpy(), expected
    )
    floats = [part.float() for part in symbols]  # as the encoder has them
    np.testing.assert_array_equal(
        neighbours.refine(
            phase, tables[phase].float(), [part.float() for part in tables], floats
        ).numpy(),
        expected,
    )


def test_untrained_tables_change_nothing() -> None:
    tables = [torch.randint(0, TABLE_COUNT, (2, 4, 4)) for _ in PHASES]
    symbols = [torch.randint(-9, 10, (2, 4, 4)) for _ in PHASES]
    for phase in range(4):
        for kind in (Neighbours, CountedNeighbours):
            assert torch.equal(
                kind().refine(phase, tables[phase], tables, symbols[:phase]).long(), tables[phase]
            )


def test_counting_finds_the_better_tables() -> None:
    """Symbols of two widths under one t: the level tells them apart, and each gets the table of its
    width.
    """
    counts_module = pytest.importorskip(
        "jndlic.training.codec.table_counts", reason="needs the [train] extra"
    )
    from jndlic.training.codec.mixture import ScaleMixture

    probabilities = ScaleMixture().probabilities(MAGNITUDE_MAX)
    counts, random = counts_module.NeighbourCounts(), np.random.default_rng(0)
    narrow, wide, chosen = 12, 24, 18

    def draw(table: int) -> torch.Tensor:
        two_sided = probabilities[table].numpy() * np.where(np.arange(MAGNITUDE_MAX + 1), 2, 1)
        values = random.choice(MAGNITUDE_MAX + 1, 60_000, p=two_sided / two_sided.sum())
        return torch.from_numpy(values * random.choice((-1, 1), 60_000))

    table = torch.full((60_000,), chosen)
    for level, source in ((0, narrow), (LEVELS - 1, wide)):
        levels = [torch.full_like(table, level)] * 3
        counts.observe(levels, [table] * 4, [draw(source)] * 4)
    neighbours = CountedNeighbours()
    counts.fit(neighbours, probabilities)
    assert neighbours.refined[:, chosen, 0].tolist() == pytest.approx([narrow] * 3, abs=1)
    assert neighbours.refined[:, chosen, LEVELS - 1].tolist() == pytest.approx([wide] * 3, abs=1)
    assert (neighbours.refined[:, chosen, 3] == chosen).all()  # never seen: as it was
    assert neighbours.expected[5] < neighbours.expected[30]
