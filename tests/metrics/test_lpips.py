"""LPIPS in training against known values of the `lpips` package with torchvision's trunk."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from places import SHARED

torch = pytest.importorskip("torch")
pytest.importorskip("lpips")

from jndlic.errors import ParameterError, WeightsError
from jndlic.metrics.lpips import LPIPS

TRUNK = SHARED / "data" / "lpips" / "squeeze.backbone.pth"
KODIM23 = SHARED / "data" / "kodak" / "kodim23.png"
needs_trunk = pytest.mark.skipif(not TRUNK.exists(), reason="no ../shared/data/lpips")


@pytest.fixture(scope="module")
def metric() -> LPIPS:
    return LPIPS(TRUNK, full_precision=True)


@needs_trunk
def test_known_value_of_noise(metric: LPIPS) -> None:
    torch.manual_seed(123)
    a, b = (torch.rand(10, 3, 100, 100) * 2 - 1 for _ in range(2))
    assert metric((a + 1) * 127.5, (b + 1) * 127.5).mean().item() == pytest.approx(0.1008, abs=5e-5)


@needs_trunk
@pytest.mark.skipif(not KODIM23.exists(), reason="no ../shared/data/kodak")
@pytest.mark.parametrize(
    "quality, expected", [(95, 0.013), (75, 0.079), (50, 0.128), (25, 0.230), (10, 0.435)]
)
def test_known_values_of_jpeg(metric: LPIPS, quality: int, expected: float) -> None:
    picture = Image.open(KODIM23).convert("RGB")
    packed = io.BytesIO()
    picture.save(packed, "JPEG", quality=quality)
    pair = (np.array(image) for image in (picture, Image.open(packed)))
    a, b = (torch.from_numpy(pixels).permute(2, 0, 1)[None] for pixels in pair)
    assert metric(a, b).item() == pytest.approx(expected, abs=1.5e-3)


@needs_trunk
def test_frozen_and_differentiable(metric: LPIPS) -> None:
    metric.train()
    assert not metric.training and not any(p.requires_grad for p in metric.parameters())
    a = torch.zeros(2, 3, 64, 48)
    b = torch.zeros(2, 3, 64, 48, requires_grad=True)
    distance = metric(a, b)
    assert distance.shape == (2,) and distance.abs().max() == 0
    (distance.sum() + metric(a, b + torch.rand(2, 3, 64, 48)).sum()).backward()
    assert torch.isfinite(b.grad).all() and b.grad.abs().max() > 0
    noise = torch.rand(1, 3, 64, 64) * 255
    assert metric(noise.clone().requires_grad_(), noise * 0.9).requires_grad
    with pytest.raises(ParameterError, match="one picture"):
        metric(noise.clone().requires_grad_(), noise.clone().requires_grad_())


@needs_trunk
def test_gradient_is_that_of_the_package(metric: LPIPS) -> None:
    import lpips

    package = lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False)
    trunk = {key: value for n in range(7) for key, value in _named(metric, n)}
    package.net.load_state_dict(trunk)
    torch.manual_seed(0)
    a, b = torch.rand(2, 3, 48, 64) * 255, torch.rand(2, 3, 48, 64) * 255
    ours, theirs = b.clone().requires_grad_(), b.clone().requires_grad_()
    metric(a, ours).sum().backward()
    package(a / 127.5 - 1, theirs / 127.5 - 1).sum().backward()
    assert torch.allclose(ours.grad, theirs.grad, rtol=1e-3, atol=1e-8)


def _named(metric: LPIPS, n: int) -> list[tuple[str, torch.Tensor]]:
    """The weights of slice n of our trunk by the names of the `lpips` package."""
    return [(f"slice{n + 1}.{key}", value) for key, value in metric.slices[n].state_dict().items()]


def test_errors_say_how_to_get_the_trunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JNDLIC_LPIPS_WEIGHTS", raising=False)
    with pytest.raises(WeightsError, match="squeezenet1_1"):
        LPIPS()
    with pytest.raises(WeightsError, match="squeezenet1_1"):
        LPIPS(tmp_path / "absent.pth")
    torch.save({"0.weight": torch.zeros(1)}, tmp_path / "wrong.pth")
    with pytest.raises(WeightsError, match="SqueezeNet"):
        LPIPS(tmp_path / "wrong.pth")
    (tmp_path / "damaged.pth").write_bytes(b"no weights here")
    with pytest.raises(WeightsError, match="not a file"):
        LPIPS(tmp_path / "damaged.pth")
