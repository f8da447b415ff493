"""Many files at once: what becomes of which, what one broken file costs, and what is said."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import run
from PIL import Image

import jndlic
from jndlic.errors import WeightsError
from jndlic.runtime import load as weights

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two pictures and one in a folder, for commands that run in the tree's own folder."""
    image = Image.fromarray(
        np.arange(20 * 30 * 3, dtype=np.uint16).astype(np.uint8).reshape(20, 30, 3)
    )
    (tmp_path / "d" / "sub").mkdir(parents=True)
    for name in ("a.png", "b.png", "d/c.bmp", "d/sub/e.avif", "d/sub/f.png"):
        image.save(tmp_path / name)
    (tmp_path / "d" / "notes.txt").write_text("none")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder: str) -> list[str]:
    """All files below a folder."""
    return sorted(
        str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file()
    )


def test_a_shell_pattern_of_two_pictures_overwrites_neither(tree: Path) -> None:
    before = Path("a.png").read_bytes(), Path("b.png").read_bytes()
    for option in ([], ["--force"]):
        assert run("encode", "a.png", "b.png", *option) == 0
        assert (Path("a.png").read_bytes(), Path("b.png").read_bytes()) == before
        assert jndlic.info(Path("b.jlic").read_bytes())["width"] == 30
    assert run("decode", "a.jlic", "b.jlic") == 1  # the pictures are there
    assert (Path("a.png").read_bytes(), Path("b.png").read_bytes()) == before
    assert run("decode", "a.jlic", "b.jlic", "--format", "ppm") == 0
    assert Path("a.ppm").is_file() and Path("b.ppm").is_file()


def test_one_input_without_output(tree: Path) -> None:
    assert run("encode", "a.png") == 0
    Path("a.png").unlink()
    assert run("decode", "a.jlic") == 0
    assert Path("a.png").is_file()


