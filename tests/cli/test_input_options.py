"""`encode --frame`, `--strip` and `--keep-profile`, and the same in Python and Pillow's `save`."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import run
from PIL import Image, ImageOps, features
from profiles import swapped_profile
from toy_codec import ToyCodec

import jndlic
import jndlic.pillow_plugin  # registers the format with Pillow
from jndlic.errors import ParameterError, UnsupportedError
from jndlic.format.container import TAG_EXIF, TAG_ICC, TAG_XMP, unpack

pytestmark = pytest.mark.usefixtures("toy")

PIXELS = np.random.default_rng(6).integers(0, 256, (48, 64, 3), dtype=np.uint8)
ALPHA = PIXELS[..., 0].copy()
XMP = b"<x:xmpmeta/>"
PROFILE = swapped_profile()


def exif(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[0x0112], tags[0x013B] = orientation, "somebody"
    return tags.tobytes()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turned photo with everything, and an animation, in the folder where the commands run."""
    monkeypatch.chdir(tmp_path)
    photo, exactly = Image.fromarray(np.dstack((PIXELS, ALPHA))), {"lossless": True, "exact": True}
    photo.save("photo.webp", exif=exif(6), icc_profile=PROFILE, xmp=XMP, **exactly)
    frames = [Image.fromarray(PIXELS[top : top + 16]) for top in (0, 16, 32)]
    frames[0].save("frames.webp", save_all=True, append_images=frames[1:], lossless=True)


def made(*arguments: object, source: str = "photo.webp") -> bytes:
    """The file that the command makes."""
    assert run("encode", source, "out.jlic", "-f", *arguments) == 0
    return Path("out.jlic").read_bytes()


def seen(image: Image.Image) -> np.ndarray:
    """A picture as a viewer turns it."""
    return np.asarray(ImageOps.exif_transpose(image))


WAYS = [(), ("--lossless",), ("-q", 80), ("--target-size", "40KB")]


# Strip


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_strip(way: tuple[object, ...]) -> None:
    data, full = made(*way, "--strip"), made(*way)
    container = unpack(data)
    assert container.payload(TAG_EXIF) is None and container.payload(TAG_XMP) is None
    assert container.payload(TAG_ICC) == PROFILE
    assert container.header.orientation == 6
    assert len(data) <= len(full) - len(XMP) - 20
    # Other than that the files hold the same
    assert container.segments == unpack(full).segments
    image = jndlic.decode(data)
    assert image.size == (48, 64)
    assert set(image.info) == {"icc_profile"}
    np.testing.assert_array_equal(np.asarray(image), seen(jndlic.decode(full)))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_honoured(orientation: int) -> None:
    Image.fromarray(PIXELS).save("turned.png", exif=exif(orientation))
    data = made("--lossless", "--strip", source="turned.png")
    with Image.open("turned.png") as image:
        np.testing.assert_array_equal(jndlic.imread(data), seen(image))
    with jndlic.open(data) as file:
        assert file.size == jndlic.decode(data).size
    part = jndlic.imread(data, region=(3, 5, 20, 30))
    np.testing.assert_array_equal(part, jndlic.imread(data)[5:35, 3:23])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["ppm", "bmp", "png"])
