"""`jndlic encode --target-size` and its kin: what is understood, what is said, what is written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from commands import run
from PIL import Image
from toy_codec import ToyCodec

import jndlic
from jndlic.cli.main import command_parser
from jndlic.metrics.psnr import psnr
from jndlic.runtime import load as weights

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three pictures, of which one compresses far less than the others."""
    (tmp_path / "in" / "sub").mkdir(parents=True)
    rows, columns = np.mgrid[0:200, 0:300]
    smooth = np.dstack([rows, columns % 256, (rows + columns) // 2]).astype(np.uint8)
    colours = np.random.default_rng(3).integers(0, 256, (50, 50, 3), dtype=np.uint8)
    blocks = colours.repeat(16, 0).repeat(16, 1)
    for name, pixels in (("a", smooth), ("sub/b", smooth[::-1]), ("blocks", blocks)):
        Image.fromarray(pixels).save(tmp_path / "in" / f"{name}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("50000", 50000),
        ("50000B", 50000),
        ("200KB", 200_000),
        ("200kb", 200_000),
        ("200k", 200_000),
        ("200KiB", 204_800),
        ("1.5MB", 1_500_000),
        ("1.1MB", 1_100_000),
        ("0.5 MiB", 524_288),
        ("1GB", 10**9),
        ("1.2345KB", 1234),
    ],
)
def test_sizes(text: str, size: int) -> None:
    arguments = command_parser().parse_args(["encode", "a.png", "--target-size", text])
    assert arguments.target_size.wanted == size


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("size", "200TB", "200KiB"),
        ("size", "-5", "200KiB"),
        ("size", "", "200KiB"),
        ("size", "1e3", "200KiB"),
        ("size", "0", "at least 1 byte"),
        ("size", "0.4B", "at least 1 byte"),
        ("bpp", "0", "above 0"),
        ("bpp", "nan", "must be a number"),
        ("bpp", "half", "must be a number"),
        ("metric", "ssimulacra2", "ssimulacra2=80"),
        ("metric", "ssim=1", "there are psnr-rgb"),
        ("metric", "ssimulacra2=high", "must be a number"),
        ("metric", "ssimulacra2=inf", "must be a number"),
    ],
)
def test_wrong_values(
    option: str, value: str, said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("encode", "in/a.png", "out.jlic", f"--target-{option}", value) == 2
    assert said in capsys.readouterr().err and not Path("out.jlic").exists()


@pytest.mark.parametrize(
    "options",
    [
        ("-q", "50", "--target-size", "1KB"),
        ("--target-size", "1KB", "--target-bpp", "1"),
        ("--target-bpp", "1", "--target-metric", "psnr-rgb=30"),
        ("--target-metric", "psnr-rgb=30", "--visually-lossless"),
        ("--visually-lossless", "--target-size", "1KB"),
        ("--target-size", "1KB", "--profile", "strict"),
        ("--target-size", "1KB", "--lpips-weights", "file"),
        ("--lpips-weights", "file"),
    ],
)
def test_what_excludes_one_another(options: tuple[str, ...], folder: Path) -> None:
    assert run("encode", "in/a.png", "out.jlic", *options) == 2
    assert not Path("out.jlic").exists()


def test_a_size(folder: Path, toy: ToyCodec, capsys: pytest.CaptureFixture[str]) -> None:
    limit = len(jndlic.encode("in/a.png", 60, codec=toy))
    assert run("encode", "in/a.png", "out.jlic", "--target-size", limit) == 0
    data = Path("out.jlic").read_bytes()
    quality = jndlic.info(data)["quality"]
    assert len(data) <= limit and quality >= 60
    output = capsys.readouterr().out
    assert f"out.jlic: {len(data)} bytes, " in output and f"quality {quality}, " in output
    assert data == jndlic.encode("in/a.png", target_size=limit, codec=toy)
    steered = ("--jnd", "pattern", "--target-size", limit + 300, "-f")
    assert run("encode", "in/a.png", "out.jlic", *steered) == 0
    assert Path("out.jlic").stat().st_size <= limit + 300
    assert jndlic.info("out.jlic")["quality_plane"]


def test_json(folder: Path, toy: ToyCodec, capsys: pytest.CaptureFixture[str]) -> None:
    pixels = np.asarray(Image.open("in/a.png"))
    for option, wanted in (("size", "1000"), ("bpp", "0.15"), ("metric", "psnr-rgb=22")):
        assert (
            run("encode", "in/a.png", "out.jlic", "-f", "--json", f"--target-{option}", wanted) == 0
        )
        facts = json.loads(capsys.readouterr().out)
        data = Path("out.jlic").read_bytes()
        assert facts["quality"] == jndlic.info(data)["quality"] and 1 <= facts["tried"] <= 8
        assert (facts["source"], facts["target"]) == ("in/a.png", "out.jlic")
        name, wanted = (option, float(wanted)) if option != "metric" else ("psnr-rgb", 22)
        assert (facts["goal"], facts["wanted"]) == (name, wanted)
        reached = {
            "size": len(data),
            "bpp": 8 * len(data) / (200 * 300),
            "psnr-rgb": psnr(pixels, jndlic.imread(data, codec=toy)),
        }[name]
        assert facts["reached"] == reached
        assert reached <= wanted if option != "metric" else reached >= wanted
    assert run("encode", "in/a.png", "out.jlic", "-f", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["quality"] == 50 and "goal" not in facts


def test_json_of_visually_lossless(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ("--visually-lossless", "--predictor", "ssimulacra2", "--profile", "mcl-jci-50")
    assert run("encode", "in/a.png", "out.jlic", *command, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["goal"], facts["wanted"]) == ("mcl-jci-50", 0.5)
    assert facts["quality"] == jndlic.info("out.jlic")["quality"] and 0 <= facts["reached"] <= 1


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--target-size", "100", "at most 100 bytes: quality 1 makes "),
        ("--target-bpp", "0.001", "at most 0.001 bpp: quality 1 makes 0."),
        ("--target-metric", "psnr-rgb=99", "as good as psnr-rgb 99: quality "),
    ],
)
def test_what_no_quality_reaches(
    option: str, value: str, said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("encode", "in/a.png", "out.jlic", option, value, "--json") == 1
    output, errors = capsys.readouterr()
    facts = json.loads(output)
    assert said in errors and "in/a.png: " in errors and not Path("out.jlic").exists()
    assert facts["status"] == "failed" and said in facts["error"]
    assert facts["best"] > 0 and 1 <= facts["quality"] <= 100


@pytest.mark.parametrize("count", [1, 2])
def test_a_folder(
    count: int, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if count > 1:  # workers load their own codec: the shipped one
        monkeypatch.undo()
        monkeypatch.chdir(folder)
    command = ("encode", "in", "-o", "out", "-r", "-j", count, "--target-size", "2.5KB", "--json")
    assert run(*command) == 1
    output, errors = capsys.readouterr()
    facts = {line["source"]: line for line in map(json.loads, output.splitlines())}
    for name in ("a", "sub/b"):
        one = facts[os.path.join("in", f"{name}.png")]
        size = Path(f"out/{name}.jlic").stat().st_size
        assert one["status"] == "done" and one["reached"] == one["bytes"] == size <= 2500
        assert one["quality"] == jndlic.info(f"out/{name}.jlic")["quality"]
    failed = facts[os.path.join("in", "blocks.png")]
    assert failed["status"] == "failed" and failed["best"] > 2500 and failed["quality"] == 1
    assert not Path("out/blocks.jlic").exists() and "1 of 3 files failed" in errors


def test_pipes(folder: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    read, write = os.pipe()
    os.write(write, Path("in/a.png").read_bytes())
    os.close(write)
    assert run("encode", f"/dev/fd/{read}", "-o", "-", "--target-size", "1KB", "-f") == 0
    output, errors = capfdbinary.readouterr()
    assert len(output) <= 1000 and jndlic.info(output)["width"] == 300
    assert b"standard output: " in errors and b"quality" in errors
    os.close(read)


def test_alpha_and_metadata_count(folder: Path, toy: ToyCodec) -> None:
    image = Image.open("in/a.png").convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    exif = Image.Exif()
    exif[0x010E] = "a long description " * 20
    image.save("alpha.png", exif=exif)
    limit = len(jndlic.encode("alpha.png", 45, codec=toy))
    assert run("encode", "alpha.png", "--target-size", limit) == 0
    assert Path("alpha.jlic").stat().st_size <= limit
    with jndlic.open("alpha.jlic") as file:
        assert file.mode == "RGBA" and file.metadata["exif"] and file.quality >= 45


def test_a_metric_that_is_not_here(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr("jndlic.pipeline.encode_analysed", None)
    assert run("encode", "in", "-r", "-o", "out", "--target-metric", "butteraugli-3norm=1") == 1
    assert capsys.readouterr().err.count("butteraugli_main") == 1  # once, not for every picture
    weights_file = ("--target-metric", "lpips-squeeze=0.1", "--lpips-weights", "none.pth")
    assert run("encode", "in/a.png", "out.jlic", *weights_file) == 1
    assert "no LPIPS trunk at none.pth" in capsys.readouterr().err
    assert not list(Path().rglob("*.jlic"))


def test_a_metric_by_the_shipped_weights(
    folder: Path, monkeypatch: pytest.MonkeyPatch, codec: object
) -> None:
    pytest.importorskip("ssimulacra2")
    from jndlic.metrics.ssimulacra2_package import ssimulacra2

    monkeypatch.setattr(weights, "load_codec", lambda *_: codec)
    Image.open("in/a.png").crop((0, 0, 96, 64)).save("small.png")
    assert run("encode", "small.png", "--target-metric", "ssimulacra2=40") == 0
    pixels = np.asarray(Image.open("small.png"))
    assert ssimulacra2(pixels, jndlic.imread("small.jlic")) >= 40
