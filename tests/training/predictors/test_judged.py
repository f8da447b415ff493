"""Judged pictures: layouts of the known sets, tables, proxies, batches, training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from places import ROOT, SHARED

from jndlic.errors import ParameterError
from jndlic.optimize.predictors.metric import MetricPredictor

pytest.importorskip("lightning")
from jndlic.training.predictors.data import (
    JudgedData,
    JudgedPictures,
    PatchBatch,
    collated,
    validates,
)
from jndlic.training.predictors.judged import (
    Judged,
    by_reference,
    pixels_of,
    read_judged,
    score_of_share,
    write_judged,
)
from jndlic.training.predictors.judged_proxy import SIDE, make_versions


def photo(side: int, seed: int = 0) -> np.ndarray:
    """Waves and noise."""
    random = np.random.default_rng(seed)
    down, across = np.mgrid[0:side, 0:side]
    plane = 120 + 50 * np.sin(down / (9 + seed)) * np.cos(across / 13)
    return np.clip(plane[..., None] + random.normal(0, 6, (side, side, 3)), 0, 255).astype(np.uint8)


def test_mcl_jci(tmp_path: Path) -> None:
    for name in ("ImageJND_SRC01", "ImageJND_SRC02"):
        (tmp_path / name).mkdir()
        for quality in (10, 50, 100):
            Image.fromarray(photo(16)).save(tmp_path / name / f"{name}_{quality:03d}.jpg")
    Image.fromarray(photo(16)).save(tmp_path / "ImageJND_SRC02.bmp")
    curves = tmp_path / "curves.csv"
    lines = [
        f"SRC{source:02d},{quality},{quality / 100 - 0.005 * source}"
        for source in (1, 2)
        for quality in range(1, 101)
    ]
    curves.write_text("ref_img,qf,first_SUR\n" + "\n".join(lines))
    rows = read_judged(tmp_path, curves)
    groups = {
        reference.name: {row.level: row.score for row in versions}
        for reference, versions in by_reference(rows).items()
    }
    assert set(groups) == {"ImageJND_SRC01_100.jpg", "ImageJND_SRC02.bmp"}, (
        "quality 100 stands in for a missing original"
    )
    assert set(groups["ImageJND_SRC01_100.jpg"]) == {10, 50}
    assert set(groups["ImageJND_SRC02.bmp"]) == {10, 50, 100}
    assert groups["ImageJND_SRC02.bmp"][50] == pytest.approx(score_of_share(0.49), abs=1e-6)
    assert {row.source for row in rows} == {"human:MCL-JCI"}
    with pytest.raises(ParameterError, match="curves"):
        read_judged(tmp_path)


def test_konjnd(tmp_path: Path) -> None:
    for folder in ("source_image", "jpeg", "bpg"):
        (tmp_path / folder).mkdir()
    for name in ("SRC0001", "SRC0505"):
        Image.fromarray(photo(16)).save(tmp_path / "source_image" / f"{name}.png")
    for level in (1, 40, 100):
        Image.fromarray(photo(16)).save(tmp_path / "jpeg" / f"SRC0001_JPEG_{level:03d}.jpg")
    Image.fromarray(photo(16)).save(tmp_path / "bpg" / "SRC0505_BPG_030.png")
    table = (
        'image_id,Compression type,ratings\nSRC0001.png,JPEG,"[30, 41, 50, '
        '60]"\nSRC0505.png,BPG,"[20, 31]"\n'
    )
    (tmp_path / "subjective_ratings.csv").write_text(table)
    rows = {(row.codec, row.level): row for row in read_judged(tmp_path)}
    assert set(rows) == {("jpeg", 100), ("jpeg", 61), ("jpeg", 1), ("bpg", 21)}, (
        "a higher level is finer"
    )
    assert rows["jpeg", 61].score == pytest.approx(score_of_share(0.75)), (
        "three of four saw nothing yet at level 40"
    )
    assert rows["jpeg", 100].score == pytest.approx(4.0) and rows["jpeg", 1].score == pytest.approx(
        -4.0
    )
    assert rows["bpg", 21].score == pytest.approx(0.0)


@pytest.mark.parametrize("named", [True, False])
def test_vvc_jnd(tmp_path: Path, named: bool) -> None:
    """Two sessions; answers as QPs in one, as numbers from 1 on in the other, once with people in
    rows.
    """
    from scipy.io import savemat

    for session, names in ((1, ("img2", "img10")), (2, ("b1",))):
        for folder in ("Ori", "Dis"):
            (tmp_path / f"session{session}_{folder}").mkdir()
        for number, name in enumerate(names):
            Image.fromarray(photo(8)).save(tmp_path / f"session{session}_Ori" / f"{name}.png")
            for qp in range(13, 52):
                coded = f"{name}_{qp}.png" if named else f"{number}-{qp}.png"
                Image.fromarray(np.full((8, 8, 3), 100 * number + qp, np.uint8)).save(
                    tmp_path / f"session{session}_Dis" / coded
                )
    savemat(tmp_path / "f_session1.mat", {"f": np.array([[30, 31, 40, 45], [20, 20, 44, 50]]).T})
    savemat(tmp_path / "f_session2.mat", {"f": np.array([[1, 10, 20, 30]])})
    rows = {(row.reference.stem, row.level): row for row in read_judged(tmp_path)}
    assert len(rows) == 3 * 39
    for name, number in (("img2", 0), ("img10", 1)):
        assert pixels_of(rows[name, 51 - 30].distorted)[0, 0, 0] == 100 * number + 30
    assert rows["img2", 51 - 30].score == pytest.approx(score_of_share(0.75)), (
        "one of four saw a change at QP 30"
    )
    assert rows["img10", 51 - 43].score == pytest.approx(score_of_share(0.5))
    assert rows["b1", 51 - 21].score == pytest.approx(score_of_share(0.75)) and rows[
        "b1", 51 - 22
    ].score == pytest.approx(score_of_share(0.5))
    next((tmp_path / "session1_Dis").iterdir()).unlink()
    with pytest.raises(ParameterError, match="77 coded pictures for 2"):
        read_judged(tmp_path)


def test_tables_survive_and_bad_ones_are_refused(tmp_path: Path) -> None:
    row = Judged(tmp_path / "a.npy", tmp_path / "a_jpeg_030.npy", "jpeg", 30, 1.25, "proxy:test")
    write_judged(tmp_path / "judged.csv", [row])
    assert read_judged(tmp_path / "judged.csv") == [row]
    with pytest.raises(ParameterError):
        write_judged(tmp_path / "deeper" / "judged.csv", [row])
    (tmp_path / "bad.csv").write_text("reference,distorted\na,b\n")
    with pytest.raises(ParameterError, match="columns"):
        read_judged(tmp_path / "bad.csv")
    with pytest.raises(ParameterError, match="neither"):
        read_judged(tmp_path / "missing")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve photos, JPEG only, scored by SSIMULACRA2."""
    photos, out = (tmp_path_factory.mktemp(name) for name in ("photos", "judged"))
    for number in range(12):
        Image.fromarray(photo(SIDE + 8 * (number % 2), number)).save(photos / f"p{number}.png")
    Image.fromarray(photo(100)).save(photos / "small.png")
    rows = list(
        make_versions(sorted(photos.iterdir()), out, MetricPredictor("ssimulacra2"), {"jpeg": 3})
    )
    write_judged(out / "judged.csv", rows)
    return out / "judged.csv"


