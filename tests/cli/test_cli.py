"""The command: what it writes, what it says, how it ends. On the codec of a few lines;
tests/test_package.py runs the installed command with the shipped weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import run
from PIL import Image
from places import ROOT
from toy_codec import ToyCodec

import jndlic
from jndlic.cli.main import main
from jndlic.runtime import load as weights

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    rows, columns = np.mgrid[0:70, 0:100]
    path = tmp_path / "photo.png"
    Image.fromarray(np.dstack([rows * 3, columns * 2, rows + columns]).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def packed(photo: Path) -> Path:
    path = photo.with_suffix(".jlic")
    assert main(["encode", str(photo), str(path), "--quiet"]) == 0
    return path


def failure(capsys: pytest.CaptureFixture[str], code: int, *arguments: object) -> str:
    """What a command that must fail with this code says; all of it, on stderr."""
    assert run(*arguments) == code
    output, errors = capsys.readouterr()
    assert output == "" and errors and "Traceback" not in errors
    return errors


def test_there_and_back(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed, restored = tmp_path / "photo.jlic", tmp_path / "restored.png"
    assert run("encode", photo, packed, "-q", 90) == 0
    size = packed.stat().st_size
    said = capsys.readouterr().out
    assert f"{size} bytes" in said and f"{8 * size / 7000:.4f} bpp" in said and " s\n" in said
    assert run("decode", packed, restored) == 0
    assert "100 x 70" in capsys.readouterr().out
    with Image.open(restored) as image:
        assert image.size == (100, 70) and image.mode == "RGB"
    assert sorted(os.listdir(tmp_path)) == ["photo.jlic", "photo.png", "restored.png"]


def test_the_commands_do_what_the_calls_do(photo: Path, tmp_path: Path, toy: ToyCodec) -> None:
    run("encode", photo, tmp_path / "a.jlic", "--quality=77", "--quiet")
    data = (tmp_path / "a.jlic").read_bytes()
    assert data == jndlic.encode(photo, 77, codec=toy)
    run("decode", tmp_path / "a.jlic", tmp_path / "a.png", "--quiet")
    with Image.open(tmp_path / "a.png") as image:
        np.testing.assert_array_equal(np.asarray(image), np.asarray(jndlic.decode(data, codec=toy)))


def test_quiet(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("encode", photo, tmp_path / "a.jlic", "--quiet")
    run("decode", tmp_path / "a.jlic", tmp_path / "a.png", "--quiet")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".tif", ".ppm", ".bmp"])
def test_formats(packed: Path, suffix: str) -> None:
    restored = packed.with_suffix(suffix)
    assert run("decode", packed, restored) == 0
    with Image.open(restored) as image:
        assert image.size == (100, 70)


@pytest.mark.parametrize("option", ["-f", "--force", "--overwrite"])
def test_existing_files_are_replaced_only_on_request(
    option: str, photo: Path, packed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed.write_bytes(b"old")
    assert "exists already" in failure(capsys, 1, "encode", photo, packed)
    assert packed.read_bytes() == b"old"
    assert run("encode", photo, packed, option, "--quiet") == 0
    assert jndlic.info(packed.read_bytes())["width"] == 100
    before = photo.read_bytes()
    assert "exists already" in failure(capsys, 1, "decode", packed, photo)
    assert photo.read_bytes() == before
    assert run("decode", packed, photo, option) == 0


def test_info(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("info", packed) == 0
    said = capsys.readouterr().out
    for words in (
        "100 x 70",
        "quality 50,",
        "toy",
        "jnd stream",
        "latent stream",
        f"{packed.stat().st_size} bytes",
    ):
        assert words in said
    assert run("info", "--json", packed) == 0
    assert json.loads(capsys.readouterr().out) == jndlic.info(packed.read_bytes())


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("-V", "--version"):
        assert run(option) == 0
        assert capsys.readouterr().out == f"jndlic {jndlic.__version__}\n"
    assert run("--help") == 0
    said = capsys.readouterr().out
    assert all(command in said for command in ("encode", "decode", "info"))


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["paint"],
        ["encode"],
        ["encode", "PHOTO", "OUT"],
        ["encode", "PHOTO", "OUT", "--brush"],
        ["encode", "PHOTO", "FOLDER"],
        ["encode", "FOLDER"],
        ["encode", "FOLDER", "OUT", "-r"],
        ["encode", "PHOTO", "-o", "PACKED", "PACKED"],
        ["encode", "-", "PHOTO", "-o", "OUT/"],
        ["encode", "PHOTO", "PHOTO", "-o", "OUT/"],
        ["encode", "PHOTO", "-o", "-", "--json"],
        ["encode", "PHOTO", "OUT", "-q", "0"],
        ["encode", "PHOTO", "OUT", "-q", "101"],
        ["encode", "PHOTO", "OUT", "-q", "good"],
        ["encode", "PHOTO", "OUT", "--threads", "0"],
        ["encode", "PHOTO", "OUT", "--backend", "abacus"],
        ["encode", "PHOTO", "-o", "PHOTO"],
        ["encode", "PHOTO", "-q", "50", "--visually-lossless"],
        ["encode", "PHOTO", "-q", "51", "--visually-lossless"],
        ["encode", "PHOTO", "--profile", "strict"],
        ["decode", "PACKED", "-o", "PACKED"],
        ["decode", "PACKED", "OUT.png", "--format", "jpg"],
        ["decode", "PACKED", "OUT.png", "--format", "gif"],
        ["decode", "PACKED", "OUT.png", "--max-pixels", "-3"],
    ],
)
def test_wrong_usage(
    arguments: list[str], photo: Path, packed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = photo.read_bytes(), packed.read_bytes()
    places = {
        "PHOTO": photo,
        "PACKED": packed,
        "OUT": photo.with_name("out"),
        "OUT/": f"{photo.with_name('out')}/",
        "OUT.png": photo.with_name("out.png"),
        "FOLDER": photo.parent,
    }
    failure(capsys, 2, *[places.get(argument, argument) for argument in arguments])
    assert (photo.read_bytes(), packed.read_bytes()) == before
    assert len(os.listdir(photo.parent)) == 2


def test_the_same_file_under_another_name(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    link = photo.with_name("link.jlic")
    link.symlink_to(photo)
    assert "same file" in failure(capsys, 2, "encode", photo, link)


def test_bad_input(photo: Path, packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = photo.parent
    (folder / "text").write_text("hello")
    (folder / "cut.jlic").write_bytes(packed.read_bytes()[:-20])
    damaged = bytearray(packed.read_bytes())
    damaged[60] ^= 4
    (folder / "damaged.jlic").write_bytes(damaged)
    (folder / "new.jlic").write_bytes(packed.read_bytes()[:4] + b"\3" + packed.read_bytes()[5:])
    out = folder / "out.png"
    before = sorted(os.listdir(folder))
    assert "not a picture" in failure(capsys, 1, "encode", folder / "text", folder / "out.jlic")
    assert "No such file" in failure(capsys, 1, "encode", folder / "none", folder / "out.jlic")
    assert "a folder" in failure(capsys, 2, "encode", folder, folder / "out.jlic")
    assert "folder" in failure(capsys, 1, "encode", photo, folder / "missing" / "out.jlic")
    assert "not a .jlic" in failure(capsys, 1, "decode", photo, out)
    assert "truncated" in failure(capsys, 1, "decode", folder / "cut.jlic", out)
    assert "damaged" in failure(capsys, 1, "decode", folder / "damaged.jlic", out)
    assert "version 3" in failure(capsys, 1, "decode", folder / "new.jlic", out)
    assert "No such file" in failure(capsys, 1, "decode", folder / "none", out)
    assert "limit" in failure(capsys, 1, "decode", packed, out, "--max-pixels", 6999)
    assert "not a .jlic" in failure(capsys, 1, "info", photo)
    assert "No such file" in failure(capsys, 1, "info", folder / "none")
    assert sorted(os.listdir(folder)) == before


@pytest.mark.parametrize("name", ["out.xyz", "out", "out.pgm"])
def test_an_unknown_output_format_costs_no_work(
    name: str, packed: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        weights,
        "load_codec",
        lambda *_: pytest.fail("loaded"),
    )
    assert name in failure(capsys, 1, "decode", packed, packed.with_name(name))


def test_an_unwritable_place_keeps_what_was_there(
    packed: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    restored = packed.with_name("restored.png")
    restored.write_bytes(b"precious")

    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(os, "replace", full)
    said = failure(capsys, 1, "decode", packed, restored, "--overwrite")
    assert said == f"jndlic: {restored}: No space left on device\n"
    assert restored.read_bytes() == b"precious"
    assert len(os.listdir(packed.parent)) == 3


def test_interruption(
    photo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ToyCodec, "analyse", interrupt)
    assert "interrupted" in failure(capsys, 130, "encode", photo, photo.with_suffix(".jlic"))
    assert os.listdir(photo.parent) == [photo.name]


@pytest.mark.parametrize("command", [["-m", "jndlic"], ["tools/encode.py"], ["tools/decode.py"]])
def test_entry_points(command: list[str], tmp_path: Path) -> None:
    file = [str(ROOT / command[0])] if command[0].endswith(".py") else command
    done = subprocess.run(
        [sys.executable, *file, "--help"],
        capture_output=True,
        text=True,
        cwd=tmp_path if len(file) == 1 else ROOT,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "usage: jndlic" in done.stdout


def test_maps_as_files(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from jndlic.jnd.models import tolerance_map

    pixels = np.asarray(Image.open(photo))
    assert run("jnd", "map", photo, tmp_path / "map.npy", "--model", "pattern") == 0
    exact = np.load(tmp_path / "map.npy")
    np.testing.assert_array_equal(exact, tolerance_map(pixels, "pattern"))
    assert run("jnd", "map", photo, tmp_path / "map.png", "--model", "pattern") == 0
    scale = int(capsys.readouterr().out.splitlines()[-1].split(";")[1].split()[0])
    np.testing.assert_allclose(
        np.asarray(Image.open(tmp_path / "map.png")) / scale, exact, atol=0.51 / scale
    )
    assert "folder does not exist" in failure(
        capsys, 1, "jnd", "map", photo, tmp_path / "none" / "map.npy"
    )
    failure(capsys, 1, "jnd", "map", tmp_path / "none.png", tmp_path / "map.npy")
    failure(capsys, 2, "jnd", "map", photo, tmp_path / "other.npy", "--model", "none")


def test_noise_and_filter_as_files(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from jndlic.jnd.models import critical, inject, tolerance_map

    pixels = np.asarray(Image.open(photo))
    assert run("jnd", "inject", photo, tmp_path / "noisy.png", "--level", "0.5", "--seed", "3") == 0
    wanted = inject(pixels, tolerance_map(pixels), 0.5, 3)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "noisy.png")), wanted)
    error = np.mean((wanted.astype(float) - pixels) ** 2)
    assert f"{10 * np.log10(255**2 / error):.2f} dB" in capsys.readouterr().out
    assert run("jnd", "filter", photo, tmp_path / "filtered.png") == 0
    capsys.readouterr()
    said = failure(capsys, 1, "jnd", "filter", photo, tmp_path / "filtered.png")
    assert "filtered.png: exists already" in said
    assert run("jnd", "filter", photo, tmp_path / "filtered.png", "-f") == 0
    np.testing.assert_array_equal(
        np.asarray(Image.open(tmp_path / "filtered.png")), critical(pixels)
    )
    capsys.readouterr()
    failure(capsys, 2, "jnd", "inject", photo, tmp_path / "other.png", "--level", "-1")
    failure(capsys, 2, "jnd", "inject", photo, photo)


def test_encoding_with_another_model(
    photo: Path, tmp_path: Path, toy: ToyCodec, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("encode", photo, tmp_path / "a.jlic", "--quiet", "--jnd", "klt") == 0
    pixels = np.asarray(Image.open(photo))
    wanted = jndlic.encode(pixels, codec=toy, jnd="klt")
    assert (tmp_path / "a.jlic").read_bytes() == wanted
    plane = jndlic.info(wanted)["quality_plane"]
    assert plane["min"] < 50 < plane["max"]
    assert run("info", tmp_path / "a.jlic") == 0
    said = capsys.readouterr().out
    assert (
        f"quality 50 (a plane of {plane['min']} to {plane['max']}, mean" in said
        and "quality plane" in said
    )
    assert run("encode", photo, tmp_path / "b.jlic", "--quiet", "--jnd", "namm") == 0
    assert (tmp_path / "b.jlic").read_bytes() == jndlic.encode(photo, codec=toy)
