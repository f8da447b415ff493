"""The smallest file that a predictor still accepts: searches over real files, what the files carry,
and the command.
"""

from __future__ import annotations

import io
import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from commands import run
from PIL import Image, ImageCms
from profiles import swapped_profile
from toy_codec import ToyCodec

from jndlic import files
from jndlic.codecs import pillow as by_pillow
from jndlic.codecs.codec import ImageCodec
from jndlic.codecs.ours import Jndlic
from jndlic.codecs.presets import PRESETS, codec_of, open_preset
from jndlic.codecs.registry import KINDS
from jndlic.console import progress
from jndlic.errors import CodecError, ImageError, ParameterError
from jndlic.images.files import decoded, load
from jndlic.images.picture import Picture, from_array
from jndlic.images.pillow import shown
from jndlic.optimize import search
from jndlic.optimize.batch import find_jobs
from jndlic.optimize.predictors import metric as metrics
from jndlic.optimize.predictors.metric import MetricPredictor
from jndlic.optimize.predictors.profiles import PROFILES, profile
from jndlic.optimize.predictors.registry import default_predictor
from jndlic.optimize.target import optimize
from jndlic.pipeline import decode_picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LOOK = profile("mcl-jci-75")
XMP = b"<x:xmpmeta/>"
FORMS = {"jpeg": "JPEG", "webp": "WEBP", "avif": "AVIF"}


pytestmark = pytest.mark.usefixtures("toy")


def pixels(height: int = 45, width: int = 61, seed: int = 0) -> np.ndarray:
    rows, columns = np.mgrid[0:height, 0:width]
    waves = np.dstack([rows * 3 + columns, columns * 2, 128 + 60 * np.sin(rows / 5.0)])
    return np.clip(waves + np.random.default_rng(seed).normal(0, 6, waves.shape), 0, 255).astype(
        np.uint8
    )


def opened(name: str) -> ImageCodec:
    if name == "jxl":
        pytest.importorskip("pillow_jxl")
    return open_preset(name)


class Fixed:
    """Predictor by a function of the distorted pixels."""

    def __init__(self, score, smooth: bool = True) -> None:
        self.name, self.smooth, self.highest, self._score = "fixed", smooth, math.inf, score

    def judge(self, reference: np.ndarray) -> SimpleNamespace:
        return SimpleNamespace(score=self._score)


class Steps:
    """A session whose pictures show their own level, and whose files may turn out coarser than what
    `view` showed.
    """

    def __init__(self, real: bool = True, worse: int = 0) -> None:
        self.levels, self.reference, self.real, self._worse = (
            tuple(range(1, 41)),
            pixels(8, 8),
            real,
            worse,
        )

    def view(self, level: int) -> np.ndarray:
        return np.full((8, 8, 3), level, np.uint8)

    def encode(self, level: int) -> bytes:
        return bytes([level - self._worse])

    def decode(self, data: bytes) -> np.ndarray:
        return np.full((8, 8, 3), data[0], np.uint8)


def rising(threshold: float) -> Fixed:
    return Fixed(lambda shown: LOOK.score + (float(shown.mean()) - threshold) / 10)


@pytest.mark.parametrize("rule", [None, *search.RULES])
def test_search_over_a_session(rule: str | None) -> None:
    found = optimize(Steps(), rising(22.9), LOOK, rule)
    assert (found.level, found.data, found.reached) == (23, b"\x17", True)
    assert found.evaluations == len(found.scores) and found.scores[
        23
    ] == found.score == pytest.approx(LOOK.score + 0.01)
    assert 0.75 < found.share < 0.76


def test_the_file_itself_decides() -> None:
    found = optimize(Steps(real=False, worse=3), rising(23), LOOK)
    assert (found.level, found.data, found.reached) == (26, b"\x17", True)
    assert found.evaluations == len(found.scores) + 4