def test_formats_without_exif_are_turned(
    suffix: str, orientation: int, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(PIXELS).save("turned.png", exif=exif(orientation))
    for way in ("--lossless", "--strip"):  # --strip: drawn by the network, and turned by the file
        made(way, "--quiet", source="turned.png")
        capsys.readouterr()
        assert run("decode", "out.jlic", f"out.{suffix}", "-f", "--json") == 0
        told = json.loads(capsys.readouterr().out)
        with Image.open(f"out.{suffix}") as image, jndlic.open("out.jlic") as file:
            assert (told["width"], told["height"]) == image.size
            np.testing.assert_array_equal(seen(image), seen(file.image()))
    made("-q", 40, "--patches", "off", "--quiet", source="turned.png")
    assert run("decode", "out.jlic", f"out.{suffix}", "-f", "--quiet") == 0
    with Image.open(f"out.{suffix}") as image, jndlic.open("out.jlic") as file:
        np.testing.assert_array_equal(seen(image), seen(file.image()))


def test_the_command_restores_it_the_same_way_up(capsys: pytest.CaptureFixture[str]) -> None:
    made("--lossless", "--strip")
    assert run("info", "out.jlic") == 0
    assert "64 x 48, RGB + alpha, turned by orientation 6" in capsys.readouterr().out
    assert run("decode", "out.jlic", "out.png") == 0
    with Image.open("out.png") as image, Image.open("photo.webp") as photo:
        assert len(image.getexif()) == 0
        np.testing.assert_array_equal(np.asarray(image), seen(photo))


def test_a_mask_lies_on_the_picture_as_it_is_seen() -> None:
    mask = np.zeros((64, 48), np.uint8)
    mask[:20] = 255
    Image.fromarray(mask).save("mask.png")
    stripped = unpack(made("--roi", "mask.png", "--strip"))
    full = unpack(made("--roi", "mask.png"))
    assert stripped.segments == full.segments and stripped.hyper == full.hyper
    assert stripped.payload(b"QPLN") == full.payload(b"QPLN") is not None


def test_a_target_is_measured_on_the_picture_as_it_is_seen() -> None:
    options = "--target-metric", "psnr-rgb=9"
    stripped, full = made(*options, "--strip"), made(*options)
    assert unpack(stripped).segments == unpack(full).segments


def test_a_judge_sees_it_as_it_is_seen(toy: ToyCodec) -> None:
    from jndlic.codecs.ours import JndlicSession
    from jndlic.pipeline import analyse_picture
    from jndlic.sources import picture_of, picture_to_keep

    picture = picture_to_keep(picture_of("photo.webp"), strip=True, keep_profile=True)
    session = JndlicSession(picture, toy, analyse_picture(picture, toy))
    assert session.reference.shape == (64, 48, 3)
    np.testing.assert_array_equal(session.decode(session.encode(70)), session.view(70))


def test_strip_by_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(Path("photo.webp").read_bytes()))
    monkeypatch.setattr(sys, "stdin", stream)
    assert run("encode", "-", "out.jlic", "--strip") == 0
    assert Path("out.jlic").read_bytes() == jndlic.encode("photo.webp", strip=True)


def test_strip_a_folder() -> None:
    Path("photos").mkdir()
    Path("photo.webp").rename("photos/a.webp")
    Path("frames.webp").rename("photos/b.webp")
    assert run("encode", "photos", "-r", "-o", "out", "--strip") == 0
    data = Path("out/a.jlic").read_bytes()
    assert data == jndlic.encode("photos/a.webp", strip=True)
    assert unpack(data).header.orientation == 6
    assert unpack(Path("out/b.jlic").read_bytes()).header.orientation == 1


def test_nothing_to_strip() -> None:
    Image.fromarray(PIXELS).save("bare.png")
    assert made("--strip", source="bare.png") == made(source="bare.png")


# Frames


@pytest.mark.parametrize("frame", [0, 1, 2])
def test_a_frame(frame: int, capsys: pytest.CaptureFixture[str]) -> None:
    data = made("--frame", frame, "--lossless", "--strict", source="frames.webp")
    np.testing.assert_array_equal(jndlic.imread(data), PIXELS[16 * frame : 16 * frame + 16])
    assert "frame" not in capsys.readouterr().err
    path = Path("frames.webp")
    assert data == jndlic.encode(path, lossless=True, frame=frame)
    assert data == jndlic.encode(path.read_bytes(), lossless=True, frame=frame)
    with path.open("rb") as file:
        assert data == jndlic.encode(file, lossless=True, frame=np.int64(frame))


def test_the_first_frame_with_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    first = made("--lossless", source="frames.webp")
    assert "only the first of 3 frames is read" in capsys.readouterr().err
    assert first == jndlic.encode("frames.webp", lossless=True, frame=0)
    assert run("encode", "frames.webp", "strict.jlic", "--strict") == 1


