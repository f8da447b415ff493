"""How little is held of arrays that are made row by row."""

from __future__ import annotations

import mmap
from collections.abc import Callable

import numpy as np
import pytest

from jndlic.format.grid import Area
from jndlic.runtime import pages, rows
from jndlic.runtime.rows import Arrays, Rows, band_rows, read_last_first, windows

AREA = Area(0, 400, 0, 8)


def numbered(area: Area) -> np.ndarray:
    """(1, rows, columns): each row holds its number."""
    numbers = np.arange(area.top, area.bottom, dtype=np.int32)[None, :, None]
    return np.repeat(numbers, area.right - area.left, axis=2)


def held(source: Rows, number: int) -> tuple[int, int]:
    """First and last row, exclusive, that are there of an array."""
    parts = [part for part, _ in source._held[number]]
    return (parts[0].top, parts[-1].bottom) if parts else (0, 0)


def test_each_array_is_forgotten_for_itself() -> None:
    source = Rows(AREA, (16, 16, 16), lambda area: (numbered(area),) * 3)
    first, second = source.reader(0), source.reader(1)
    first(AREA._replace(bottom=200))
    first(AREA._replace(top=200, bottom=240))
    assert held(source, 0) == (200, 240)
    assert held(source, 1) == (0, 240)
    assert held(source, 2) == (0, 0)  # nobody reads it
    (found,) = second(AREA._replace(top=4, bottom=12))
    assert np.array_equal(found, numbered(AREA._replace(top=4, bottom=12)))


def test_readers_let_go_before_rows_are_made() -> None:
    known: list[tuple[int, int]] = []

    def make(area: Area) -> Arrays:
        known.append(held(source, 0))
        return (numbered(area),)

    source = Rows(AREA, (16,), make)
    readers = source.reader(), source.reader()
    for top in range(0, 400, 40):
        for found in read_last_first(readers, AREA._replace(top=top, bottom=top + 40)):
            assert np.array_equal(found, numbered(AREA._replace(top=top, bottom=top + 40)))
    assert known == [(0, 0)] * 10


def test_rows_are_prepared_for_later() -> None:
    made: list[Area] = []

    def make(area: Area) -> Arrays:
        made.append(area)
        return (numbered(area),)

    source = Rows(AREA, (16,), make)
    reader = source.reader()
    reader.prepare(32)
    reader.prepare(64)
    assert held(source, 0) == (0, 64)
    assert np.array_equal(reader(AREA._replace(bottom=64))[0], numbered(AREA._replace(bottom=64)))
    assert [(area.top, area.bottom) for area in made] == [(0, 32), (32, 64)]


@pytest.mark.parametrize(("width", "expected"), [(8, 64), (512, 64), (513, 32), (4000, 32)])
def test_wide_pictures_are_made_in_lower_bands(width: int, expected: int) -> None:
    area = AREA._replace(right=width)
    assert band_rows(area) == expected
    made: list[int] = []

    def make(part: Area) -> Arrays:
        made.append(part.bottom - part.top)
        return (np.zeros((1, part.bottom - part.top, 1), np.uint8),)

    Rows(area, (16,), make).reader().prepare(400)
    assert sum(made) == 400 and max(made) <= expected * 3 // 2


def test_the_widest_window_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "WINDOW_LATENTS", 16 * (32 + 2 * 4))
    area, limit = Area(8, 16, 0, 100), Area(0, 16, 0, 100)
    pieces = windows(area, limit, 4)
    assert [window for _, window in pieces] == [core.grown(4, limit) for core, _ in pieces]
    widths = [window.right - window.left for _, window in pieces]
    assert widths == sorted(widths, reverse=True) and len(set(widths)) > 1
    cores = sorted(core for core, _ in pieces)
    assert [core.left for core in cores] == [0, *(core.right for core in cores[:-1])]
    assert cores[-1].right == 100


@pytest.mark.parametrize("make", [pages.lasting, lambda *a: pages.lasting_copy(np.zeros(*a))])
def test_large_arrays_have_pages_of_their_own(make: Callable[..., np.ndarray]) -> None:
    large, small = make((2, 300, 1000), np.float32), make((2, 3), np.int8)
    assert large.shape == (2, 300, 1000) and large.dtype == np.float32
    assert small.shape == (2, 3) and small.dtype == np.int8
    large[:] = small[:] = 7
    assert (large == 7).all() and (small == 7).all()
    assert isinstance(owner(large), (mmap.mmap, memoryview))
    assert owner(small) is None


def owner(array: np.ndarray) -> object:
    """What the memory of an array belongs to, if not to an array."""
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base


def test_a_copy_holds_the_same_values() -> None:
    values = np.arange(1 << 20, dtype=np.int16).reshape(4, -1, 16)[:, ::2]
    copy = pages.lasting_copy(values)
    assert np.array_equal(copy, values) and not np.shares_memory(copy, values)
