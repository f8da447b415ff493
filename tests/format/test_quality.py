"""Quality planes: in files without loss, and made of tolerance maps."""

from __future__ import annotations

import dataclasses
import time
import zlib

import numpy as np
import pytest
from toy_codec import ToyCodec

from jndlic.errors import FormatError, ParameterError
from jndlic.format.container import Container, Header
from jndlic.format.quality import Quality, quality_chunks, quality_of, read_quality
from jndlic.images.picture import from_array
from jndlic.jnd.own_map import own_map
from jndlic.jnd.steering import FLOOR, steered_quality, step_octaves
from jndlic.pipeline import _octaves_of, analyse_picture

HEADER = Header(width=768, height=512, quality=50, fingerprint=bytes(8))
LEVELS = np.linspace(4.0, -2.0, 100)
"""Steps that halve every 16.5 qualities."""


def holding(*chunks: tuple[bytes, bytes], header: Header = HEADER) -> Container:
    return Container(header, 0, b"", b"", (b"",), chunks)


def some_planes() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    row, column = np.mgrid[:16, :24]
    rectangle = np.full((16, 24), 50)
    rectangle[4:12, 6:18] = 34
    return [
        rectangle,
        30 + 2 * row + column,
        np.where(np.hypot(row - 8, column - 12) < 6, 100, 1),
        random.integers(1, 101, (16, 24)),
    ]


@pytest.mark.parametrize("plane", some_planes(), ids=["rectangle", "ramp", "disc", "noise"])
@pytest.mark.parametrize("base", [1, 50, 100])
def test_planes_in_files(plane: np.ndarray, base: int) -> None:
    header = dataclasses.replace(HEADER, quality=base)
    found = read_quality(holding(*quality_chunks(quality_of(base, plane)), header=header))
    assert found.base == base
    np.testing.assert_array_equal(found.plane, plane)


def test_planes_are_small() -> None:
    sizes = [len(quality_chunks(quality_of(50, plane))[0][1]) for plane in some_planes()]
    assert sizes[0] <= 16 and sizes[1] <= 40 and sizes[3] <= 16 * 24 + 10


def test_a_constant_plane_is_no_plane() -> None:
    assert quality_of(50, np.full((2, 4), 50)) == Quality(50)
    assert quality_of(50, np.full((2, 4), 61)) == Quality(61)
    assert quality_chunks(Quality(61)) == ()
    assert read_quality(holding()) == Quality(50)
    for value in (0, 101):
        with pytest.raises(ParameterError, match=f"{value}"):
            quality_of(50, np.array([[50, value]]))


def test_the_bytes_are_those_of_the_specification() -> None:
    offsets = np.zeros((16, 24), np.uint8)
    offsets[3, 4], offsets[5, 6] = 7, 256 - 49
    deflater = zlib.compressobj(wbits=-15)
    payload = b"\x01" + deflater.compress(offsets.tobytes()) + deflater.flush()
    plane = read_quality(holding((b"QPLN", payload))).plane
    assert (plane[3, 4], plane[5, 6], plane[0, 0]) == (57, 1, 50)


def test_hostile_planes() -> None:
    def payload(offsets: np.ndarray) -> bytes:
        deflater = zlib.compressobj(wbits=-15)
        return b"\x01" + deflater.compress(offsets.astype(np.uint8).tobytes()) + deflater.flush()

    good = np.arange(16 * 24).reshape(16, 24) % 40
    for data, message in (
        (b"\x00\x05", "constant"),
        (payload(0 * good), "constant"),
        (payload(good + 12), "outside"),
        (payload(good - 50), "outside"),
        (payload(good + 128), "outside"),
        (payload(good)[:-1], "size|inflated"),
        (payload(good) + b"x", "size"),
        (payload(good[:, :-1]), "size"),
        (b"\x05" + payload(good)[1:], "method"),
        (b"\x01", "method"),
        (b"", "method"),
    ):
        with pytest.raises(FormatError, match=message):
            read_quality(holding((b"QPLN", data)))
    huge = dataclasses.replace(HEADER, width=2**16, height=2**16)
    start = time.perf_counter()
    with pytest.raises(FormatError, match="too short"):
        read_quality(holding((b"QPLN", payload(good)), header=huge))
    assert time.perf_counter() - start < 0.1


def test_random_payloads() -> None:
    random = np.random.default_rng(0)
    good = quality_chunks(quality_of(50, some_planes()[2]))[0][1]
    for _ in range(200):
        damaged = bytearray(good)
        for _ in range(random.integers(1, 4)):
            damaged[random.integers(len(damaged))] ^= int(random.integers(1, 256))
        try:
            plane = read_quality(holding((b"QPLN", bytes(damaged)))).plane
        except FormatError:
            continue
        assert plane.shape == (16, 24) and 1 <= plane.min() < plane.max() <= 100