def test_there_is_no_such_frame(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("encode", "frames.webp", "out.jlic", "--frame", 3) == 2
    assert not Path("out.jlic").exists()
    said = capsys.readouterr().err
    assert said == (
        "jndlic: frames.webp: there is no frame 3: the file has 3 frames, numbers 0 to 2\n"
    )
    for source in ("frames.webp", Path("frames.webp").read_bytes()):
        with pytest.raises(ParameterError, match="3 frames"):
            jndlic.encode(source, frame=3)
    with open("frames.webp", "rb") as file, pytest.raises(ParameterError, match=r"^frames\.webp"):
        jndlic.encode(file, frame=3)
    # Of a batch it costs the picture alone
    assert run("encode", "frames.webp", "photo.webp", "-o", "out", "--frame", 1, "--json") == 1
    states = [json.loads(line)["status"] for line in capsys.readouterr().out.splitlines()]
    assert states == ["done", "failed"]


def test_frames_are_numbers_of_files(capsys: pytest.CaptureFixture[str]) -> None:
    for value in ("-1", "x", "1.5"):
        assert run("encode", "frames.webp", "out.jlic", f"--frame={value}") == 2
        assert repr(value) in capsys.readouterr().err
    for wrong in (-1, 1.5, True, "1"):
        with pytest.raises(ParameterError):
            jndlic.encode("frames.webp", frame=wrong)  # pyright: ignore[reportArgumentType]
    for picture in (PIXELS, Image.fromarray(PIXELS)):
        with pytest.raises(ParameterError, match="goes with a file"):
            jndlic.encode(picture, frame=0)


# Profiles


def test_profiles_are_kept_or_applied() -> None:
    assert unpack(made("--lossless")).payload(TAG_ICC) == PROFILE
    assert made("--lossless", "--keep-profile") == made("--lossless")
    data = made("--lossless", "--no-keep-profile")
    image = jndlic.decode(data)
    assert "icc_profile" not in image.info and image.info["xmp"] == XMP
    pixels = np.asarray(image)
    assert np.abs(pixels[..., :3].astype(int) - PIXELS[..., ::-1]).max() < 12
    np.testing.assert_array_equal(pixels[..., 3], ALPHA)
    assert data == jndlic.encode("photo.webp", lossless=True, keep_profile=False)


def test_both() -> None:
    data = made("--no-keep-profile", "--strip", "-q", 70)
    image = jndlic.decode(data)
    assert image.size == (48, 64) and not image.info
    assert data == jndlic.encode("photo.webp", 70, strip=True, keep_profile=False)


def test_a_profile_that_cannot_be_applied(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = PROFILE[:20] + bytes(len(PROFILE) - 20)
    Image.fromarray(PIXELS).save("broken.png", icc_profile=broken)
    assert unpack(made("--lossless", source="broken.png")).payload(TAG_ICC) == broken
    assert capsys.readouterr().err == ""
    plain = made("--lossless", "--no-keep-profile", source="broken.png")
    assert "taken for sRGB" in capsys.readouterr().err
    np.testing.assert_array_equal(jndlic.imread(plain), PIXELS)
    assert run("encode", "broken.png", "no.jlic", "--no-keep-profile", "--strict") == 1
    monkeypatch.setattr(features, "check", lambda _: False)
    assert run("encode", "photo.webp", "no.jlic", "--no-keep-profile") == 1
    assert "LittleCMS" in capsys.readouterr().err
    with pytest.raises(UnsupportedError):
        jndlic.encode("photo.webp", keep_profile=False)


# The other ways in


def test_imwrite_and_pillow() -> None:
    options = {"strip": True, "keep_profile": False}
    expected = jndlic.encode("photo.webp", 60, **options)
    jndlic.imwrite("a.jlic", "photo.webp", 60, **options)
    with Image.open("photo.webp") as image:
        image.save("b.jlic", quality=60, **options)
    assert Path("a.jlic").read_bytes() == Path("b.jlic").read_bytes() == expected
    jndlic.imwrite("c.jlic", "frames.webp", lossless=True, frame=2)
    np.testing.assert_array_equal(jndlic.imread("c.jlic"), PIXELS[32:48])
    with Image.open("b.jlic") as image:
        assert image.info["orientation"] == 6 and image.size == (48, 64)


@pytest.mark.parametrize("wrong", [{"strip": 1}, {"strip": None}, {"keep_profile": "no"}])
def test_neither_true_nor_false(wrong: dict[str, bool], toy: ToyCodec) -> None:
    with pytest.raises(ParameterError, match="True or False"):
        jndlic.encode(PIXELS, codec=toy, **wrong)
