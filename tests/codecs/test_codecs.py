"""Codecs under test: their names, real files of each, programs, and what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from fake_program import program

pytest.importorskip("torch")

from jndlic.api import encode
from jndlic.choices import CODECS, USUAL_CODECS
from jndlic.codecs.jpeg_xl import distance
from jndlic.codecs.registry import KINDS, Spec, open_codec, parse_spec
from jndlic.codecs.vvc import from_planes, to_planes
from jndlic.errors import CodecError, FormatError, ParameterError
from jndlic.images.picture import Picture
from jndlic.jnd.models import critical

NEEDS = {"jxl": "imagecodecs"}


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


def test_text_of_a_codec() -> None:
    assert parse_spec("jpeg") == Spec("jpeg", {}, None)
    assert parse_spec("avif:speed=6,subsampling=4:4:4@30,60") == Spec(
        "avif", {"speed": "6", "subsampling": "4:4:4"}, (30, 60)
    )
    for wrong in ("bpgg", "jpeg:speed=3", "jpeg@fast", "", "jpeg@"):
        with pytest.raises(ParameterError):
            parse_spec(wrong)
    with pytest.raises(ParameterError, match="speed must be of type int"):
        open_codec("avif:speed=fast")
    with pytest.raises(ParameterError, match="subsampling"):
        open_codec("jpeg:subsampling=4:1:1")
    assert tuple(KINDS) == CODECS and set(USUAL_CODECS) <= set(CODECS)


@pytest.mark.parametrize("text", USUAL_CODECS)
def test_files_of_the_usual_codecs(text: str, photo: np.ndarray) -> None:
    if text in NEEDS:
        pytest.importorskip(NEEDS[text])
    codec, pixels = open_codec(text), np.ascontiguousarray(photo[:97, :131])
    assert list(codec.levels) == sorted(codec.levels) and codec.name and codec.settings
    assert list(codec.usual_levels) == sorted(codec.usual_levels) and set(
        codec.usual_levels
    ) <= set(codec.levels)
    small, large = (
        codec.encode(pixels, level) for level in (codec.usual_levels[2], codec.usual_levels[-2])
    )
    assert len(small) < len(large)
    rough, fine = codec.decode(small), codec.decode(large)
    assert rough.dtype == np.uint8 and rough.shape == fine.shape == pixels.shape
    assert 18 < psnr(pixels, rough) < psnr(pixels, fine)
    assert sum(codec.parts(large).values()) in (0, len(large))
    assert open_codec(f"{text}@20,40").usual_levels == (20, 40)
    session = codec.session(Picture(pixels))
    assert session.levels == codec.levels and session.encode(codec.usual_levels[2]) == small
    np.testing.assert_array_equal(session.view(codec.usual_levels[2]), rough)
    np.testing.assert_array_equal(session.decode(small), rough)


def test_weights_and_options_are_part_of_the_settings() -> None:
    assert open_codec("jndlic").weights_hash in open_codec("jndlic").settings
    assert open_codec("avif:speed=6").settings != open_codec("avif:speed=7").settings
    assert open_codec("jpeg:progressive=1").settings != open_codec("jpeg").settings


def test_jnd_models_and_filters(photo: np.ndarray) -> None:
    pixels = np.ascontiguousarray(photo[:64, :96])
    own, other = open_codec("jndlic"), open_codec("jndlic:jnd=pattern")
    assert other.encode(pixels, 50) == encode(pixels, 50, jnd="pattern") != own.encode(pixels, 50)
    assert other.settings != own.settings and other.name == "jndlic, pattern map"
    filtered = open_codec("jpeg:filter=klt")
    assert filtered.encode(pixels, 50) == open_codec("jpeg").encode(critical(pixels), 50)
    assert (
        filtered.settings != open_codec("jpeg").settings
        and filtered.decode(filtered.encode(pixels, 50)).shape == pixels.shape
    )
    session = filtered.session(Picture(pixels))
    assert session.encode(50) == filtered.encode(pixels, 50) and np.array_equal(
        session.reference, pixels
    )
    for wrong in ("jndlic:jnd=none", "jpeg:filter=none", "jxl:library=none"):
        with pytest.raises(ParameterError, match="there are|must be one of"):
            open_codec(wrong)


def test_distances_of_libjxl() -> None:
    """Values that `cjxl` documents: quality 90 is distance 1, 100 is 0.1 before it turns lossless;
    both branches meet at 30.
    """
    assert distance(90) == pytest.approx(1.0)
    assert distance(30) == pytest.approx(6.4)
    assert distance(29.999) == pytest.approx(6.4, abs=0.05)
    assert distance(10) > distance(20) > distance(30)


def test_both_libraries_of_jpeg_xl(photo: np.ndarray) -> None:
    pytest.importorskip("imagecodecs")
    pytest.importorskip("pillow_jxl")
    pixels = np.ascontiguousarray(photo[:97, :131])
    one, other = open_codec("jxl"), open_codec("jxl:library=pillow")
    assert one.settings != other.settings
    assert (
        abs(
            psnr(pixels, one.decode(one.encode(pixels, 80)))
            - psnr(pixels, other.decode(other.encode(pixels, 80)))
        )
        < 1
    )


@pytest.mark.parametrize("text", ["jpeg", "jxl", "jndlic"])
def test_a_picture_where_pixels_would_do(text: str, photo: np.ndarray) -> None:
    """What is transparent is white to formats without alpha, and to those who look."""
    if text in NEEDS:
        pytest.importorskip(NEEDS[text])
    codec, pixels = open_codec(text), np.ascontiguousarray(photo[:64, :96])
    clear = codec.decode(codec.encode(Picture(pixels, np.zeros((64, 96), np.uint8)), 90))
    assert clear.shape == pixels.shape and clear.min() > 250
    assert codec.encode(Picture(pixels), 50) == codec.encode(pixels, 50)


def test_a_program_by_its_description(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photo: np.ndarray
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    program(
        tmp_path,
        "thin",
        (
            "import sys, zlib, pathlib\n"
            "if sys.argv[1] == 'version': print('thin 1.5'); sys.exit()\n"
            "job, source, target = sys.argv[1], *map(pathlib.Path, sys.argv[-2:])\n"
            "work = zlib.compress if job == 'pack' else zlib.decompress\n"
            "target.write_bytes(work(source.read_bytes()))\n"
        ),
    )
    description = {
        "name": "thin",
        "version": "thin version",
        "levels": [1, 9],
        "picture": ".ppm",
        "suffix": ".thin",
        "encode": "thin pack {level} {input} {output}",
        "decode": "thin unpack {input} {output}",
    }
    file = tmp_path / "thin.json"
    file.write_text(json.dumps(description))
    codec = open_codec(f"program:file={file}")
    assert (codec.name, codec.levels) == (codec.name, codec.usual_levels) == (
        "thin",
        (1, 9),
    ) and codec.settings.startswith("thin 1.5; ")
    pixels = np.ascontiguousarray(photo[:40, :50])
    np.testing.assert_array_equal(codec.decode(codec.encode(pixels, 9)), pixels)
    with pytest.raises(CodecError, match="thin failed"):
        codec.decode(b"not of this format")
    file.write_text(json.dumps({**description, "encode": "nowhere {input}"}))
    with pytest.raises(CodecError, match="nowhere is not on PATH"):
        open_codec(f"program:file={file}")
    for wrong in ({"name": "a"}, {**description, "colour": 1}):
        file.write_text(json.dumps(wrong))
        with pytest.raises(ParameterError):
            open_codec(f"program:file={file}")


def test_programs_that_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for text in ("vvc", "bpg"):
        with pytest.raises(CodecError, match="is not on PATH"):
            open_codec(text)


def test_vvc_hands_planes_over_and_takes_them_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photo: np.ndarray
) -> None:
    """With programs that copy: what is left is the way to 4:2:0 and back, and the size of the
    picture.
    """
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    copy = (
        "import sys, shutil\n"
        "if '--version' in sys.argv: print('vvenc 9'); sys.exit()\n"
        "words = dict(zip(sys.argv[1::2], sys.argv[2::2]))\n"
        "shutil.copy(words.get('--input') or words['--bitstream'], words['--output'])\n"
    )
    program(tmp_path, "vvencapp", copy)
    program(tmp_path, "vvdecapp", copy)
    codec, pixels = open_codec("vvc"), np.ascontiguousarray(photo[:45, :61])
    assert codec.settings.startswith("vvenc 9, preset medium")
    data = codec.encode(pixels, 30)
    assert len(data) == 4 + 48 * 64 * 3  # padded to multiples of 8, 1.5 samples of 2 bytes a pixel
    assert psnr(pixels, codec.decode(data)) > 28  # what halving the colours leaves
    with pytest.raises(FormatError):
        codec.decode(data[:3])
    with pytest.raises(FormatError):
        codec.decode(data[:-100])


def test_colours_of_bt709() -> None:
    """White is (940, 512, 512), black (64, 512, 512), red has luma 0.2126 (ITU-R BT.709, limited
    range, 10 bit).
    """
    for colour, wanted in (
        ((255, 255, 255), (940, 512, 512)),
        ((0, 0, 0), (64, 512, 512)),
        ((255, 0, 0), (250, 409, 960)),
    ):
        flat = np.full((4, 4, 3), colour, np.uint8)
        planes = np.frombuffer(to_planes(flat), "<u2")
        assert (planes[0], planes[16], planes[20]) == wanted
        np.testing.assert_allclose(from_planes(to_planes(flat), 4, 4), flat, atol=1)


def test_zoo_needs_weights_at_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photo: np.ndarray
) -> None:
    pytest.importorskip("compressai")
    import torch
    from compressai.models import MeanScaleHyperprior
    from compressai.zoo import image as zoo

    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    with pytest.raises(ParameterError, match="no network"):
        open_codec("zoo:model=unknown")
    with pytest.raises(CodecError, match="no weights of mbt2018-mean"):
        open_codec("zoo:model=mbt2018-mean")
    url = zoo.model_urls["mbt2018-mean"]["mse"][1]
    network = MeanScaleHyperprior(128, 192)
    network.update()
    (tmp_path / "checkpoints").mkdir()
    torch.save(network.state_dict(), tmp_path / "checkpoints" / url.rpartition("/")[2])
    monkeypatch.setattr(zoo, "load_state_dict_from_url", lambda *_, **__: network.state_dict())
    codec, pixels = open_codec("zoo:model=mbt2018-mean"), np.ascontiguousarray(photo[:70, :90])
    assert codec.levels == codec.usual_levels == (1,)
    data = codec.encode(pixels, 1)
    assert (
        codec.decode(data).shape == pixels.shape
        and sum(codec.parts(data).values()) == len(data) - 9
    )
    with pytest.raises(CodecError, match="quality 5"):
        codec.encode(pixels, 5)
