"""A picture in small windows: the same symbols, the same pixels, and little held at once."""

from __future__ import annotations

import numpy as np
import pytest

from jndlic.format.coding import SymbolReader, pack_symbols
from jndlic.format.container import Container, Header
from jndlic.format.grid import Area, picture_area
from jndlic.format.symbols import WholeSymbols, collected
from jndlic.images.windows import padded
from jndlic.jnd.own_map import own_map, own_map_of_window
from jndlic.runtime import rows
from jndlic.runtime.onnx_backend import OnnxBackend
from jndlic.runtime.rows import Held, Rows, Source, by_columns, cut

HEIGHT, WIDTH = 200, 330


@pytest.fixture(scope="module")
def pixels(photo: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(photo[:HEIGHT, 100 : 100 + WIDTH])


@pytest.fixture(scope="module")
def quality() -> np.ndarray:
    """A plane with a border in it."""
    plane = np.full(picture_area(HEIGHT, WIDTH).shape(32), 40)
    plane[:, 5:] = 75
    return plane


@pytest.fixture(scope="module")
def file(codec: OnnxBackend, pixels: np.ndarray, quality: np.ndarray) -> Container:
    """Made in one piece."""
    from jndlic.format.quality import Quality, quality_chunks

    symbols = codec.quantise(codec.analyse(pixels, own_map(pixels)), quality)
    header = Header(WIDTH, HEIGHT, 40, codec.fingerprint)
    chunks = quality_chunks(Quality(40, quality))
    return pack_symbols(header, WholeSymbols(symbols), codec, chunks)


@pytest.fixture
def window(pixels: np.ndarray) -> Source:
    """Gives pixels and map of an area."""
    return lambda area: own_map_of_window(pixels, area)


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch, codec: OnnxBackend) -> None:
    monkeypatch.setattr(rows, "ROWS_AT_ONCE", 8)
    monkeypatch.setattr("jndlic.runtime.decoder.PIXEL_ROWS", 8)
    monkeypatch.setattr(rows, "WINDOW_LATENTS", 1)


def drawn(codec: OnnxBackend, file: Container, area: Area) -> np.ndarray:
    reader = SymbolReader(file, codec)
    image = np.full((*area.shape(1), 3), np.nan, np.float32)
    for part, levels in codec.draw(reader, HEIGHT, WIDTH, area):
        assert np.isnan(image[part.within(area, 1)]).all()  # nothing is drawn twice
        image[part.within(area, 1)] = levels
    assert not np.isnan(image).any()
    return image


def test_symbols(
    codec: OnnxBackend,
    file: Container,
    window: Source,
    quality: np.ndarray,
    small_windows: None,
) -> None:
    symbols = collected(codec.code(window, HEIGHT, WIDTH, quality), picture_area(HEIGHT, WIDTH))
    packed = pack_symbols(file.header, WholeSymbols(symbols), codec, file.chunks)
    assert (packed.symbol_crc, packed.jnd, packed.hyper, packed.segments) == (
        file.symbol_crc,
        file.jnd,
        file.hyper,
        file.segments,
    )


def test_symbols_of_features_that_were_kept(
    codec: OnnxBackend,
    file: Container,
    window: Source,
    quality: np.ndarray,
    small_windows: None,
) -> None:
    features = codec.analyse_rows(window, HEIGHT, WIDTH)
    for _ in range(2):  # nothing is used up
        stream = codec.quantise_rows(features, quality)
        assert pack_symbols(file.header, stream, codec, file.chunks) == file