def test_never_and_always() -> None:
    for bad in (-5.0, math.nan):
        for rule in search.RULES:
            never = optimize(Steps(), Fixed(lambda _, bad=bad: bad), LOOK, rule)
            assert (never.level, never.reached) == (40, False) and not math.isnan(never.score)
    assert optimize(Steps(real=False), Fixed(lambda _: math.nan), LOOK).score == -math.inf
    always = optimize(Steps(), Fixed(lambda _: 9.0), LOOK)
    assert (always.level, always.reached) == (1, True)


def test_a_demand_beyond_what_a_predictor_can_tell_is_refused() -> None:
    predictor = Fixed(lambda _: 9.0)
    predictor.highest = 3.5
    with pytest.raises(ParameterError, match="strict"):
        optimize(Steps(), predictor, profile("strict"))
    assert (
        default_predictor(profile("strict")) == "ssimulacra2"
        and default_predictor(profile("mcl-jci-95")) == "vp"
    )


def test_a_vote_does_not_let_a_bad_file_through() -> None:
    scores = np.where(np.arange(41) >= 20, 3.0, -3.0)
    scores[[20, 21]] = -1.0  # the window around them still votes for them
    found = optimize(
        Steps(),
        Fixed(lambda shown: float(scores[int(shown.mean())]), smooth=False),
        LOOK,
        "sliding-window",
    )
    assert found.reached and found.level == 22


def test_wrong_rule() -> None:
    with pytest.raises(ParameterError, match="bisect"):
        optimize(Steps(), rising(3), LOOK, "guess")


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("shape", [(45, 61, 3), (1, 1, 3), (5, 70, 3), (33, 20), (16, 17, 4)])
def test_every_codec_with_every_kind_of_picture(name: str, shape: tuple[int, ...]) -> None:
    array = pixels(*shape[:2])
    array = array[..., 0] if len(shape) == 2 else array
    if shape[2:] == (4,):
        array = np.dstack(
            [
                array,
                np.linspace(0, 255, array.shape[0] * array.shape[1])
                .reshape(array.shape[:2])
                .astype(np.uint8),
            ]
        )
    picture = from_array(array)
    session = opened(name).session(picture)
    found = optimize(session, MetricPredictor("ssimulacra2"), profile("mcl-jci-50"))
    assert found.level in session.levels and found.reached == (found.score >= 0)
    file = session.decode(found.data)
    assert file.shape == session.reference.shape == picture.pixels.shape and file.dtype == np.uint8
    assert np.array_equal(session.reference, shown(picture))
    error = np.abs(session.view(session.levels[-1]).astype(int) - session.reference).mean()
    assert error < (40 if name == "jndlic" else 8)  # the toy codec paints blocks
    if name != "jndlic":
        read = decoded(io.BytesIO(found.data), (FORMS.get(name, "JXL"),))
        assert (read.alpha is not None) == (picture.alpha is not None and name != "jpeg")
        assert read.grey == picture.grey or name == "webp"


@pytest.mark.parametrize("name", PRESETS)
def test_finer_levels_come_closer_and_cost_more(name: str) -> None:
    session = opened(name).session(Picture(pixels(64, 64)))
    coarse, fine = session.levels[4], session.levels[-5]
    assert len(session.encode(coarse)) < len(session.encode(fine))
    errors = [
        np.abs(session.view(level).astype(int) - session.reference).mean()
        for level in (coarse, fine)
    ]
    assert errors[0] > errors[1]
    assert np.array_equal(session.view(fine), session.decode(session.encode(fine)))


@pytest.mark.parametrize("name", FORMS)
def test_metadata_is_kept(name: str) -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "a hill", 6
    picture = Picture(pixels(), icc=SRGB, exif=exif.tobytes().removeprefix(b"Exif\0\0"), xmp=XMP)
    read = decoded(io.BytesIO(opened(name).encode(picture, 50)), (FORMS[name],))
    assert (read.icc, read.xmp) == (SRGB, XMP)
    kept = Image.Exif()
    kept.load(b"Exif\0\0" + read.exif)
    assert (kept[0x010E], kept[0x0112]) == ("a hill", 6)
    assert read.pixels.shape == picture.pixels.shape  # the orientation is kept, not applied


