"""Every stage gets what belongs together, for pictures and regions of any size."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from coordinates import Coordinates, Segments, places, table_of

from jndlic.format.grid import HYPER_STRIDE, JND_STRIDE, LATENT_STRIDE, Area, picture_area
from jndlic.format.grid import segment_areas as areas_of
from jndlic.format.symbols import collected
from jndlic.runtime import decoder, encoder, rows, staged
from jndlic.runtime.rows import Rows

SIZES = [
    (1, 1),
    (1, 2500),
    (65, 1030),
    (1024, 64),
    (1025, 1100),
    (1080, 1920),
    (1536, 700),
    (1600, 1100),
    (2049, 65),
    (5000, 300),
]


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Coordinates:
    monkeypatch.setattr(staged, "checked_plane", lambda plane, *_: plane)
    monkeypatch.setattr(encoder, "rounded", lambda ratio, table, thresholds: ratio.astype(np.int64))
    return Coordinates()


@pytest.fixture(params=["usual", "small"])
def windows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "small":
        monkeypatch.setattr(rows, "WINDOW_LATENTS", 1500)
        monkeypatch.setattr(rows, "ROWS_AT_ONCE", 24)


def drawn(backend: Coordinates, height: int, width: int, area: Area) -> list[int]:
    """Draws, checks every window; the segments that were read."""
    segments, covered = Segments(height, width), np.zeros(area.shape(LATENT_STRIDE), int)
    for core, levels in backend.draw(segments, height, width, area):
        assert np.array_equal(levels[..., 0], places(core, 1).astype(np.float32))
        covered[core.within(area)] += 1
    assert (covered == 1).all()
    return segments.read


@pytest.mark.parametrize("size", SIZES)
def test_whole_pictures(backend: Coordinates, windows: None, size: tuple[int, int]) -> None:
    picture = picture_area(*size)
    assert drawn(backend, *size, picture) == list(range(len(areas_of(picture))))


@pytest.mark.parametrize("seed", range(12))
def test_regions(backend: Coordinates, windows: None, seed: int) -> None:
    random = np.random.default_rng(seed)
    height, width = (int(side) for side in random.integers(600, 5000, 2))
    picture = picture_area(height, width)
    top, left = (int(random.integers(side // 2)) * 2 for side in (picture.bottom, picture.right))
    bottom, right = (
        min(start + 2 * int(random.integers(1, 30)), end)
        for start, end in ((top, picture.bottom), (left, picture.right))
    )
    area = Area(top, bottom, left, right)
    needed = decoder.latents_needed(backend, area, picture)
    every = areas_of(picture)
    expected = [every.index(segment) for segment in areas_of(picture, needed)]
    assert drawn(backend, height, width, area) == expected
    # 608 pixels on each side
    assert needed == area.grown(38, picture)


@pytest.mark.parametrize("size", SIZES)
def test_encoding(backend: Coordinates, windows: None, size: tuple[int, int]) -> None:
    picture = picture_area(*size)

    def pixels(area: Area) -> tuple[np.ndarray, np.ndarray]:
        assert area.top * LATENT_STRIDE < size[0] and area.left * LATENT_STRIDE < size[1]
        return (places(area, 1)[:, :, None],) * 2

    plane = places(picture, JND_STRIDE)
    own = places(picture, LATENT_STRIDE)
    features = encoder.Features(own[None], own[None], plane[None])
    for symbols in (
        collected(backend.code(pixels, *size, plane), picture),
        backend.quantise(features, plane),
    ):
        assert np.array_equal(symbols.k[0], own)
        assert np.array_equal(symbols.t[0], table_of(own))
        assert np.array_equal(symbols.z_jnd[0], plane)
        assert np.array_equal(symbols.z[0], places(picture, HYPER_STRIDE))


def test_held_rows_do_not_grow_with_the_height(
    backend: Coordinates, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 0
    forget = Rows._forget

    def watched(self: Rows) -> None:
        nonlocal most
        forget(self)
        latents = max(sum(part.bottom - part.top for part, _ in held) for held in self._held)
        if self.area.bottom - latents > 4 and len(self._strides) > 1:
            most = max(most, latents)

    monkeypatch.setattr(Rows, "_forget", watched)
    found = []
    for height in (4096, 12288):
        most = 0
        drawn(backend, height, 64, picture_area(height, 64))
        found.append(most)
    assert found[0] == found[1] <= 256


def test_nothing_is_left_behind(backend: Coordinates, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was held is free when the work is done, not when rubbish is next collected."""
    alive: list[weakref.ref[Rows]] = []
    init = Rows.__init__

    def watched(self: Rows, *arguments: object) -> None:
        init(self, *arguments)
        alive.append(weakref.ref(self))

    monkeypatch.setattr(Rows, "__init__", watched)
    picture = picture_area(300, 200)
    gc.disable()
    try:
        drawn(backend, 300, 200, picture)

        def pixels(area: Area) -> tuple[np.ndarray, np.ndarray]:
            return (places(area, 1)[:, :, None],) * 2

        collected(backend.code(pixels, 300, 200, places(picture, JND_STRIDE)), picture)
        assert len(alive) > 15
        assert not any(reference() for reference in alive)
    finally:
        gc.enable()


def test_rows_of_a_large_unit() -> None:
    made: list[Area] = []

    def make(area: Area) -> tuple[np.ndarray]:
        made.append(area)
        return (places(area, LATENT_STRIDE)[None],)

    source = Rows(Area(0, 260, 0, 4), (LATENT_STRIDE,), make, 64)
    read = source.reader()
    (found,) = read(Area(0, 200, 0, 4))
    assert np.array_equal(found[0], places(Area(0, 200, 0, 4), LATENT_STRIDE))
    assert [(part.top, part.bottom) for part in made] == [
        (0, 64),
        (64, 128),
        (128, 192),
        (192, 256),
    ]
    read(Area(190, 260, 0, 4))
    assert made[-1][:2] == (256, 260)
    with pytest.raises(ValueError, match="row 189 was asked for after row 190"):
        read(Area(189, 200, 0, 4))