# From maps


@pytest.fixture(scope="module")
def own() -> np.ndarray:
    random = np.random.default_rng(1)
    pixels = np.clip(np.cumsum(random.normal(0, 6, (130, 200, 3)), 1) + 128, 0, 255).astype(
        np.uint8
    )
    return own_map(pixels)


def test_the_own_map_changes_nothing(own: np.ndarray) -> None:
    octaves = step_octaves(own, own)
    assert octaves.shape == (6, 8) and not octaves.any()
    for base in (1, 2, 50, 99, 100):
        assert steered_quality(base, octaves + 1e-6, LEVELS) == Quality(base)


@pytest.mark.parametrize("factor", [0.25, 0.5, 2.0, 4.0, 8.0])
def test_a_factor_is_that_of_the_step(own: np.ndarray, factor: float) -> None:
    octaves = step_octaves(own, own * np.float32(factor))
    np.testing.assert_allclose(octaves, np.log2(factor), atol=1e-5)
    for base in (1, 30, 50, 70, 100):
        wanted = np.clip(LEVELS[base - 1] + np.log2(factor), LEVELS[-1], LEVELS[0])
        quality = steered_quality(base, octaves, LEVELS)
        assert (
            quality.plane is None
            and abs(LEVELS[quality.base - 1] - wanted) < 0.5 * (LEVELS[0] - LEVELS[1]) + 1e-3
        )


def test_only_blocks_of_a_rectangle_change(own: np.ndarray) -> None:
    other = own.copy()
    other[32:64, 96:160] *= 2
    quality = steered_quality(60, step_octaves(own, other), LEVELS)
    changed = np.zeros((6, 8), bool)
    changed[1, 3:5] = True
    assert (quality.plane[~changed] == 60).all() and quality.base == 60
    assert np.isin(quality.plane[changed], (43, 44)).all()  # 16.5 less


def test_padding_follows_the_last_row_and_column(own: np.ndarray) -> None:
    other = own.copy()
    other[128:] *= 2  # two rows of the fifth row of blocks
    octaves = step_octaves(own, other)
    np.testing.assert_allclose(octaves[4:], 1.0, atol=1e-5)
    assert not octaves[:4].any()


@pytest.mark.parametrize("height", [1, 250, 256, 257, 600])
def test_maps_are_compared_in_bands(height: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture's own map is never there as a whole."""
    pixels = np.random.default_rng(2).integers(0, 256, (height, 70, 3), dtype=np.uint8)
    other = np.random.default_rng(3).uniform(0, 30, (height, 70)).astype(np.float32)
    expected = step_octaves(own_map(pixels), other[..., None].repeat(3, 2))
    rows = []

    def watched(pixels: np.ndarray) -> np.ndarray:
        rows.append(len(pixels))
        return own_map(pixels)

    monkeypatch.setattr("jndlic.jnd.own_map.own_map", watched)
    np.testing.assert_array_equal(_octaves_of(pixels, other), expected)
    assert max(rows) <= 260


def test_extreme_maps(own: np.ndarray) -> None:
    for value, low, high in ((3e38, 1, 1), (0.0, 51, 100), (FLOOR, 51, 100)):
        quality = steered_quality(50, step_octaves(own, np.full_like(own, value)), LEVELS)
        plane = np.array(quality.values)
        assert low <= plane.min() and plane.max() <= high
    zero, floor = (step_octaves(own, np.full_like(own, value)) for value in (0.0, FLOOR))
    np.testing.assert_array_equal(zero, floor)


def test_quality_never_rises_with_tolerance() -> None:
    """Also where the table of steps is flat or has a dent."""
    for levels in (
        LEVELS,
        np.repeat(np.linspace(4, -2, 20), 5),
        LEVELS + 0.3 * np.sin(np.arange(100)),
    ):
        octaves = np.linspace(-9, 9, 2001)[None]
        for base in (1, 37, 100):
            plane = steered_quality(base, octaves, levels).plane
            assert (np.diff(plane[0]) <= 0).all() and plane[0, 0] == 100 and plane[0, -1] == 1
            assert steered_quality(base, np.zeros((2, 2)), levels) == Quality(base)


def test_a_model_steers_by_its_shape_alone() -> None:
    rows, columns = np.mgrid[:130, :200]
    pixels = (
        128
        + 60 * np.sin(rows / 9)
        + 0.2 * columns * np.random.default_rng(0).normal(size=rows.shape)
    ).clip(0, 255)
    picture = from_array(pixels.astype(np.uint8)[..., None].repeat(3, 2))
    octaves = analyse_picture(picture, ToyCodec(), "pattern").octaves
    assert octaves.shape == (6, 8) and abs(octaves.mean()) < 1e-9 and octaves.std() > 0.1
    assert analyse_picture(picture, ToyCodec(), "namm").octaves is None  # the encoder's own
