"""Pipes and warnings of `optimize` and of `jnd map`, `inject` and `filter`, as encode has them."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import run
from PIL import Image

from jndlic.images.files import picture_file
from jndlic.images.picture import from_array

JUDGE = "--predictor", "ssimulacra2"
Captured = pytest.CaptureFixture[bytes]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of all that some format cannot hold, in the folder where the commands run."""
    monkeypatch.chdir(tmp_path)
    rows, columns = np.mgrid[0:48, 0:64]
    pixels = np.dstack([rows * 3, columns * 2, rows + columns]).astype(np.uint8)
    Image.fromarray(pixels).save("plain.png")
    Image.fromarray(np.dstack((pixels, pixels[..., :1]))).save("clear.png")
    wide = pixels.astype(np.uint16) * 257 + 100
    Path("deep.ppm").write_bytes(picture_file(from_array(wide), "PPM")[0])
    frames = [Image.fromarray(pixels ^ np.uint8(level)) for level in (0, 255)]
    frames[0].save("moving.webp", save_all=True, append_images=frames[1:], lossless=True)


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch, capfdbinary: Captured):
    """Runs a command whose standard input is a file: exit code, standard output and error."""

    def piped_run(source: str, *words: object) -> tuple[int, bytes, str]:
        stdin = io.TextIOWrapper(io.BytesIO(Path(source).read_bytes()))
        monkeypatch.setattr(sys, "stdin", stdin)
        capfdbinary.readouterr()
        code = run(*words)
        output, errors = capfdbinary.readouterr()
        return code, output, errors.decode()

    return piped_run


@pytest.mark.parametrize("codec", ["jpeg", "webp", "avif"])
def test_optimize_through_pipes(codec: str, piped) -> None:
    code, output, errors = piped("plain.png", "optimize", "-", "-", "--codec", codec, *JUDGE)
    assert code == 0 and f"standard output: {len(output)} bytes, level " in errors
    assert run("optimize", "plain.png", f"out.{codec}", "--codec", codec, *JUDGE) == 0
    assert Path(f"out.{codec}").read_bytes() == output
    code, output, errors = piped(
        "plain.png", "optimize", "-", "/dev/stdout", "--codec", codec, "--quiet", *JUDGE
    )
    assert (code, errors) == (0, "") and output == Path(f"out.{codec}").read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-", "-"), "--codec is needed for standard output"),
        (("-", "-", "--codec", "jpeg", "--json"), "standard output holds the file already"),
        ((".", "-", "--codec", "jpeg"), "a folder of pictures goes into a folder"),
    ],
)
def test_pipes_that_mean_nothing(words: tuple[str, ...], said: str, piped) -> None:
    code, output, errors = piped("plain.png", "optimize", *words)
    assert (code, output) == (2, b"") and said in errors


def test_what_is_wrong_with_standard_input_is_told(piped) -> None:
    Path("broken").write_bytes(b"no picture")
    for words in (
        ("optimize", "-", "out.jpg"),
        ("jnd", "map", "-", "-"),
        ("jnd", "filter", "-", "-"),
    ):
        code, output, errors = piped("broken", *words)
        assert (code, output) == (1, b"") and "standard input: not a picture" in errors


LOSSES = [
    ("deep.ppm", "out.jpg", "JPEG is written with 8 bits a channel: 16 become 8"),
    ("deep.ppm", "out.webp", "WEBP is written with 8 bits a channel: 16 become 8"),
    ("deep.ppm", "out.avif", "AVIF is written with 8 bits a channel: 16 become 8"),
    ("clear.png", "out.jpg", "JPEG has no alpha"),
    ("moving.webp", "out.webp", "only the first of 2 frames is read"),
]


@pytest.mark.parametrize(("source", "target", "said"), LOSSES)
def test_optimize_warns_of_losses(source: str, target: str, said: str, capsys) -> None:
    assert run("optimize", source, target, *JUDGE) == 0
    assert f"jndlic: {source}: {said}" in capsys.readouterr().err
    assert run("optimize", source, target, "-f", "--json", *JUDGE) == 0
    (one,) = json.loads(capsys.readouterr().out)["files"]
    assert len(one["warnings"]) == 1 and said in one["warnings"][0]
    assert run("optimize", source, target, "-f", "--quiet", *JUDGE) == 0
    assert capsys.readouterr() == ("", "")
    Path(target).unlink()
    assert run("optimize", source, target, "--strict", *JUDGE) == 1
    assert "(--strict)" in capsys.readouterr().err and not Path(target).exists()


