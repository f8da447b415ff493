"""`jndlic compare`: files of equal size, what the page holds, and what can go wrong."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from commands import run
from PIL import Image
from toy_codec import ToyCodec

for needed in ("torch", "matplotlib", "jinja2", "scipy"):
    pytest.importorskip(needed, reason="needs the [bench] extra")

import jndlic
from jndlic.bench.report.layers import file_maps
from jndlic.bench.run import versions
from jndlic.bench.run.equal_size import file_of_size
from jndlic.bench.run.versions import prepared
from jndlic.codecs.pillow import Jpeg
from jndlic.errors import ImageError, ParameterError
from jndlic.images.picture import Picture

pytestmark = pytest.mark.usefixtures("toy")

QUICK = ("--codecs", "jpeg", "--metrics", "psnr-rgb")


def hills(height: int = 150, width: int = 200, seed: int = 0) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return np.array(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "hills.png"
    Image.fromarray(hills()).save(path)
    return path


def data_of(page: Path) -> dict:
    """What the page's script reads."""
    text = page.read_text(encoding="utf-8")
    return json.loads(re.search(r'<script id="data"[^>]*>(.*?)</script>', text, re.DOTALL)[1])


def pixels_of(source: str) -> np.ndarray:
    kind, _, content = source.partition(";base64,")
    assert kind == "data:image/webp"
    return np.array(Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB"))


def test_the_page_holds_real_files(photo: Path, tmp_path: Path, toy: ToyCodec) -> None:
    page = tmp_path / "page.html"
    toy.trained_on = ("psnr-rgb",)
    assert run("compare", photo, "-q", "90,40", *QUICK, "-o", page) == 0
    text, data = page.read_text(encoding="utf-8"), data_of(page)
    assert not re.search(r"""(src|href)\s*=\s*["']?https?:""", text) and "@import" not in text
    assert "PSNR of RGB, dB† ↑" in text and "it is no judge of them." in text

    (picture,) = data["pictures"]
    assert (picture["name"], picture["width"], picture["height"]) == ("hills.png", 200, 150)
    originals = set()
    for quality, rate in zip((40, 90), picture["rates"], strict=True):
        layers = {layer["name"]: layer for layer in rate["layers"]}
        assert list(layers) == ["original", "jndlic", "JPEG", "JND map", "step map", "bits map"]
        file = jndlic.encode(hills(), quality, codec=toy)
        said = layers["jndlic"]["caption"]
        assert said.startswith(f"quality {quality}: {8 * len(file) / 30000:.3f} bpp, {len(file):,}")
        assert "PSNR of RGB, dB†" in said
        level = int(re.match(r"level (\d+): ", layers["JPEG"]["caption"])[1])
        rival = Jpeg().encode(hills(), level)
        assert f", {len(rival):,} bytes (" in layers["JPEG"]["caption"]
        assert f"<td>{len(file):,}</td>" in text and f"<td>{len(rival):,}</td>" in text
        for name, wanted in (
            ("original", hills()),
            ("jndlic", np.array(jndlic.decode(file, codec=toy))),
            ("JPEG", Jpeg().decode(rival)),
        ):
            shown = pixels_of(data["sources"][layers[name]["source"]])
            np.testing.assert_array_equal(shown, wanted, err_msg=name)
        originals.add((layers["original"]["source"], layers["JND map"]["source"]))
    assert len(originals) == 1  # once in the page


@pytest.mark.parametrize("wanted", [0.0, 0.3, 0.5, 0.9])
def test_size_is_the_nearest_that_is_allowed(wanted: float) -> None:
    pixels, levels = hills(60, 80), range(1, 96)
    sizes = {level: len(Jpeg().encode(pixels, level)) for level in levels}
    size = min(sizes.values()) + wanted * (max(sizes.values()) - min(sizes.values()))
    allowed = {level: one for level, one in sizes.items() if one <= 1.02 * size}
    level, data = file_of_size(lambda level: Jpeg().encode(pixels, level), levels, size, 0.02)
    assert len(data) == sizes[level]
    assert abs(len(data) - size) == min(abs(one - size) for one in allowed.values())


def test_size_may_exceed_by_a_share_and_no_more() -> None:
    lengths = (900, 980, 1015, 1100)

    def chosen(excess: float, size: int = 1000) -> int:
        return file_of_size(lambda level: bytes(lengths[level]), range(4), size, excess)[0]

    assert chosen(0.02) == 2 and chosen(0.01) == 1  # 1015 is nearer, if it may be
    assert chosen(0.02, 2000) == 3 and chosen(0.02, 100) == 0


def test_maps_of_a_file_with_a_plane_of_qualities(toy: ToyCodec) -> None:
    pixels = hills(100, 100)
    tolerance = np.ones((100, 100), dtype=np.float32)
    tolerance[:, 64:] = 30.0
    data = jndlic.encode(pixels, 50, codec=toy, jnd=tolerance)
    maps = {layer["name"]: layer for layer in file_maps(data, pixels, toy)}
    assert list(maps) == ["JND map", "step map", "bits map", "quality plane"]
    size = {name: pixels_of(str(layer["source"])).shape[:2] for name, layer in maps.items()}
    assert size == {
        "JND map": (100, 100),
        "step map": (8, 8),
        "bits map": (8, 8),
        "quality plane": (4, 4),
    }
    assert [layer["width"] for layer in maps.values()] == [100, 6.25, 6.25, 3.125]
    plane = pixels_of(str(maps["quality plane"]["source"])).astype(int)
    assert plane[0, 0].sum() > plane[0, -1].sum()  # finer where less is hidden


def test_part_of_a_picture(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "part.html"
    assert run("compare", photo, "--crop", "30,20,70,50", *QUICK, "-o", page) == 0
    data = data_of(page)
    original = pixels_of(data["sources"][0])
    np.testing.assert_array_equal(original, hills()[20:70, 30:100])
    assert "70 × 50 pixels at 30, 20" in page.read_text(encoding="utf-8")
    capsys.readouterr()
    assert run("compare", photo, "--crop", "150,0,70,50", *QUICK, "-o", page, "-f") == 2
    assert "hills.png: the region 150,0,70,50" in capsys.readouterr().err


def test_large_pictures_are_refused_with_a_part_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    large = Picture(np.zeros((2100, 2000, 3), dtype=np.uint8))
    with pytest.raises(ImageError, match=r"2000 x 2100 pixels .* --crop 0,26,2000,2048$"):
        prepared(large, None)
    assert prepared(large, (0, 26, 2000, 2048)).height == 2048
    for outside in ((1, 26, 2000, 2048), (-1, 26, 2000, 2048), (0, 0, 5, 0)):
        with pytest.raises(ParameterError, match="not within the picture of 2000 x 2100 pixels"):
            prepared(large, outside)
    monkeypatch.setattr(versions, "PIXELS_MAX", 5000)
    with pytest.raises(ImageError, match="5000 of each"):
        prepared(Picture(hills()), None)


def test_pictures_are_compared_as_they_are_shown() -> None:
    pixels = hills(40, 60)
    alpha = np.full((40, 60), 255, dtype=np.uint8)
    alpha[:, :30] = 0
    turned = Image.Exif()
    turned[0x0112] = 6  # a quarter to the right
    shown = prepared(Picture(pixels, alpha, exif=turned.tobytes().removeprefix(b"Exif\0\0")), None)
    assert shown.alpha is None and shown.exif is None
    np.testing.assert_array_equal(shown.pixels[30:], np.rot90(pixels[:, 30:], -1))
    assert (shown.pixels[:30] == 255).all()
    grey = Picture(np.repeat(pixels[..., :1], 3, 2), grey=True)
    assert prepared(grey, (0, 0, 20, 20)).grey


def test_a_broken_picture_costs_itself_alone(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken, page = tmp_path / "broken.png", tmp_path / "page.html"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert run("compare", broken, photo, tmp_path / "none.png", *QUICK, "-o", page) == 1
    err = capsys.readouterr().err
    assert "broken.png: " in err and "none.png: " in err and "2 of 3 pictures failed" in err
    assert [picture["name"] for picture in data_of(page)["pictures"]] == ["hills.png"]
    assert run("compare", broken, *QUICK, "-o", tmp_path / "other.html") == 1
    assert not (tmp_path / "other.html").exists()


def test_a_rival_that_fails_costs_itself_alone(
    photo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails(*_: object) -> bytes:
        raise ImageError("no such picture")

    monkeypatch.setattr(Jpeg, "encode", fails)
    page = tmp_path / "page.html"
    assert (
        run("compare", photo, "--codecs", "jpeg", "webp", "--metrics", "psnr-rgb", "-o", page) == 1
    )
    assert "hills.png: JPEG: no such picture" in capsys.readouterr().err
    layers = data_of(page)["pictures"][0]["rates"][0]["layers"]
    assert [layer["name"] for layer in layers[:4]] == ["original", "jndlic", "WebP", "JND map"]


def test_levels_of_a_rival_can_be_chosen(photo: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    codecs = ("--codecs", "jpeg@7", "jpeg:subsampling=4:4:4@9", "jpeg@8")
    assert run("compare", photo, *codecs, "--metrics", "psnr-rgb", "-o", page) == 0
    layers = data_of(page)["pictures"][0]["rates"][0]["layers"][2:5]
    assert [layer["name"] for layer in layers] == ["JPEG", "JPEG 4:4:4", "JPEG (jpeg@8)"]
    assert [layer["caption"][:8] for layer in layers] == ["level 7:", "level 9:", "level 8:"]


def test_nothing_is_replaced_unasked(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    page.write_text("mine")
    assert run("compare", photo, *QUICK, "-o", page) == 1
    assert "--force replaces it" in capsys.readouterr().err and page.read_text() == "mine"
    assert run("compare", photo, *QUICK, "-o", page, "-f") == 0
    assert "1 picture, " in capsys.readouterr().out and page.read_text() != "mine"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "page.txt"), "must end in .html"),
        (("-o", "page.html", "-q", "0"), "1 to 100"),
        (("-o", "page.html", "-q", "30,"), "1 to 100"),
        (("-o", "page.html", "--crop", "1,2,3"), "X,Y,W,H"),
        (("-o", "page.html", "--crop", "1,2,3,0"), "X,Y,W,H"),
        (("-o", "page.html", "--codecs", "jpegg"), "no codec"),
        (("-o", "page.html", "--codecs", "jpeg@101"), "none of these levels"),
        (("-o", "page.html", "--metrics", "vmaf"), "no metric"),
        ((), "-o/--output"),
    ],
)
def test_wrong_wishes(
    words: tuple[str, ...],
    said: str,
    photo: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(photo.parent)
    assert run("compare", photo, *words) == 2
    assert said in capsys.readouterr().err
    assert not Path("page.html").exists()


def test_inputs_that_cannot_be(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("compare", tmp_path, *QUICK, "-o", tmp_path / "page.html") == 2
    assert "a folder" in capsys.readouterr().err
    assert run("compare", "-", photo, *QUICK, "-o", tmp_path / "page.html") == 2
    assert run("compare", photo, *QUICK, "-o", photo, "-f") == 2
    assert "the same file" in capsys.readouterr().err


def test_without_the_extra(
    photo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "jinja2" else found(name)
    )
    assert run("compare", photo, "-o", tmp_path / "page.html") == 1
    said = capsys.readouterr().err
    assert said == "jndlic: the comparison needs jinja2: pip install 'jndlic[bench]'\n"