def test_jndlic_keeps_everything(toy: ToyCodec) -> None:
    alpha = np.full((45, 61), 7, np.uint8)
    picture = Picture(pixels(), alpha, icc=SRGB, exif=b"MM\0*rest", xmp=XMP)
    session = Jndlic().session(picture)
    read = decode_picture(session.encode(30), toy)
    assert (read.icc, read.exif, read.xmp) == (SRGB, b"MM\0*rest", XMP) and np.array_equal(
        read.alpha, alpha
    )
    assert session.reference.min() > 240  # nearly all of it is the white below


def test_jpeg_of_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's buffer is too small for the optimised file."""
    noise = Picture(
        np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8),
        exif=b"MM\0*\0\0\0\x08\0\0\0\0\0\0",
    )
    session = opened("jpeg").session(noise)
    assert session.view(94).shape == (400, 400, 3)
    tried = []

    def fails(picture: Picture, form: str, options: dict[str, object]) -> bytes:
        tried.append(options)
        if "optimize" in options:
            raise ImageError("suspended")
        return b"plain"

    monkeypatch.setattr(by_pillow, "encoded", fails)
    assert (
        session.encode(95) == b"plain"
        and len(tried) == 2
        and all(one["quality"] == 95 for one in tried)
    )


def test_a_format_that_cannot_hold_the_picture() -> None:
    with pytest.raises(ImageError, match="WEBP"):
        optimize(
            opened("webp").session(Picture(np.zeros((1, 17000, 3), np.uint8))), rising(3), LOOK
        )


def test_what_fails_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "long.png"
    Image.new("RGB", (17000, 1)).save(path)
    assert run("optimize", path, tmp_path / "out.webp") == 1
    assert f"{path}: cannot be written as WEBP" in capsys.readouterr().err


def test_jxl_is_upright_and_in_srgb() -> None:
    pytest.importorskip("pillow_jxl")
    from jndlic.codecs.display import upright

    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "a hill", 6
    picture = Picture(pixels(), icc=SRGB, exif=exif.tobytes().removeprefix(b"Exif\0\0"), xmp=XMP)
    session = open_preset("jxl").session(picture)
    assert np.array_equal(session.reference, np.rot90(picture.pixels, -1))  # sRGB as it is, turned
    data = session.encode(80)
    assert data == open_preset("jxl").encode(picture, 80)
    assert data.index(b"Exif\0\0\0\0MM\0*") and XMP in data
    with Image.open(io.BytesIO(data)) as image:
        kept = image.getexif()
        assert kept[0x010E] == "a hill" and 0x0112 not in kept and image.size == (45, 61)
    assert upright(replace(picture, exif=b"broken")).pixels is picture.pixels
    swapped = open_preset("jxl").session(Picture(pixels(), icc=swapped_profile()))
    assert np.abs(swapped.reference.astype(int) - pixels()[..., ::-1]).max() < 12


def test_jxl_without_its_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    with pytest.raises(CodecError, match=r"jndlic\[jxl\]"):
        open_preset("jxl")


def test_names_of_codecs() -> None:
    assert [
        codec_of(f"a{suffix.upper()}")
        for preset in PRESETS.values()
        for suffix in preset.suffixes[:1]
    ] == list(PRESETS)
    assert set(PRESETS) <= set(KINDS)
    with pytest.raises(ParameterError, match="--codec"):
        codec_of("a.bin")
    with pytest.raises(ParameterError, match="webp"):
        open_preset("gif")


def test_small_pictures_are_judged() -> None:
    judge = MetricPredictor("ssimulacra2").judge(pixels(1, 3))
    assert judge.score(pixels(1, 3)) > judge.score(255 - pixels(1, 3))
    assert MetricPredictor("ssimulacra2").judge(pixels(8, 40)).score(pixels(8, 40)) > 4


def test_butteraugli_without_its_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Exception, match="butteraugli_main"):
        MetricPredictor("butteraugli")


