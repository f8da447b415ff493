"""A start for the adaptive filter: it undoes what a codec does to every edge alike."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as functional
from small_network import SMALL

pytest.importorskip("lightning", reason="needs the [train] extra")

from jndlic.training.codec.filter_start import start_filter, with_filters
from jndlic.training.codec.least_squares import CLASSES, Sums, best_filters
from jndlic.training.codec.module import CodecTraining
from jndlic.training.codec.robust_start import start_robust


def crops(seed: int) -> torch.Tensor:
    """Straight edges in all directions, (4, 3, 64, 64) uint8."""
    generator = torch.Generator().manual_seed(seed)
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    pictures = []
    for _ in range(4):
        across, down, phase, size = torch.rand(4, generator=generator) * 2 - 1
        wave = torch.sin((across * columns + down * rows) * 0.3 + 6.0 * phase)
        pictures.append(128 + 100 * size * torch.tanh(4 * wave))
    return torch.stack(pictures)[:, None].repeat(1, 3, 1, 1).to(torch.uint8)


@pytest.mark.parametrize(
    ("before", "after"), [((0, 0), (8, 8)), ((4, 0), (4, 8)), ((4, 2), (4, 2)), ((8, 3), (8, 3))]
)
def test_filters_that_are_there_keep_their_number(
    before: tuple[int, int], after: tuple[int, int]
) -> None:
    sizes = with_filters(replace(SMALL, adaptive_filters=before[0], robust_filters=before[1]))
    assert (sizes.adaptive_filters, sizes.robust_filters) == after
    assert replace(sizes, adaptive_filters=4, robust_filters=2) == replace(
        SMALL, adaptive_filters=4, robust_filters=2
    )


def test_least_squares_finds_the_filter_of_every_class() -> None:
    torch.manual_seed(0)
    rows = 100.0 * torch.randn(CLASSES, 500, 25, dtype=torch.float64)  # grey levels
    right = (torch.randn(CLASSES, 2) @ torch.randn(2, 25)).double()
    targets = (rows @ right[..., None])[..., 0]
    sums = Sums(
        rows.mT @ rows,
        (rows.mT @ targets[..., None])[..., 0],
        torch.full((CLASSES,), 500.0, dtype=torch.float64),
    )
    filters, mixtures = best_filters(sums, 2)
    assert (mixtures @ filters - right).abs().max() < 0.5
    assert (
        torch.corrcoef(torch.stack(((mixtures @ filters).flatten(), right.flatten())))[0, 1] > 0.999
    )


def test_a_blurring_codec_is_sharpened() -> None:
    torch.manual_seed(0)
    module = CodecTraining(SMALL, lpips_weight=0.0).eval()
    synthesis = module.codec.synthesis

    def blurred() -> torch.Tensor:
        """In place of what the network draws."""
        planes = functional.pad(original / 255.0 - 0.5, (1, 1, 1, 1), mode="replicate")
        return functional.avg_pool2d(planes, 3, 1)

    # The stage is told to see a blurred original
    stage = synthesis.adaptive_filter
    hook = stage.register_forward_pre_hook(lambda _, given: (given[0], blurred()))
    original = torch.zeros(())

    def batches():
        nonlocal original
        for seed in range(6):
            original = crops(seed).float()
            yield crops(seed), torch.full((4,), 50)

    gain = start_filter(module, batches())
    hook.remove()
    assert 0.3 < gain < 1.0
    original = crops(99).float()
    drawn = blurred()
    features = torch.zeros(4, SMALL.fine_channels, 8, 8)
    with torch.no_grad():
        after = drawn + stage(features, drawn)
    right = original / 255.0 - 0.5
    assert (after - right).square().mean() < 0.8 * (drawn - right).square().mean()


def test_noise_beside_edges_is_taken_away() -> None:
    torch.manual_seed(0)
    module = CodecTraining(SMALL, lpips_weight=0.0).eval()
    stage = module.codec.synthesis.adaptive_filter
    noise = 0.015 * torch.randn(6, 4, 1, 64, 64).expand(-1, -1, 3, -1, -1)

    def drawn(number: int) -> torch.Tensor:
        return crops(number).float() / 255.0 - 0.5 + noise[number]

    given = 0
    hook = stage.register_forward_pre_hook(lambda _, inputs: (inputs[0], drawn(given)))

    def batches():
        nonlocal given
        for given in range(5):
            yield crops(given), torch.full((4,), 50)

    gain = start_robust(module, batches)
    hook.remove()
    assert 0.3 < gain < 1.0
    features = torch.zeros(4, SMALL.fine_channels, 8, 8)
    with torch.no_grad():
        after = drawn(5) + stage(features, drawn(5))
    right = crops(5).float() / 255.0 - 0.5
    assert (after - right).square().mean() < 0.75 * noise[5].square().mean()
