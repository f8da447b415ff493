"""Files that are open and not decoded, and the two calls on arrays and paths."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from odd_files import Counting, Pipe
from PIL import Image
from places import ROOT
from toy_codec import ToyCodec

import jndlic
from jndlic.errors import FormatError, ImageError, ParameterError, UnsupportedError
from jndlic.format.container import (
    TAG_EXIF,
    TAG_ICC,
    TAG_PATCHES,
    TAG_XMP,
    Container,
    bare_header,
    pack,
    read_front,
    unpack,
)
from jndlic.jlic_file import JlicFile
from jndlic.runtime import load as weights

PIXELS = np.random.default_rng(0).integers(0, 256, (60, 1100, 4), dtype=np.uint8)
ICC = bytes(16) + b"RGB " + bytes(50)


@pytest.fixture
def data(toy: ToyCodec) -> bytes:
    """Two segments, alpha, all kinds of metadata."""
    container = unpack(jndlic.encode(PIXELS, 33))
    chunks = (TAG_ICC, ICC), (TAG_EXIF, b"II*\0\x08\0\0\0\0\0"), (TAG_XMP, b"<x/>")
    return pack(replace(container, chunks=container.chunks + chunks))


def test_only_the_front_is_read(data: bytes) -> None:
    for kind in (Counting, Pipe):
        stream = kind(data)
        with jndlic.open(stream) as file:
            assert isinstance(file, jndlic.JlicFile)
            assert (file.width, file.height, file.size) == (1100, 60, (1100, 60))
            assert (file.mode, file.quality) == ("RGBA", 33)
            assert file.metadata == {
                "icc_profile": ICC,
                "exif": b"II*\0\x08\0\0\0\0\0",
                "xmp": b"<x/>",
            }
            assert repr(file) == "<JlicFile 1100 x 60, RGBA, quality 33>"
            assert file.info() == jndlic.info(data)
            segments = sum(span.length + 4 for span in file.front.segments)
            assert stream.bytes_read == len(data) - segments < len(data) - 100
            np.testing.assert_array_equal(file.array(), jndlic.imread(data))
            assert stream.bytes_read == len(data)
            assert file.image() == jndlic.decode(data)
            assert stream.bytes_read == len(data)  # and not once more
        assert not stream.closed


def test_the_front_needs_no_codec(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> None:
        raise AssertionError("loaded")

    monkeypatch.setattr(weights, "load_codec", load)
    file = jndlic.open(data)
    with pytest.raises(AssertionError, match="loaded"):
        file.array()


def test_opening_needs_neither_pillow_nor_the_runtime(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "photo.jlic"
    path.write_bytes(data)
    program = (
        "import sys, jndlic; file = jndlic.open(sys.argv[1]); file.info(), file.metadata;"
        "sys.exit(bool({'torch', 'onnxruntime', 'constriction', 'PIL'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True, cwd=ROOT, timeout=60)


def test_as_an_array(data: bytes) -> None:
    file = jndlic.open(data)
    assert np.asarray(file).dtype == np.uint8
    np.testing.assert_array_equal(np.asarray(file), np.asarray(jndlic.decode(data)))
    assert np.asarray(file, np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="uncopied"):
        file.__array__(copy=False)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_size_is_that_of_the_turned_picture(orientation: int, data: bytes) -> None:
    container = unpack(data)
    turned = pack(replace(container, header=replace(container.header, orientation=orientation)))
    with jndlic.open(turned) as file:
        assert file.size == file.image().size == ((1100, 60) if orientation < 5 else (60, 1100))


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_mode_is_that_of_the_picture(mode: str, toy: ToyCodec) -> None:
    image = Image.fromarray(PIXELS).convert(mode)
    with jndlic.open(jndlic.encode(image)) as file:
        assert file.mode == file.image().mode == mode
        assert file.array().shape == np.asarray(image).shape


def test_a_damaged_segment_shows_when_it_is_decoded(data: bytes) -> None:
    damaged = data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]
    file = jndlic.open(damaged)
    assert file.size == (1100, 60)
    for call in (file.container, file.image, file.array):
        with pytest.raises(FormatError, match="segment 2"):
            call()
    for call in (jndlic.info, jndlic.decode, jndlic.imread):
        with pytest.raises(FormatError, match="segment 2"):
            call(damaged)


def test_bad_files(data: bytes, tmp_path: Path) -> None:
    for wrong in (b"", b"no file", data[:-1], data[:50], data + b"a"):
        with pytest.raises(FormatError):
            jndlic.open(wrong)
    with pytest.raises(UnsupportedError):
        jndlic.open(data[:4] + b"\x09")
    with pytest.raises(FormatError, match="limit"):
        jndlic.open(data, area_max=65999)
    with pytest.raises(ParameterError, match="area_max"):
        jndlic.open(data, area_max="9")
    with pytest.raises(ParameterError, match="load_codec"):
        jndlic.open(data).array(codec="cuda")
    for threads in (0, True):
        with pytest.raises(ParameterError, match="threads"):
            jndlic.open(data).array(threads=threads)


def test_closing(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "photo.jlic"
    path.write_bytes(data)
    with jndlic.open(path) as file:
        stream = file._stream
        assert stream is not None and not stream.closed
    assert stream.closed and file.size == (1100, 60)
    with pytest.raises(ParameterError, match="closed"):
        file.array()
    with JlicFile(path) as file:
        file.container()
    assert file.array().shape == PIXELS.shape  # what has been read stays
    opened = []
    path.write_bytes(data[:-1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "jndlic.jlic_file.read_front",
            lambda stream, limit: opened.append(stream) or read_front(stream, limit),
        )
        with pytest.raises(FormatError):
            jndlic.open(path)
    assert opened[0].closed


# Arrays and paths


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 2), (20, 30, 3), (20, 30, 4)])
def test_read_what_was_written(shape: tuple[int, ...], toy: ToyCodec, tmp_path: Path) -> None:
    array = np.full(shape, 90, np.uint8)
    for path in (tmp_path / "Photo.JLIC", str(tmp_path / "photo.jlic")):
        assert jndlic.imwrite(path, array, 100) is None
        restored = jndlic.imread(path)
        np.testing.assert_array_equal(restored, array)
        assert restored.flags.writeable
        assert jndlic.info(path)["quality"] == 100
    jndlic.imwrite(path, array)
    assert Path(path).read_bytes() == jndlic.encode(array)
    jndlic.imwrite(path, Image.fromarray(PIXELS), 70, jnd=np.full(PIXELS.shape[:2], 9.0), threads=1)
    assert jndlic.info(path)["width"] == 1100


def test_files_are_whole_or_not_there(
    toy: ToyCodec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "photo.jlic"
    path.write_bytes(b"before")
    path.chmod(0o640)
    for wrong, quality in ((PIXELS.astype(float), 50), (PIXELS, 0)):
        with pytest.raises((ImageError, ParameterError)):
            jndlic.imwrite(path, wrong, quality)
        assert path.read_bytes() == b"before"
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(5, "broken")))
    with pytest.raises(OSError, match="broken"):
        jndlic.imwrite(path, PIXELS)
    assert path.read_bytes() == b"before" and list(tmp_path.iterdir()) == [path]
    monkeypatch.undo()


def test_replacing_keeps_the_permissions(toy: ToyCodec, tmp_path: Path) -> None:
    path = tmp_path / "photo.jlic"
    path.write_bytes(b"before")
    path.chmod(0o640)
    jndlic.imwrite(path, PIXELS)
    assert path.stat().st_mode & 0o777 == 0o640 and jndlic.imread(path).shape == PIXELS.shape


def test_places_that_cannot_be_written_are_found_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load() -> None:
        raise AssertionError("loaded")

    monkeypatch.setattr(weights, "load_codec", load)
    for path, error, message in (
        (tmp_path / "photo.png", ParameterError, "must end in .jlic"),
        (tmp_path / "photo", ParameterError, "must end in .jlic"),
        (tmp_path / "nowhere" / "photo.jlic", ImageError, "folder does not exist"),
        (tmp_path, ImageError, "is a folder"),
        (io.BytesIO(), ParameterError, "got BytesIO"),
        (5, ParameterError, "got int"),
    ):
        with pytest.raises(error, match=message):
            jndlic.imwrite(path, PIXELS)
    assert not list(tmp_path.iterdir())


def test_a_pipe_has_any_name(toy: ToyCodec) -> None:
    reading, writing = os.pipe()
    jndlic.imwrite(f"/dev/fd/{writing}", PIXELS[:, :20])
    os.close(writing)
    with open(reading, "rb") as file:
        assert jndlic.imread(file).shape == (60, 20, 4)


def test_a_file_with_patches_that_are_not_read_is_described() -> None:
    size = 3
    fields = bytes([1, 0, 0, size - 1, size - 1, 4, 0, 3])  # one AVIF over the whole picture
    header = bare_header(size, size)
    file = jndlic.open(pack(Container(header, 0, b"", b"", (), ((TAG_PATCHES, fields + b"abc"),))))
    assert file.info()["patches"][0]["format"] == "AVIF"
    assert not file.info()["patches"][0]["lossless"]
    with pytest.raises(UnsupportedError, match="stored as AVIF"):
        file.array()