def test_outputs_of_odd_names(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("encode", "a.png", "out") == 2
    assert "must end in .jlic" in capsys.readouterr().err
    assert run("encode", "a.png", "-o", "b.png") == 2
    assert run("encode", "a.png", "out", "--force") == 0
    assert run("decode", "out", "-o", "picture", "--format", "png") == 0
    with Image.open("picture") as image:
        assert image.format == "PNG"


def test_options_between_the_names(tree: Path) -> None:
    assert run("encode", "a.png", "-q", 10, "out.jlic") == 0
    assert files("d") and Path("out.jlic").is_file()
    assert run("encode", "a.png", "-o", "o", "b.png") == 0
    assert files("o") == ["a.jlic", "b.jlic"]


def test_a_folder_that_is_there_is_written_into(tree: Path) -> None:
    Path("o").mkdir()
    assert run("encode", "a.png", "-o", "o") == 0
    assert run("encode", "b.png", "-o", "new/") == 0
    assert (files("o"), files("new")) == (["a.jlic"], ["b.jlic"])


def test_a_tree(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("encode", "d", "-r", "-o", "o") == 0
    assert files("o") == ["c.jlic", "sub/e.jlic", "sub/f.jlic"]
    assert capsys.readouterr().out.startswith("3 files, ")
    assert run("decode", "o", "-r", "-o", "back", "--format", "webp", "-v") == 0
    assert files("back") == ["c.webp", "sub/e.webp", "sub/f.webp"]
    assert len(capsys.readouterr().out.splitlines()) == 4
    assert run("encode", "d", "-r") == 0
    assert files("d")[:2] == ["c.bmp", "c.jlic"]


def test_pictures_below_the_output_are_no_inputs(tree: Path) -> None:
    assert run("encode", "d", "-r", "-o", "d/out") == 0
    Image.new("RGB", (5, 5)).save("d/out/later.png")
    assert run("encode", "d", "-r", "-o", "d/out", "--overwrite", "--quiet") == 0
    assert files("d/out") == ["c.jlic", "later.png", "sub/e.jlic", "sub/f.jlic"]


def test_names_that_would_meet(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (5, 5)).save("a.bmp")
    assert run("encode", "a.png", "a.bmp", "-o", "o") == 0
    assert files("o") == ["a.bmp.jlic", "a.png.jlic"]
    assert run("encode", "d/sub/f.png", "d", "-r", "-o", "p") == 0
    Image.new("RGB", (5, 5)).save("d/a.png")
    capsys.readouterr()
    assert run("encode", "a.png", "d/a.png", "-o", "q") == 2
    assert "both" in capsys.readouterr().err and not Path("q").exists()


def test_a_broken_picture_costs_that_picture_alone(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("broken.png").write_bytes(Path("a.png").read_bytes()[:60])
    assert run("encode", "a.png", "none.png", "broken.png", "b.png", "-o", "o", "--json") == 1
    lines, errors = capsys.readouterr()
    outcomes = [json.loads(line) for line in lines.splitlines()]
    assert [one["status"] for one in outcomes] == ["done", "failed", "failed", "done"]
    assert outcomes[0]["bytes"] == os.path.getsize("o/a.jlic")
    assert outcomes[2]["source"] == "broken.png" and outcomes[2]["error"]
    assert "none.png: No such file" in errors and errors.endswith("2 of 4 files failed\n")
    assert files("o") == ["a.jlic", "b.jlic"]


def test_what_is_there_is_left_out(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("o").mkdir()
    Path("o/a.jlic").write_bytes(b"old")
    assert run("encode", "a.png", "b.png", "-o", "o", "--skip-existing", "--json") == 0
    outcomes = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {one["source"]: one["status"] for one in outcomes} == {
        "a.png": "skipped",
        "b.png": "done",
    }
    assert Path("o/a.jlic").read_bytes() == b"old"
    assert run("encode", "a.png", "-o", "o/a.jlic", "--skip-existing") == 0
    assert "skipped" in capsys.readouterr().out


def test_weights_that_are_missing_end_it_all(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(*_: object) -> None:
        raise WeightsError("no weights")

    monkeypatch.setattr(weights, "load_codec", missing)
    assert run("encode", "a.png", "b.png") == 1
    assert capsys.readouterr().err == "jndlic: no weights\n"


@pytest.mark.parametrize("count", [2, 9])
def test_several_processes(count: int, tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the shipped weights, for a process of its own knows no toys."""
    Path("broken.png").write_bytes(Path("a.png").read_bytes()[:60])
    words = ("encode", "a.png", "b.png", "broken.png", "-o", "o", "-j", count, "--threads", 1)
    assert run(*words) == 1
    output, errors = capsys.readouterr()
    assert output.startswith("2 files, ") and "broken.png" in errors and "Traceback" not in errors
    assert files("o") == ["a.jlic", "b.jlic"]


def test_several_processes_without_weights(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("encode", "a.png", "b.png", "-j", 2, "--weights", "none.safetensors") == 1
    errors = capsys.readouterr().err
    assert "none.safetensors" in errors and len(errors.splitlines()) == 1


def test_a_bar_at_a_terminal(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert run("encode", "a.png", "b.png") == 0
    assert "left" in capsys.readouterr().err
    assert run("encode", "a.png", "b.png", "-f", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


# What the output cannot hold


def test_losses_are_told_hidden_or_refused(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("CMYK", (9, 9)).save("ink.tif")
    assert run("encode", "ink.tif", "--strict") == 1
    assert "CMYK" in capsys.readouterr().err and not Path("ink.jlic").exists()
    assert run("encode", "ink.tif") == 0
    assert capsys.readouterr().err == "jndlic: ink.tif: CMYK becomes RGB\n"
    assert run("encode", "ink.tif", "-f", "--quiet") == 0
    assert capsys.readouterr() == ("", "")
    assert run("encode", "ink.tif", "-f", "--json") == 0
    assert json.loads(capsys.readouterr().out)["warnings"]


def test_losses_of_decoding(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGBA", (9, 9), (1, 2, 3, 4)).save("clear.png", exif=exif)
    assert run("encode", "clear.png", "--quiet") == 0
    assert run("decode", "clear.jlic", "clear.ppm", "--strict") == 1
    capsys.readouterr()
    assert not Path("clear.ppm").exists()
    assert run("decode", "clear.jlic", "clear.ppm") == 0
    errors = capsys.readouterr().err
    assert "laid on white" in errors and "orientation 6" in errors
    assert run("decode", "clear.jlic", "clear.webp") == 0
    assert capsys.readouterr().err == ""
