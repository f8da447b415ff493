"""What encode, decode and info take: every kind of source says the same, and keeps its place."""

from __future__ import annotations

import gzip
import io
import os
import tempfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from odd_files import Counting, OnlyRead, Pipe
from PIL import Image
from toy_codec import ToyCodec

import jndlic
from jndlic.errors import FormatError, ImageError, ParameterError
from jndlic.images.picture import from_array

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)


class Named(os.PathLike):
    """A path of somebody else's class."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return str(self._path)


FILES: dict[str, Callable[[Path], object]] = {
    "str": str,
    "Path": lambda path: path,
    "PathLike": Named,
    "file": lambda path: path.open("rb"),
    "unbuffered": lambda path: path.open("rb", buffering=0),
    "BytesIO": lambda path: Counting(path.read_bytes()),
    "pipe": lambda path: Pipe(path.read_bytes()),
    "only read": lambda path: OnlyRead(path.read_bytes()),
    "bytes": lambda path: path.read_bytes(),
    "bytearray": lambda path: bytearray(path.read_bytes()),
    "memoryview": lambda path: memoryview(path.read_bytes()),
}


def closed(source: object) -> None:
    """Closes what is a file; one that was closed by another shows."""
    if isinstance(source, io.IOBase):
        assert not source.closed
        source.close()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(PIXELS).save(path)
    return path


@pytest.fixture
def compressed(toy: ToyCodec, tmp_path: Path) -> Path:
    path = tmp_path / "photo.jlic"
    path.write_bytes(jndlic.encode(PIXELS, 40))
    return path


@pytest.mark.parametrize("kind", FILES)
def test_pictures_from_any_file(kind: str, picture: Path, toy: ToyCodec) -> None:
    source = FILES[kind](picture)
    assert jndlic.encode(source, 40) == jndlic.encode(PIXELS, 40)
    closed(source)


def test_pictures_without_a_file(toy: ToyCodec) -> None:
    expected = jndlic.encode(PIXELS, 40)
    assert jndlic.encode(Image.fromarray(PIXELS), 40) == expected
    assert jndlic.encode(from_array(PIXELS), 40) == expected


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")])
def test_arrays(channels: int, mode: str, toy: ToyCodec) -> None:
    array = np.random.default_rng(1).integers(0, 256, (20, 30, channels), dtype=np.uint8)
    image = jndlic.decode(jndlic.encode(array))
    assert (image.mode, image.size) == (mode, (30, 20))
    if channels in (2, 4):
        np.testing.assert_array_equal(np.asarray(image)[..., -1], array[..., -1])
    if channels == 1:
        assert jndlic.encode(array) == jndlic.encode(array[..., 0])


@pytest.mark.parametrize("kind", FILES)
def test_files_to_be_decoded(kind: str, compressed: Path) -> None:
    source = FILES[kind](compressed)
    image = jndlic.decode(source)
    assert image == jndlic.decode(compressed.read_bytes()) and image.size == (50, 40)
    closed(source)
    source = FILES[kind](compressed)
    assert jndlic.info(source) == jndlic.info(compressed.read_bytes())
    closed(source)


def test_a_pipe_of_the_system(compressed: Path, picture: Path) -> None:
    for path, call in ((compressed, jndlic.decode), (compressed, jndlic.info), (picture, len_of)):
        reading, writing = os.pipe()

        def write(number: int = writing, content: bytes = path.read_bytes()) -> None:
            with open(number, "wb") as file:
                file.write(content)

        thread = threading.Thread(target=write)
        thread.start()
        with open(reading, "rb") as file:
            assert call(file) == call(path)
        thread.join()


def test_files_of_other_libraries(compressed: Path, picture: Path) -> None:
    for path, call in ((compressed, jndlic.decode), (compressed, jndlic.info), (picture, len_of)):
        packed = path.with_suffix(".gz")
        packed.write_bytes(gzip.compress(path.read_bytes()))
        with gzip.open(packed) as file:
            assert call(file) == call(path)
        archive = path.with_suffix(".zip")
        with zipfile.ZipFile(archive, "w") as file:
            file.write(path, "name")
        with zipfile.ZipFile(archive) as file, file.open("name") as member:
            assert call(member) == call(path)
        with tempfile.NamedTemporaryFile() as file:
            file.write(path.read_bytes())
            assert call(file) == call(path)


def len_of(source: object) -> int:
    return len(jndlic.encode(source))


def test_files_are_read_from_their_beginning(compressed: Path, picture: Path) -> None:
    for path, call in ((compressed, jndlic.decode), (compressed, jndlic.info), (picture, len_of)):
        buffer = io.BytesIO()
        buffer.write(path.read_bytes())  # and stands at its end
        assert call(buffer) == call(path)


@pytest.mark.parametrize("call", [jndlic.encode, jndlic.decode, jndlic.info, jndlic.imread])
def test_what_is_no_source(call: Callable, picture: Path, tmp_path: Path, toy: ToyCodec) -> None:
    for wrong in (5, None, 1.5, [1, 2], {"a": 1}, object()):
        with pytest.raises(ParameterError, match=f"got {type(wrong).__name__}"):
            call(wrong)
    with picture.open() as text, pytest.raises(ParameterError, match="binary"):
        call(text)
    with pytest.raises(ParameterError, match="binary"):
        call(io.StringIO("text"))
    with tempfile.NamedTemporaryFile("w+") as text, pytest.raises(ParameterError, match="binary"):
        call(text)
    with picture.open("rb") as file:
        pass
    with pytest.raises(ParameterError, match="closed"):
        call(file)
    with pytest.raises(FileNotFoundError):
        call(tmp_path / "nothing")
    with pytest.raises(OSError):
        call(tmp_path)


@pytest.mark.parametrize("call", [jndlic.decode, jndlic.info, jndlic.imread, jndlic.open])
def test_an_array_is_no_jlic_file(call: Callable) -> None:
    with pytest.raises(ParameterError, match="ndarray"):
        call(PIXELS)
    with pytest.raises(ParameterError, match="Image"):
        call(Image.fromarray(PIXELS))


def test_bytes_are_content_and_no_name(picture: Path, toy: ToyCodec) -> None:
    with pytest.raises(ImageError, match="not a picture"):
        jndlic.encode(os.fsencode(picture))
    with pytest.raises(FormatError, match="not a .jlic"):
        jndlic.decode(os.fsencode(picture))
    with pytest.raises(ImageError, match="empty"):
        jndlic.encode(b"")


def test_compressed_files_are_not_compressed_again(compressed: Path) -> None:
    import jndlic.pillow_plugin  # whether Pillow knows the format or not

    for source in (compressed, compressed.read_bytes(), io.BytesIO(compressed.read_bytes())):
        with pytest.raises(ImageError, match="compressed already"):
            jndlic.encode(source)


def test_errors_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    with path.open("rb") as file, pytest.raises(ImageError, match=r"broken\.png: "):
        jndlic.encode(file)
    with pytest.raises(ImageError, match=r"broken\.png: "):
        jndlic.encode(path)
