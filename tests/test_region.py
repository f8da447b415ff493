"""Parts of pictures: the same pixels as in the whole, from few of the segments."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import pytest
from commands import run
from PIL import Image
from toy_codec import ToyCodec

import jndlic
from jndlic.errors import FormatError, ParameterError
from jndlic.format.container import pack, read_front, unpack
from jndlic.images.region import Region, before_turning, checked_region
from jndlic.runtime.backend import Backend


def scene(height: int, width: int, channels: int = 3) -> np.ndarray:
    random = np.random.default_rng(height * 7 + width)
    return random.integers(0, 256, (height, width, channels), dtype=np.uint8)


class Counted(io.BytesIO):
    """A file that counts what is read of it."""

    bytes_read = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.bytes_read += len(data)
        return data


@pytest.fixture
def large(toy: ToyCodec) -> bytes:
    """Three times two segments."""
    return jndlic.encode(scene(1100, 2100, 4), 30, codec=toy)


REGIONS = [
    (0, 0, 1, 1),
    (5, 7, 200, 100),
    (1000, 1000, 60, 90),
    (2099, 1099, 1, 1),
    (1024, 0, 1024, 1024),
    (0, 0, 2100, 1100),
]


@pytest.mark.parametrize("region", REGIONS)
def test_the_same_pixels(toy: ToyCodec, large: bytes, region: tuple[int, int, int, int]) -> None:
    left, top, width, height = region
    whole = jndlic.imread(large, codec=toy)
    expected = whole[top : top + height, left : left + width]
    np.testing.assert_array_equal(jndlic.imread(large, region=region, codec=toy), expected)
    image = jndlic.decode(large, region=list(region), codec=toy)
    assert image.mode == "RGBA"
    np.testing.assert_array_equal(np.asarray(image), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_pictures(toy: ToyCodec, orientation: int) -> None:
    container = unpack(jndlic.encode(scene(150, 90), 30, codec=toy))
    header = dataclasses.replace(container.header, orientation=orientation)
    data = pack(dataclasses.replace(container, header=header))
    whole = jndlic.imread(data, codec=toy)
    height, width = whole.shape[:2]
    assert (width, height) == header.shown_size
    for left, top, columns, rows in ((0, 0, width, height), (3, 60, 70, 20), (80, 85, 10, 5)):
        expected = whole[top : top + rows, left : left + columns]
        found = jndlic.imread(data, region=(left, top, columns, rows), codec=toy)
        np.testing.assert_array_equal(found, expected)


def test_turning_there_and_back() -> None:
    assert before_turning(Region(3, 5, 10, 20), 100, 60, 1) == (3, 5, 10, 20)
    assert before_turning(Region(3, 5, 10, 20), 100, 60, 3) == (87, 35, 10, 20)
    assert before_turning(Region(3, 5, 10, 20), 100, 60, 6) == (5, 87, 20, 10)


def test_only_what_is_needed_is_read(toy: ToyCodec, large: bytes) -> None:
    front = read_front(io.BytesIO(large))
    sizes = [span.length for span in front.segments]
    file = Counted(large)
    jndlic.decode(file, region=(2080, 10, 8, 8), codec=toy)
    assert file.bytes_read <= len(large) - sum(sizes) + sizes[2] + 8
    assert sizes[2] < 0.2 * sum(sizes)


def test_damage_elsewhere_does_no_harm(toy: ToyCodec, large: bytes) -> None:
    damaged = bytearray(large)
    span = read_front(io.BytesIO(large)).segments[3]
    damaged[span.offset + 9] ^= 1
    with pytest.raises(FormatError, match="segment 4"):
        jndlic.decode(bytes(damaged), codec=toy)
    assert jndlic.decode(bytes(damaged), region=(0, 0, 9, 9), codec=toy).size == (9, 9)
    with pytest.raises(FormatError, match="segment 4"):
        jndlic.decode(bytes(damaged), region=(0, 1090, 9, 9), codec=toy)


def test_a_pipe(toy: ToyCodec, large: bytes) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self._rest = io.BytesIO(large)

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:
            return self._rest.readinto(buffer)

    found = jndlic.imread(io.BufferedReader(Pipe()), region=(9, 9, 30, 20), codec=toy)
    np.testing.assert_array_equal(found, jndlic.imread(large, codec=toy)[9:29, 9:39])


@pytest.mark.parametrize(
    "region",
    [
        (0, 0, 0, 1),
        (0, 0, 1, 0),
        (-1, 0, 2, 2),
        (0, 0, 51, 1),
        (0, 40, 1, 1),
        (0, 0, 1),
        (0, 0, 1, 1, 1),
        (0, 0, 1.5, 1),
        5,
        "0,0,1,1",
    ],
)
def test_regions_that_are_none(region: object) -> None:
    with pytest.raises(ParameterError, match="region"):
        checked_region(region, 50, 40)


def test_an_open_file(toy: ToyCodec, large: bytes, tmp_path: Path) -> None:
    (tmp_path / "large.jlic").write_bytes(large)
    with jndlic.open(tmp_path / "large.jlic") as file:
        first = file.array(region=(0, 0, 40, 30), codec=toy)
        assert first.shape == (30, 40, 4)
        np.testing.assert_array_equal(file.array(codec=toy)[:30, :40], first)
        np.testing.assert_array_equal(file.array(region=(0, 0, 40, 30), codec=toy), first)


def test_command(
    codec: Backend, photo: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jlic").write_bytes(jndlic.encode(photo[:200, :300], 40, codec=codec))
    whole = np.asarray(jndlic.decode(tmp_path / "a.jlic", codec=codec)).astype(int)
    target = tmp_path / "part.png"
    assert run("decode", tmp_path / "a.jlic", target, "--region", "100,50,64,80", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["width"], printed["height"]) == (64, 80)
    with Image.open(target) as part:
        # Another window may round another way
        assert np.abs(np.asarray(part).astype(int) - whole[50:130, 100:164]).max() <= 1
    for wrong, exit_code in (("0,0,301,1", 2), ("0,0,9", 2), ("a,b,c,d", 2)):
        target = tmp_path / "no.png"
        assert run("decode", tmp_path / "a.jlic", target, "--region", wrong) == exit_code
        assert not target.exists()
