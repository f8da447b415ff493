"""SSIMULACRA2 in torch against the `ssimulacra2` package, and its gradients."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from places import SHARED

torch = pytest.importorskip("torch")

from jndlic.errors import ParameterError
from jndlic.metrics.ssimulacra2 import distance, prepare, score

KODAK = SHARED / "data" / "kodak"
CROPS = {  # left, top, right, bottom: six scales with odd sides, five, and four
    "kodim01": (0, 0, 300, 257),
    "kodim08": (10, 20, 202, 212),
    "kodim23": (200, 100, 331, 165),
}


def _distortions(picture: Image.Image) -> dict[str, Image.Image]:
    coded = {("JPEG", 10), ("JPEG", 30), ("JPEG", 60), ("JPEG", 90), ("WEBP", 50)}
    distorted = {}
    for codec, quality in sorted(coded):
        file = io.BytesIO()
        picture.save(file, codec, quality=quality)
        distorted[f"{codec} {quality}"] = Image.open(file).convert("RGB")
    distorted["blur"] = picture.filter(ImageFilter.GaussianBlur(1.5))
    noise = np.random.default_rng(0).normal(0, 12, np.array(picture).shape)
    noisy = (np.array(picture) + noise).clip(0, 255).astype(np.uint8)
    return distorted | {"noise": Image.fromarray(noisy)}


def _tensor(picture: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]


@pytest.mark.skipif(not KODAK.exists(), reason="no ../shared/data/kodak")
@pytest.mark.parametrize("name", CROPS)
def test_score_is_that_of_the_package(name: str, tmp_path: Path) -> None:
    package = pytest.importorskip("ssimulacra2")
    picture = Image.open(KODAK / f"{name}.png").convert("RGB").crop(CROPS[name])
    picture.save(tmp_path / "reference.png")
    distortions = _distortions(picture)
    pictures = torch.cat([_tensor(distorted) for distorted in distortions.values()])
    scores = score(_tensor(picture).expand_as(pictures), pictures)
    for distorted, ours in zip(distortions.values(), scores.tolist()):
        distorted.save(tmp_path / "distorted.png")
        expected = package.compute_ssimulacra2(
            str(tmp_path / "reference.png"), str(tmp_path / "distorted.png")
        )
        assert ours == pytest.approx(expected, abs=0.05)


def _pair(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(2, *shape, generator=generator, dtype=torch.float64)
    return 255 * noise[0], 255 * (0.8 * noise[0] + 0.2 * noise[1])


@pytest.mark.parametrize("metric", [distance, score])
def test_gradients_are_finite_differences(metric) -> None:
    reference, distorted = _pair(2, 3, 19, 16)
    distorted.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda image: metric(reference, image), distorted, eps=1e-4, atol=1e-7, fast_mode=True
    )


def test_equal_pictures() -> None:
    reference = _pair(2, 3, 40, 33)[0].float()
    distorted = reference.clone().requires_grad_()
    raw = distance(reference, distorted)
    points = score(reference, distorted)
    assert raw.tolist() == [0, 0] and points.tolist() == pytest.approx([100, 100], abs=1e-4)
    (raw.sum() + points.sum()).backward()
    assert torch.isfinite(distorted.grad).all()


def test_gradients_are_finite_for_extreme_pictures() -> None:
    noise = _pair(1, 3, 32, 32)[0].float()
    distorted = torch.cat((600 * (noise / 255) - 300, noise * 0, noise * 0 + 255))
    distorted.requires_grad_()
    for reference in (noise, noise * 0, noise * 0 + 255):
        raw = distance(reference.expand_as(distorted), distorted)
        raw.sum().backward()
        assert torch.isfinite(raw).all() and torch.isfinite(distorted.grad).all()


def test_prepared_reference_and_batches() -> None:
    reference, distorted = (image.float() for image in _pair(3, 3, 48, 33))
    together = distance(prepare(reference), distorted)
    single = [distance(a[None], b[None]).item() for a, b in zip(reference, distorted)]
    assert together.tolist() == pytest.approx(single, rel=1e-5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert distance(reference, distorted).tolist() == pytest.approx(single, rel=1e-5)


def test_errors() -> None:
    image = torch.zeros(1, 3, 16, 16)
    with pytest.raises(ParameterError, match="8 pixels"):
        distance(image[..., :7], image[..., :7])
    with pytest.raises(ParameterError, match="shape"):
        distance(image, image[..., :9])
    with pytest.raises(ParameterError, match="prepared"):
        score(prepare(image), image)