def test_a_profile_that_jxl_does_not_keep(capsys) -> None:
    pytest.importorskip("pillow_jxl", reason="JPEG XL needs [jxl]")
    from profiles import swapped_profile

    with Image.open("plain.png") as image:
        image.save("swapped.png", icc_profile=swapped_profile())
    assert run("optimize", "swapped.png", "out.jxl", *JUDGE) == 0
    assert "JXL is written in sRGB" in capsys.readouterr().err
    assert run("optimize", "plain.png", "plain.jxl", "--strict", *JUDGE) == 0


def test_strict_counts_what_falls_short(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    from jndlic.optimize.predictors import metric

    class Never:
        def score(self, picture: np.ndarray) -> float:
            return -9.0

    monkeypatch.setattr(metric.MetricPredictor, "judge", lambda self, reference: Never())
    assert run("optimize", "plain.png", "out.jpg", "--strict", *JUDGE) == 1
    assert "falls short of mcl-jci-75 (--strict)" in capsys.readouterr().err
    assert not Path("out.jpg").exists()


def test_maps_through_pipes(piped) -> None:
    assert run("jnd", "map", "plain.png", "map.npy") == 0
    assert run("jnd", "map", "plain.png", "map.png") == 0
    code, output, errors = piped("plain.png", "jnd", "map", "-", "-")
    assert code == 0 and output == Path("map.npy").read_bytes()
    assert errors.startswith("standard output: mean ")
    code, output, _ = piped("plain.png", "jnd", "map", "-", "-", "--format", "png", "--quiet")
    assert code == 0 and output == Path("map.png").read_bytes()


@pytest.mark.parametrize(
    ("target", "form", "form_is_good"),
    [
        ("map.npy", "png", False),
        ("map.png", "npy", False),
        ("map.png", "jpg", False),
        ("map.npy", "npy", True),
        ("map.png", "png", True),
    ],
)
def test_formats_of_maps(target: str, form: str, form_is_good: bool, capsys) -> None:
    code = run("jnd", "map", "plain.png", target, "--format", form)
    assert code == (0 if form_is_good else 2)
    assert form_is_good or "the suffix" in capsys.readouterr().err
    assert Path(target).exists() == form_is_good


@pytest.mark.parametrize("action", ["inject", "filter"])
def test_changed_pictures_through_pipes(action: str, piped) -> None:
    assert run("jnd", action, "plain.png", "out.png") == 0
    code, output, errors = piped("plain.png", "jnd", action, "-", "-")
    assert code == 0 and output == Path("out.png").read_bytes() and " dB" in errors
    code, output, errors = piped("plain.png", "jnd", action, "-", "-", "--format", "ppm", "--quiet")
    assert (code, errors) == (0, "")
    with Image.open(io.BytesIO(output)) as image, Image.open("out.png") as expected:
        assert image.format == "PPM"
        np.testing.assert_array_equal(np.asarray(image), np.asarray(expected))


@pytest.mark.parametrize(
    ("action", "source", "target", "said"),
    [
        ("map", "deep.ppm", "out.npy", "more than 8 bits a channel become 8"),
        ("map", "moving.webp", "out.npy", "only the first of 2 frames is read"),
        ("inject", "deep.ppm", "out.png", "more than 8 bits a channel become 8"),
        ("inject", "clear.png", "out.jpg", "JPEG has no alpha"),
        ("filter", "clear.png", "out.ppm", "PPM has no alpha"),
    ],
)
def test_jnd_warns_of_losses(action: str, source: str, target: str, said: str, capsys) -> None:
    assert run("jnd", action, source, target) == 0
    assert f"jndlic: {source}: {said}" in capsys.readouterr().err
    assert run("jnd", action, source, target, "-f", "--quiet") == 0
    assert capsys.readouterr() == ("", "")
    Path(target).unlink()
    assert run("jnd", action, source, target, "--strict") == 1
    assert "(--strict)" in capsys.readouterr().err and not Path(target).exists()
