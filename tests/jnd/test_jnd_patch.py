"""The patch-level JND: parts by hand, no seams, any size, the network, its pairs and its
training.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from places import ROOT

from jndlic.errors import ImageError, ParameterError, WeightsError
from jndlic.jnd.patch import CONTRAST, Parts, jnd_luma, jnd_patches, patch_map, split
from jndlic.jnd.structure_net import StructureNet, load_structure, save_structure


def same(patches: torch.Tensor) -> torch.Tensor:
    return patches


def test_parts_by_hand() -> None:
    """Half 40, half 60: mean 50, norm 64 * 10 (4096 values of +-10), structure +-1 / 64."""
    patch = torch.full((1, 1, 64, 64), 40.0)
    patch[..., 32:] = 60.0
    mean, contrast, structure = split(patch)
    assert (mean.item(), contrast.item()) == pytest.approx((50.0, 640.0))
    assert structure.abs() == pytest.approx(
        torch.full_like(structure, 1 / 64)
    ) and structure.square().sum().item() == pytest.approx(1.0)
    assert torch.allclose(Parts(mean, contrast, structure).joined(), patch, atol=1e-4)
    grey = torch.full((1, 1, 64, 64), 7.0, requires_grad=True)
    flat = split(grey)
    assert flat.contrast.item() == 0 and (flat.structure == 0).all()
    flat.joined().sum().backward()
    assert torch.isfinite(grey.grad).all()


def test_thresholds_by_hand() -> None:
    """Brightness 50 moves by 17 (1 - sqrt(50 / 127)) + 3 = 9.333; contrast shrinks to 0.9474 of
    it.
    """
    patch = torch.full((1, 1, 64, 64), 40.0)
    patch[..., 32:] = 60.0
    moved = 17 * (1 - math.sqrt(50 / 127)) + 3
    for sign in (1.0, -1.0, 0.0):
        changed = jnd_patches(patch, same, sign)[0, 0, 0]
        assert changed[0].item() == pytest.approx(50 + sign * moved - 10 * CONTRAST, abs=1e-3)
        assert changed[-1].item() == pytest.approx(50 + sign * moved + 10 * CONTRAST, abs=1e-3)
    assert jnd_patches(torch.full((1, 1, 64, 64), 254.0), same, 1.0).max() <= 255.0


@pytest.mark.parametrize("shape", [(1, 1), (64, 64), (70, 193), (48, 300)])
def test_any_size_without_seams(shape: tuple[int, int]) -> None:
    """A net that changes nothing and no change of brightness leave a flat picture as it is, and a
    ramp nearly so.
    """
    flat = torch.full((1, 1, *shape), 90.0)
    assert torch.allclose(jnd_luma(flat, same, 0.0), flat, atol=1e-3)
    ramp = (torch.arange(shape[1]).float() * (200.0 / shape[1])).expand(1, 1, *shape)
    found = jnd_luma(ramp, same, 0.0)
    assert found.shape == ramp.shape
    if shape[1] > 100:
        inner = found[..., 24:-24]
        steps = inner[..., 1:] - inner[..., :-1]
        assert steps.max() < 2.5 * 200.0 / shape[1]  # a seam would be a jump of many grey levels


def test_map_of_flat_grey_is_its_adaptation() -> None:
    flat = torch.full((2, 3, 80, 100), 31.75)
    assert patch_map(flat, same) == pytest.approx(torch.full((2, 1, 80, 100), 11.5), abs=1e-3)
    dark = torch.full((1, 1, 70, 70), 127.0)
    assert patch_map(dark, lambda patches: patches).min() == pytest.approx(3.0, abs=1e-3)
    with pytest.raises(ImageError):
        patch_map(torch.zeros(1, 2, 8, 8), same)


def test_network_begins_as_the_identity_and_sees_the_whole_patch() -> None:
    torch.manual_seed(0)
    net = StructureNet(4).eval()
    patches = torch.rand(2, 1, 64, 64) * 255
    assert torch.allclose(net(patches), patches, atol=1e-3)
    torch.nn.init.normal_(net.last.weight, std=0.1)
    patches.requires_grad_()
    net(patches)[0, 0, 0, 0].backward()
    assert patches.grad[0, 0, 63, 63] != 0 and (patches.grad[1] == 0).all()


def test_network_in_a_file(tmp_path: Path) -> None:
    net = StructureNet(4).eval()
    torch.nn.init.normal_(net.last.weight, std=0.1)
    save_structure(net, tmp_path / "net.safetensors", "proxy:test")
    patches = torch.rand(2, 1, 64, 64) * 255
    # float16 in the file
    assert torch.allclose(
        load_structure(tmp_path / "net.safetensors")(patches), net(patches), atol=0.3
    )
    (tmp_path / "bad.safetensors").write_bytes(b"nothing")
    for name in ("bad.safetensors", "none.safetensors"):
        with pytest.raises(WeightsError, match=name):
            load_structure(tmp_path / name)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = pytest.importorskip("skimage.data")
    folder = tmp_path_factory.mktemp("photos")
    for number, corner in enumerate((0, 100, 200)):
        Image.fromarray(data.astronaut()[corner : corner + 160, 100:300]).save(
            folder / f"{number}.png"
        )
    return folder


def test_just_visible_is_the_coarsest_that_holds(photos: Path) -> None:
    from jndlic.codecs.registry import open_codec
    from jndlic.metrics.ssimulacra2_package import ssimulacra2
    from jndlic.training.structure.pairs import just_visible

    pixels, codec = np.asarray(Image.open(photos / "1.png")), open_codec("jpeg")
    found = just_visible(pixels, codec, 75.0)
    level = next(
        level
        for level in range(1, 101)
        if np.array_equal(codec.decode(codec.encode(pixels, level)), found)
    )
    coarser = codec.decode(codec.encode(pixels, level - 1))
    assert ssimulacra2(pixels, found) >= 74.99 and ssimulacra2(pixels, coarser) < 75.3


def test_pairs_from_photos_and_from_judged_pictures(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("lightning")
    from jndlic.jnd.models import critical
    from jndlic.training.structure.commands import prepare
    from jndlic.training.structure.pairs import read_pairs

    out = tmp_path / "pairs.npz"
    assert prepare(["--photos", str(photos), "--proxy", "klt", "--patches", "5", str(out)]) == 0
    pairs = read_pairs(out)
    assert (
        pairs.reference.shape == pairs.target.shape == (15, 64, 64) and pairs.source == "proxy:klt"
    )
    weights = np.array([0.299, 0.587, 0.114])
    for first, second in ((pairs.reference, lambda pixels: pixels), (pairs.target, critical)):
        plane = np.rint(second(np.asarray(Image.open(photos / "0.png"))) @ weights).astype(np.uint8)
        found = np.lib.stride_tricks.sliding_window_view(plane, (64, 64))
        assert (found == first[0]).all((2, 3)).any()  # both patches are of the picture, wherever

    judged = tmp_path / "judged"
    judged.mkdir()
    for name, number in (("a.png", 0), ("coarse.png", 1), ("good.png", 0), ("fine.png", 2)):
        (judged / name).write_bytes((photos / f"{number}.png").read_bytes())
    rows = ["reference,distorted,codec,level,score,source"]
    rows += [
        f"a.png,{name}.png,jpeg,{level},{score},human:test"
        for name, level, score in (("fine", 30, 2.0), ("coarse", 10, -0.5), ("good", 20, 0.25))
    ]
    (judged / "labels.csv").write_text("\n".join(rows))
    assert prepare(["--judged", str(judged / "labels.csv"), "--patches", "2", str(out)]) == 0
    pairs = read_pairs(out)
    assert np.array_equal(pairs.reference, pairs.target), (
        "the coarsest that half of the people call equal"
    )
    assert pairs.source == "human:labels.csv, 50% satisfied"
    assert len(read_pairs(judged / "labels.csv").reference) == 32, "a table without a file of pairs"
    assert prepare(["--judged", str(judged / "labels.csv"), "--share", "0.999", str(out)]) == 2
    out.write_bytes(b"nothing")
    with pytest.raises(ParameterError, match="no pairs"):
        read_pairs(out)


def test_training_learns_and_leaves_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Targets that are the patches' own blur: easy to learn."""
    pytest.importorskip("lightning")
    from jndlic.training.structure.commands import train
    from jndlic.training.structure.module import StructureTraining
    from jndlic.training.structure.pairs import Pairs, write_pairs

    # Little contrast: the change is in grey levels
    reference = np.random.default_rng(0).integers(112, 144, (40, 64, 64), dtype=np.uint8)
    target = (
        reference.astype(np.float64) + np.roll(reference, 1, 1) + np.roll(reference, 1, 2)
    ) / 3
    target = target.round().astype(np.uint8)
    write_pairs(tmp_path / "pairs.npz", Pairs(reference, target, "proxy:test"))
    config = ROOT / "configs" / "jnd-structure.yaml"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "sys.argv",
        [
            "train",
            "fit",
            "--config",
            str(config),
            "--data.pairs=pairs.npz",
            "--data.batch_size=8",
            "--model.width=4",
            "--model.learning_rate=3e-3",
            "--trainer.max_epochs=20",
            "--trainer.callbacks=null",
            "--trainer.enable_progress_bar=false",
            "--trainer.accelerator=cpu",
        ],
    )
    train()
    net = load_structure(tmp_path / "runs" / "jnd-structure" / "structure.safetensors")
    batch = torch.from_numpy(reference), torch.from_numpy(target)
    learned, fresh = StructureTraining(4).eval(), StructureTraining(4).eval()
    learned.net = net
    assert learned.loss(batch) < 0.9 * fresh.loss(batch)