def test_proxy_versions_are_named_as_such_and_rise_with_the_quality(table: Path) -> None:
    rows = read_judged(table)
    assert len(rows) == 36 and {row.source for row in rows} == {"proxy:ssimulacra2"}
    for versions in by_reference(rows).values():
        scores = [row.score for row in sorted(versions, key=lambda row: row.level)]
        assert scores == sorted(scores)
        assert pixels_of(versions[0].distorted).shape == (SIDE, SIDE, 3)


def test_batches_are_cut_at_the_same_places(tmp_path: Path) -> None:
    """A version that is the original plus one must be so in every patch, and its map the
    original's.
    """
    original = photo(160) // 2
    np.save(tmp_path / "a.npy", original)
    np.save(tmp_path / "b.npy", original + 1)
    rows = [Judged(tmp_path / "a.npy", tmp_path / "b.npy", "jpeg", 50, 0.5, "proxy:test")]
    batch = collated([JudgedPictures(rows, 64, 2, 5, fixed=True)[0]])
    assert batch.original.shape == (1, 5, 3, 64, 64) and batch.versions.shape == (
        1,
        2,
        5,
        3,
        64,
        64,
    )
    assert batch.jnd.shape == (1, 5, 1, 64, 64) and (batch.jnd > 0).all()
    assert torch.equal(batch.versions[:, 0].int(), batch.original.int() + 1)
    places = {tuple(patch.flatten()[:50].tolist()) for patch in batch.original[0]}
    assert len(places) > 1