# ---------------------------------------------------------------- the command


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder: two pictures of one name, one in a folder below, one broken, and a text."""
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.png", "a.bmp", "sub/b.PNG"):
        Image.fromarray(pixels(seed=len(name))).save(folder / name)
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no picture either")
    return folder


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif", ".jlic"])
def test_one_file(
    tree: Path, tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / f"out{suffix}"
    assert run("optimize", tree / "a.png", target, "--profile", "mcl-jci-50") == 0
    said = capsys.readouterr().out
    assert (
        f"{target.stat().st_size} bytes, level " in said
        and " see no change" in said
        and "evaluations" in said
        and "than the input" in said
    )
    assert not list(tmp_path.glob(".*.tmp"))


def test_json_says_what_is_in_the_file(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.jpg"
    assert (
        run(
            "optimize",
            tree / "a.png",
            target,
            "--json",
            "--search",
            "sliding-window",
            "--predictor",
            "ssimulacra2",
        )
        == 0
    )
    facts = json.loads(capsys.readouterr().out)
    (one,) = facts["files"]
    assert (facts["codec"], facts["profile"], facts["predictor"]) == (
        "jpeg",
        "mcl-jci-75",
        "ssimulacra2",
    )
    assert (
        one["bytes"] == facts["bytes"] == target.stat().st_size
        and one["share"] >= 0.75
        and one["reached"]
    )
    judge = MetricPredictor("ssimulacra2").judge(load(tree / "a.png").pixels)
    assert judge.score(load(target).pixels) == pytest.approx(one["score"])


def test_a_tree(tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "out"
    assert run("optimize", tree, target, "--codec", "webp") == 1
    output, errors = capsys.readouterr()
    made = sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
    assert made == ["a.bmp.webp", "a.png.webp", "sub/b.webp"]
    assert all(name in output for name in made) and "total" in output
    assert "broken.png: not a picture" in errors
    before = (target / "sub/b.webp").stat().st_mtime_ns
    assert run("optimize", tree, target, "--codec", "webp", "--json") == 1
    assert len(json.loads(capsys.readouterr().out)["skipped"]) == 3
    assert (target / "sub/b.webp").stat().st_mtime_ns == before
    (tree / "broken.png").unlink()
    assert run("optimize", tree, target, "--codec", "webp", "--force", "--quiet") == 0
    assert (target / "sub/b.webp").stat().st_mtime_ns > before and capsys.readouterr().out == ""


def test_pictures_below_the_target_are_left_alone(tree: Path) -> None:
    inside = tree / "small"
    inside.mkdir()
    Image.fromarray(pixels()).save(inside / "old.png")
    assert all("small/" not in str(job.source) for job in find_jobs(tree, inside, "jpeg"))
    with pytest.raises(ParameterError, match="same folder"):
        find_jobs(tree, tree, "jpeg")
    (inside / "old.png").unlink()
    with pytest.raises(ImageError, match="no pictures"):
        find_jobs(inside, tree, "jpeg")


def test_a_file_larger_than_its_input_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "small.jpg"
    Image.fromarray(pixels()).save(source, quality=3)
    assert run("optimize", source, tmp_path / "out.jpg", "--profile", "strict") == 0
    output, errors = capsys.readouterr()
    assert "larger than the input" in output and "already: better keep that" in errors


def test_the_finest_level_is_written_where_none_will_do(
    tree: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(metrics.MetricPredictor, "judge", Fixed(lambda _: math.nan).judge)
    target = tmp_path / "out.jpg"
    assert run("optimize", tree / "a.png", target, "--json", "--predictor", "ssimulacra2") == 0
    output, errors = capsys.readouterr()
    (one,) = json.loads(output)["files"]
    assert (one["level"], one["reached"], one["score"]) == (
        100,
        False,
        None,
    ) and "falls short of mcl-jci-75" in errors
    assert target.is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a.png", "out.bin"), "--codec"),
        (("a.png", "out.jpg", "--codec", "webp"), "the suffix says jpeg"),
        (("a.png", "a.png", "--codec", "jpeg"), "same file"),
        ((".", "out"), "--codec is needed"),
        ((".", ".", "--codec", "jpeg"), "same folder"),
        ((".", "a.png", "--codec", "jpeg"), "into a folder"),
        (("a.png", "out.jpg", "--profile", "loose"), "mcl-jci-75"),
        (("a.png", "out.jpg", "--search", "guess"), "bisect"),
    ],
)
def test_wrong_usage(tree: Path, monkeypatch, capsys, words: tuple[str, ...], said: str) -> None:
    monkeypatch.chdir(tree)
    assert run("optimize", *words) == 2
    assert said in capsys.readouterr().err


def test_bad_input(tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("optimize", tree / "broken.png", tmp_path / "out.jpg") == 1
    assert run("optimize", tree / "missing.png", tmp_path / "out.jpg") == 1
    assert run("optimize", tree / "a.png", tmp_path / "no" / "out.jpg") == 1
    assert not (tmp_path / "out.jpg").exists() and "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("where", ["judge", "write"])
def test_an_interrupted_run_leaves_no_partial_file(
    tree: Path, tmp_path: Path, monkeypatch, where: str
) -> None:
    def stop(*_: object) -> float:
        raise KeyboardInterrupt

    if where == "judge":
        monkeypatch.setattr(metrics.MetricPredictor, "judge", Fixed(stop).judge)
    else:
        monkeypatch.setattr(files.os, "fsync", stop)
    target = tmp_path / "out"
    assert run("optimize", tree, target, "--codec", "jpeg", "--predictor", "ssimulacra2") == 130
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and tree not in path.parents]


def test_profiles_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("optimize", "--list-profiles") == 0
    said = capsys.readouterr().out
    assert all(name in said for name in PROFILES) and "(default)" in said and "proxy" in said


def test_encode_visually_lossless(
    tree: Path, tmp_path: Path, toy: ToyCodec, monkeypatch, capsys
) -> None:
    analysed = []
    analyse = toy.analyse
    monkeypatch.setattr(
        toy, "analyse", lambda *arguments: analysed.append(1) or analyse(*arguments)
    )
    monkeypatch.setattr(metrics.MetricPredictor, "judge", Fixed(lambda _: 9.0).judge)
    target = tmp_path / "out.jlic"
    assert (
        run("encode", tree / "a.png", target, "--predictor", "ssimulacra2", "--visually-lossless")
        == 0
    )
    said = capsys.readouterr().out
    assert (
        "level 1, " in said
        and "evaluations" in said
        and "than the input" in said
        and len(analysed) == 1
    )
    assert (
        run(
            "encode",
            "--visually-lossless",
            tree / "a.png",
            target,
            "--overwrite",
            "--profile",
            "strict",
            "--predictor",
            "ssimulacra2",
            "--jnd",
            "pattern",
        )
        == 0
    )
    capsys.readouterr()
    for words in (
        ["--visually-lossless", "-q", "5"],
        ["--predictor", "vp"],
        ["--visually-lossless", "--profile", "loose"],
        ["--profile", "strict"],
    ):
        assert run("encode", tree / "a.png", target, *words) == 2


def test_progress_without_tqdm(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert list(progress([1, 2])) == [1, 2] and capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert list(progress([1, 2])) == [1, 2] and "\r2/2 files" in capsys.readouterr().err


def test_pillow_without_a_format(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(Image.SAVE, "AVIF")
    monkeypatch.setattr(Image, "init", lambda: None)
    with pytest.raises(CodecError, match="AVIF"):
        open_preset("avif")


def test_a_learned_predictor_without_training() -> None:
    """Whatever it says, the search ends, with a file that it was asked about."""
    from jndlic.optimize.predictors.learned import LearnedPredictor, VpModel

    found = optimize(
        opened("jpeg").session(Picture(pixels())), LearnedPredictor("vp", VpModel()), LOOK
    )
    assert (
        found.level in found.scores
        and found.reached == (found.score >= LOOK.score)
        and found.evaluations < 60
    )