def test_pixels(codec: OnnxBackend, file: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = picture_area(HEIGHT, WIDTH)
    expected = drawn(codec, file, whole)
    with monkeypatch.context() as patch:
        patch.setattr(rows, "ROWS_AT_ONCE", 8)
        patch.setattr("jndlic.runtime.decoder.PIXEL_ROWS", 8)
        patch.setattr(rows, "WINDOW_LATENTS", 400)
        found = drawn(codec, file, whole)
    assert np.abs(found - expected).max() < 0.01


@pytest.mark.parametrize(
    "area", [Area(0, 4, 0, 4), Area(8, 16, 12, 24), Area(4, 8, 0, 24), Area(0, 16, 20, 24)]
)
def test_a_part_is_what_the_whole_shows(codec: OnnxBackend, file: Container, area: Area) -> None:
    whole = picture_area(HEIGHT, WIDTH)
    expected = drawn(codec, file, whole)[area.within(whole, 1)]
    assert np.abs(drawn(codec, file, area) - expected).max() < 0.01


def test_own_map_of_windows(pixels: np.ndarray) -> None:
    whole = picture_area(HEIGHT, WIDTH)
    expected = padded(pixels, whole), padded(own_map(pixels), whole)
    for area in (whole, Area(0, 4, 0, 4), Area(3, 9, 7, 20), Area(12, 16, 20, 24)):
        for mine, theirs in zip(own_map_of_window(pixels, area), expected):
            np.testing.assert_array_equal(mine, theirs[area.within(whole, 1)])


def test_one_channel_of_grey_is_enough(pixels: np.ndarray) -> None:
    grey = np.dstack([pixels[..., 1]] * 3)
    for area in (picture_area(HEIGHT, WIDTH), Area(3, 9, 7, 20), Area(12, 16, 20, 24)):
        for mine, theirs in zip(
            own_map_of_window(grey, area, grey=True), own_map_of_window(grey, area)
        ):
            np.testing.assert_array_equal(mine, theirs)


def test_16_bits_in_windows(pixels: np.ndarray) -> None:
    area = Area(3, 9, 7, 20)
    levels, jnd = own_map_of_window(pixels.astype(np.uint16) * 257, area, 16)
    for mine, theirs in zip((levels, jnd), own_map_of_window(pixels, area)):
        np.testing.assert_array_equal(mine, theirs)
    finer = own_map_of_window(pixels.astype(np.uint16) * 257 // 2, area, 16)[0]
    np.testing.assert_allclose(finer, levels / 2, atol=1 / 257)


class Counter:
    """Rows that hold their own number, made at most once each."""

    def __init__(self) -> None:
        self.made: list[Area] = []

    def __call__(self, area: Area) -> tuple[np.ndarray]:
        self.made.append(area)
        rows_ = np.arange(area.top, area.bottom, dtype=np.int32)[None, :, None]
        return (np.broadcast_to(rows_, (1, area.bottom - area.top, area.right - area.left)),)


def test_rows_are_made_once_and_forgotten() -> None:
    area, make = Area(0, 400, 0, 8), Counter()
    source = Rows(area, (16,), make)
    first, second = source.reader(), source.reader(0)
    for top in range(0, 400, 40):
        wide = Area(max(top - 8, 0), min(top + 48, 400), 2, 6)
        assert np.array_equal(first(wide)[0][0, :, 0], np.arange(wide.top, wide.bottom))
        assert np.array_equal(second(wide)[0][0, :, 0], np.arange(wide.top, wide.bottom))
        assert sum(part.bottom - part.top for part, _ in source._held[0]) <= 96 + 56
    assert [part.top for part in make.made] == [0, *(part.bottom for part in make.made[:-1])]
    assert make.made[-1].bottom == 400
    assert all(part.right == 8 and part.top % 4 == 0 for part in make.made)


def test_many_rows_come_in_pieces() -> None:
    make = Counter()
    rows_ = Rows(Area(0, 1000, 0, 8), (16,), make).reader()(Area(0, 1000, 0, 8))[0]
    assert np.array_equal(rows_[0, :, 0], np.arange(1000))
    assert max(part.bottom - part.top for part in make.made) <= rows.ROWS_AT_ONCE


@pytest.mark.parametrize("width", [4, 60, 96, 100, 500])
def test_columns(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    area = Area(8, 16, 0, width)
    values = np.arange(16 * width).reshape(1, 16, width)
    held = Held(Area(0, 16, 0, width), (16,), (values,)).reader()
    monkeypatch.setattr(rows, "WINDOW_LATENTS", 16 * (32 + 2 * 4))
    pieces = cut(area, 4)
    assert [piece.left for piece in pieces] == [0, *(piece.right for piece in pieces[:-1])]
    assert pieces[-1].right == width
    assert all(0 < piece.right - piece.left <= 32 for piece in pieces)
    seen = []

    def make(window: Area) -> tuple[np.ndarray, ...]:
        seen.append(window)
        return held(window)

    (found,) = by_columns(area, Area(0, 16, 0, width), 4, (16,), make)
    assert np.array_equal(found, values[:, 8:16])
    assert all((window.top, window.bottom) == (4, 16) for window in seen)