def test_some_versions_in_training_are_the_original(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", photo(64))
    np.save(tmp_path / "b.npy", 255 - photo(64))
    data = JudgedPictures(
        [Judged(tmp_path / "a.npy", tmp_path / "b.npy", "jpeg", 50, -1.0, "proxy:test")], 32, 1, 1
    )
    torch.manual_seed(0)
    scores = []
    for _ in range(100):
        one = data[0]
        scores.append(one.scores.item())
        assert torch.equal(one.versions[0], one.original) == (one.scores.item() == 4.0)
    assert 1 <= scores.count(4.0) <= 30 and scores.count(4.0) + scores.count(-1.0) == 100


def test_held_out_pictures_are_drawn_alike_each_time(table: Path) -> None:
    data = JudgedPictures(read_judged(table), 64, 2, 2, fixed=True)
    first, second = data[3], data[3]
    assert all(torch.equal(a, b) for a, b in zip(first, second))


def test_scores_of_a_batch_belong_to_their_versions() -> None:
    """Each version's score is the one it has alone."""
    from jndlic.training.predictors.module import PicturewiseTraining

    torch.manual_seed(0)
    training = PicturewiseTraining("vp").eval()
    original = torch.randint(0, 256, (2, 3, 3, 32, 32), dtype=torch.uint8)
    versions = torch.randint(0, 256, (2, 2, 3, 3, 32, 32), dtype=torch.uint8)
    jnd = torch.rand(2, 3, 1, 32, 32) * 10
    with torch.no_grad():
        together = training.scores(PatchBatch(original, jnd, versions, torch.zeros(2, 2)))
        for picture in range(2):
            for version in range(2):
                one = PatchBatch(
                    original[picture, None],
                    jnd[picture, None],
                    versions[picture, version][None, None],
                    torch.zeros(1, 1),
                )
                assert training.scores(one).item() == pytest.approx(
                    together[picture, version].item(), abs=1e-4
                )


def test_training_learns_and_leaves_a_predictor(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    from jndlic.optimize.predictors.learned import load_predictor
    from jndlic.training.predictors.commands import train

    assert any(validates(row.reference) for row in read_judged(table))
    config = ROOT / "configs" / "jnd-vp.yaml"
    monkeypatch.chdir(tmp_path)
    options = [
        f"--data.judged={json.dumps([str(table)])}",
        "--data.side=32",
        "--data.patches=2",
        "--trainer.max_steps=60",
        "--model.learning_rate=3e-3",
        "--trainer.max_time=null",
        "--trainer.check_val_every_n_epoch=100",
        "--trainer.callbacks=null",
        "--trainer.enable_progress_bar=false",
        "--trainer.accelerator=cpu",
        "--trainer.log_every_n_steps=1",
        "--trainer.enable_checkpointing=false",
    ]
    monkeypatch.setattr("sys.argv", ["train", "fit", "--config", str(config), *options])
    train()
    assert "trained on proxy:ssimulacra2" in capsys.readouterr().out
    predictor = load_predictor("vp", tmp_path / "runs" / "jnd-vp" / "vp.safetensors")
    rows = sorted((row for row in read_judged(table)), key=lambda row: row.score)
    scores = []
    for row in (rows[0], rows[-1]):
        scores.append(
            predictor.judge(pixels_of(row.reference)).score(
                np.ascontiguousarray(pixels_of(row.distorted))
            )
        )
    assert scores[0] < scores[1]

    from jndlic.training.predictors.module import PicturewiseTraining

    onward = PicturewiseTraining(
        "vp", start_from=str(tmp_path / "runs" / "jnd-vp" / "vp.safetensors")
    )
    for found, kept in zip(
        onward.model.net.state_dict().values(), predictor.model.net.state_dict().values()
    ):
        assert torch.equal(found, kept)


def test_people_without_pictures_of_their_own_are_too_few(tmp_path: Path) -> None:
    row = Judged(tmp_path / "a.npy", tmp_path / "b.npy", "jpeg", 30, 0.0, "proxy:test")
    write_judged(tmp_path / "judged.csv", [row])
    with pytest.raises(ParameterError, match="too few"):
        JudgedData([str(tmp_path / "judged.csv")]).setup("fit")


def test_the_configuration_of_sg_is_valid(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from lightning.pytorch.cli import LightningCLI

    from jndlic.training.predictors.module import PicturewiseTraining

    trunk = SHARED / "data" / "lpips" / "squeeze.backbone.pth"
    if not trunk.is_file():
        pytest.skip("SG-JND needs the SqueezeNet trunk")
    monkeypatch.setenv("JNDLIC_LPIPS_WEIGHTS", str(trunk))
    monkeypatch.setattr("sys.argv", ["train"])
    config = ROOT / "configs" / "jnd-sg.yaml"
    monkeypatch.chdir(tmp_path)
    parsed = LightningCLI(
        PicturewiseTraining, JudgedData, run=False, args=["--config", str(config)]
    )
    frozen = {
        name.split(".")[0]
        for name, p in parsed.model.model.named_parameters()
        if not p.requires_grad
    }
    assert parsed.model.hparams.model == "sg" and frozen == {"backbone"}
    batch = PatchBatch(
        torch.zeros(2, 2, 3, 64, 64, dtype=torch.uint8),
        torch.zeros(2, 2, 1, 64, 64),
        torch.zeros(2, 3, 2, 3, 64, 64, dtype=torch.uint8),
        torch.zeros(2, 3),
    )
    assert parsed.model.scores(batch).shape == (2, 3)
