"""`encode --roi` and `--tolerance`: one picture, a folder of them, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from commands import run
from PIL import Image

import jndlic
from jndlic.jnd.own_map import own_map

pytestmark = pytest.mark.usefixtures("toy")

PIXELS = np.random.default_rng(5).integers(0, 256, (70, 100, 3), dtype=np.uint8)
MASK = np.zeros((70, 100), np.uint8)
MASK[:32, 32:64] = 255


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture, its mask and its map in the folder where the commands run."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(PIXELS).save("photo.png")
    Image.fromarray(MASK).save("mask.png")
    np.save("map.npy", 3 * own_map(PIXELS))


def refused(capsys: pytest.CaptureFixture[str], code: int, *arguments: object) -> str:
    """What the command says that fails with this code and leaves no file."""
    assert run("encode", "photo.png", "out.jlic", *arguments) == code
    assert not Path("out.jlic").exists()
    return capsys.readouterr().err


def test_a_mask() -> None:
    assert run("encode", "photo.png", "out.jlic", "-q", 80, "--roi", "mask.png") == 0
    assert Path("out.jlic").read_bytes() == jndlic.encode(PIXELS, 80, roi=MASK)
    options = "--roi", "mask.png", "--roi-strength", "0.5", "-f"
    assert run("encode", "photo.png", "out.jlic", *options) == 0
    assert Path("out.jlic").read_bytes() == jndlic.encode(PIXELS, roi=MASK, roi_strength=0.5)


def test_tolerance_and_mask() -> None:
    tolerance = np.load("map.npy")
    assert run("encode", "photo.png", "a.jlic", "--tolerance", "map.npy") == 0
    assert Path("a.jlic").read_bytes() == jndlic.encode(PIXELS, jnd=tolerance)
    options = "--tolerance", "map.npy", "--roi", "mask.png"
    assert run("encode", "photo.png", "b.jlic", *options) == 0
    assert Path("b.jlic").read_bytes() == jndlic.encode(PIXELS, jnd=tolerance, roi=MASK)
    assert run("encode", "photo.png", "c.jlic", "--jnd", "pattern", "--roi", "mask.png") == 0
    assert Path("c.jlic").read_bytes() == jndlic.encode(PIXELS, jnd="pattern", roi=MASK)


def test_a_picture_of_tolerance_holds_grey_levels() -> None:
    grey = np.full((70, 100), 20, np.uint8)
    grey[40:] = 3
    Image.fromarray(grey).save("grey.png")
    assert run("encode", "photo.png", "a.jlic", "--tolerance", "grey.png") == 0
    assert Path("a.jlic").read_bytes() == jndlic.encode(PIXELS, jnd=grey)
    Image.fromarray(np.dstack((grey, grey, grey + 1))).save("colour.png")
    assert run("encode", "photo.png", "b.jlic", "--tolerance", "colour.png") == 0
    expected = jndlic.encode(PIXELS, jnd=np.dstack((grey, grey, grey + 1)))
    assert Path("b.jlic").read_bytes() == expected


def test_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert "goes with --roi" in refused(capsys, 2, "--roi-strength", 1)
    assert "whole picture" in refused(capsys, 2, "--roi", "mask.png", "--visually-lossless")
    assert "takes the place" in refused(capsys, 2, "--jnd", "klt", "--tolerance", "map.npy")
    for value in ("-1", "nan", "much"):
        assert value in refused(capsys, 2, "--roi", "mask.png", f"--roi-strength={value}")


def test_wrong_files(capsys: pytest.CaptureFixture[str]) -> None:
    Path("text.png").write_text("no picture")
    Path("text.npy").write_text("no array")
    Path("empty.npy").touch()
    np.save("words.npy", np.array([["a"]]))
    np.save("objects.npy", np.array([[None]]), allow_pickle=True)
    with open("archive.npy", "wb") as file:
        np.savez(file, MASK)
    Image.fromarray(MASK[1:]).save("small.png")
    np.save("small.npy", MASK[1:])
    Image.fromarray(MASK.astype(np.uint16)).save("deep.png")
    said = refused(capsys, 2, "--roi", "small.png")
    assert "photo.png" in said and "mask has 100 x 69 pixels, the picture 100 x 70" in said
    assert "small.npy" not in said
    assert "text.png" in refused(capsys, 1, "--roi", "text.png")
    assert "none.png" in refused(capsys, 1, "--roi", "none.png")
    assert "shape (69, 100)" in refused(capsys, 2, "--tolerance", "small.npy")
    assert "shape (1, 1)" in refused(capsys, 2, "--tolerance", "words.npy")
    assert "8 bits" in refused(capsys, 1, "--tolerance", "deep.png")
    for name in ("text.npy", "empty.npy", "objects.npy", "archive.npy"):
        said = refused(capsys, 1, "--tolerance", name)
        assert name in said and "not an array of numbers" in said


def test_a_mask_for_all_pictures(capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(PIXELS[::-1]).save("turned.png")
    Image.fromarray(PIXELS[1:]).save("smaller.png")
    names = "photo.png", "turned.png", "smaller.png"
    assert run("encode", *names, "-o", "out", "--roi", "mask.png") == 1
    assert sorted(path.name for path in Path("out").iterdir()) == ["photo.jlic", "turned.jlic"]
    said = capsys.readouterr().err
    assert "smaller.png: the mask has 100 x 70 pixels, the picture 100 x 69" in said
    assert Path("out/turned.jlic").read_bytes() == jndlic.encode(PIXELS[::-1], roi=MASK)


@pytest.mark.parametrize("count", [1, 2])
def test_a_folder_of_masks(
    count: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("photos/sub", "masks/sub", "maps/sub"):
        Path(name).mkdir(parents=True)
    for name in ("a.png", "b.png", "c.png", "sub/a.png"):
        Image.fromarray(PIXELS).save(f"photos/{name}")
    Image.fromarray(MASK).save("masks/a.bmp")  # of another format
    Image.fromarray(MASK[::-1]).save("masks/b.png")  # the very name comes first
    Image.fromarray(MASK).save("masks/b.bmp")
    Image.fromarray(MASK[:, ::-1]).save("masks/sub/a.png")
    Path("masks/a.txt").write_text("of no account")
    if count > 1:  # processes of their own would load the shipped weights: their jobs are enough
        from jndlic.cli import batch
        from jndlic.cli.workers import attempt

        def by_workers(coder, jobs, _):
            import pickle

            return (attempt(pickle.loads(pickle.dumps(coder)), job) for job in jobs)

        monkeypatch.setattr(batch, "by_workers", by_workers)
    command = "encode", "photos", "-r", "-o", "out", "--roi", "masks", "-j", count
    assert run(*command) == 1
    assert "photos/c.png: no file is called masks/c.*" in capsys.readouterr().err
    made = {str(path.relative_to("out")): path for path in Path("out").rglob("*.jlic")}
    masks = {"a.jlic": MASK, "b.jlic": MASK[::-1], "sub/a.jlic": MASK[:, ::-1]}
    assert set(made) == set(masks)
    for name, mask in masks.items():
        assert made[name].read_bytes() == jndlic.encode(PIXELS, roi=mask)


def test_one_picture_and_a_folder(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("maps").mkdir()
    np.save("maps/photo.npy", np.full((70, 100), 9.0))
    assert run("encode", "photo.png", "a.jlic", "--tolerance", "maps") == 0
    assert Path("a.jlic").read_bytes() == jndlic.encode(PIXELS, jnd=np.full((70, 100), 9.0))
    for suffix in ("bmp", "tif"):
        Image.fromarray(MASK).save(f"maps/photo.{suffix}")
    assert "2 files are called" in refused(capsys, 1, "--roi", "maps")
    with open("photo.png", "rb") as picture:
        monkeypatch.setattr("sys.stdin", type("", (), {"buffer": picture}))
        assert run("encode", "-", "b.jlic", "--roi", "maps") == 2
    assert "standard input has no name" in capsys.readouterr().err
