"""The end of a training: layers that paint pixels get the weights of least error."""

from __future__ import annotations

import pytest
import torch
from small_network import SMALL

pytest.importorskip("lightning", reason="needs the [train] extra")

from jndlic.training.codec.module import CodecTraining
from jndlic.training.codec.polish import painters, polish

SEEDS = range(6)


@pytest.mark.parametrize("name", ["head", "pixels", "detail"])
def test_a_layer_that_was_moved_comes_back(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    module = CodecTraining(SMALL, lpips_weight=0.0).eval()
    synthesis = module.codec.synthesis

    def drawn(seed: int) -> torch.Tensor:
        """A picture of random latents, the same for a seed as far as the weights are."""
        generator = torch.Generator().manual_seed(seed)
        latent = 3.0 * torch.randn(2, SMALL.latent_channels, 8, 8, generator=generator)
        with torch.no_grad():
            return synthesis(latent, torch.zeros_like(latent), quality(seed))

    def quality(seed: int) -> torch.Tensor:
        return torch.full((2, 4, 4), 30 + 10 * seed)

    # The targets are what the layer drew before it was moved
    right = [drawn(seed) for seed in SEEDS]
    assert all(image.min() > 0.0 and image.max() < 255.0 for image in right)
    layer = painters(synthesis)[name].layer
    with torch.no_grad():
        layer.weight.add_(0.01 * torch.randn_like(layer.weight))
        layer.bias.add_(0.01)
    wrong = sum((drawn(seed) - right[seed]).square().sum() for seed in SEEDS)
    others = {key: value.clone() for key, value in module.state_dict().items()}
    shown = iter(SEEDS)
    monkeypatch.setattr(module, "loss", lambda batch: drawn(next(shown)))
    batches = [(image, quality(seed)) for seed, image in zip(SEEDS, right)]
    taken = polish(module, painters(synthesis)[name], batches, strength=1.0)
    left = sum((drawn(seed) - right[seed]).square().sum() for seed in SEEDS)
    assert left < 0.05 * wrong
    assert 0.9 < taken < 1.01
    changed = [
        key for key, value in module.state_dict().items() if not torch.equal(value, others[key])
    ]
    assert {key.rsplit(".", 1)[1] for key in changed} == {"weight", "bias"}
    assert len(changed) == 2


def test_without_strength_nothing_moves() -> None:
    torch.manual_seed(0)
    module = CodecTraining(SMALL, lpips_weight=0.0).eval()
    painter = painters(module.codec.synthesis)["head"]
    before = painter.layer.weight.clone()
    crops = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    taken = polish(module, painter, [(crops, torch.tensor([40, 90]))], strength=0.0)
    assert torch.equal(painter.layer.weight, before)
    assert 0.0 < taken <= 1.0
