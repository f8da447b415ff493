"""Which blocks look like nothing that a camera takes, what becomes of them, and the rectangles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from drawings import checkerboard, flat_colours, modules, pasted_text, stripes, text, texture

from jndlic.format.patches import PATCH_AREA_MAX, PATCHES_MAX
from jndlic.patches.blocks import BLOCK, block_errors, looks, mark_rims
from jndlic.patches.filling import filled
from jndlic.patches.rectangles import COUNT_MAX, rectangles


@pytest.mark.parametrize("draw", [stripes, checkerboard, text, modules, flat_colours])
@pytest.mark.parametrize("turned", [False, True])
def test_drawings(draw: Callable[[int, int], np.ndarray], turned: bool) -> None:
    pixels = draw(192, 256)
    assert looks(pixels.swapaxes(0, 1).copy() if turned else pixels).suspicious.all()


def test_photos(photo: np.ndarray) -> None:
    assert not looks(photo).suspicious.any()
    assert not looks(texture(256, 320)).suspicious.any()


def test_a_part() -> None:
    assert looks(pasted_text(384, 512)).mixed[1, 2:5].all()
    found = looks(pasted_text(384, 512)).suspicious
    expected = np.zeros((6, 8), dtype=bool)
    expected[2:3, 2:6] = True  # rows 96 to 223, columns 128 to 383: wholly covered are these
    assert found[expected].all() and not found[[0, 4, 5]].any() and not found[:, [0, 7]].any()


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1), (3, 65), (64, 64), (65, 129), (130, 1)])
def test_any_size(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    other = np.random.default_rng(2).integers(0, 256, (*size, 3), dtype=np.uint8)
    errors = block_errors(pixels, other)
    assert looks(pixels).suspicious.shape == errors.shape
    for row, column in np.ndindex(errors.shape):
        part = (
            slice(row * BLOCK, row * BLOCK + BLOCK),
            slice(column * BLOCK, column * BLOCK + BLOCK),
        )
        difference = pixels[part].astype(float) - other[part]
        assert errors[row, column] == pytest.approx(np.mean(difference**2))


def test_narrow_blocks_follow_their_neighbours() -> None:
    marked = np.array([[True, False], [False, True]])
    mark_rims(marked, 128, 128)
    assert marked.tolist() == [[True, False], [False, True]]
    mark_rims(marked, 128, 70)
    assert marked.tolist() == [[True, True], [False, False]]
    mark_rims(marked, 65, 128)
    assert marked.tolist() == [[True, True], [True, True]]


def covered(marked: np.ndarray, height: int, width: int, side_max: int = 2048) -> np.ndarray:
    """How many rectangles lie on each pixel."""
    count = np.zeros((height, width), dtype=int)
    for left, top, columns, rows in rectangles(marked, height, width, side_max):
        assert 1 <= columns <= side_max and 1 <= rows <= side_max
        assert left + columns <= width and top + rows <= height
        count[top : top + rows, left : left + columns] += 1
    return count


@pytest.mark.parametrize("seed", range(5))
def test_rectangles_cover_what_is_marked(seed: int) -> None:
    marked = np.random.default_rng(seed).random((7, 9)) < 0.5
    count = covered(marked, 400, 550, 128)
    expected = marked.repeat(BLOCK, 0).repeat(BLOCK, 1)[:400, :550]
    np.testing.assert_array_equal(count, expected)


def test_equal_rows_become_one_rectangle() -> None:
    marked = np.zeros((6, 8), dtype=bool)
    marked[1:5, 2:7] = True
    assert rectangles(marked, 384, 512, 2048) == [(128, 64, 320, 256)]


def test_a_rectangle_is_of_one_kind() -> None:
    marked = np.zeros((4, 6), dtype=int)
    marked[1:3, 1:5], marked[1, 3] = 1, 2
    found = rectangles(marked, 256, 384, 2048)
    kinds = [marked[top // BLOCK, left // BLOCK] for left, top, _, _ in found]
    assert sorted(kinds) == [1, 1, 1, 2]
    np.testing.assert_array_equal(
        covered(marked, 256, 384), (marked > 0).repeat(BLOCK, 0).repeat(BLOCK, 1)
    )


def test_not_too_many() -> None:
    marked = np.indices((60, 60)).sum(0) % 2 == 0
    found = rectangles(marked, 3840, 3840, 2048)
    assert len(found) <= COUNT_MAX
    assert (covered(marked, 3840, 3840)[marked.repeat(BLOCK, 0).repeat(BLOCK, 1)] == 1).all()


def test_not_too_many_of_a_large_picture() -> None:
    marked = np.zeros((256, 256), dtype=np.uint8)
    marked[::2, :97] = marked[::2, 98:227] = 1
    found = rectangles(marked, 256 * BLOCK, 256 * BLOCK, 2048)
    assert len(found) <= PATCHES_MAX
    assert all(region.width * region.height <= PATCH_AREA_MAX for region in found)
    whole = np.zeros(marked.shape, dtype=int)
    for region in found:
        left, top, width, height = (side // BLOCK for side in region)
        whole[top : top + height, left : left + width] += 1
    assert whole.max() == 1 and whole[marked > 0].all()


def test_what_is_filled_is_smooth_and_the_rest_stays() -> None:
    pixels = pasted_text(384, 512)
    regions = rectangles(looks(pixels).suspicious, 384, 512, 2048)
    result = filled(pixels, regions)
    inside = np.zeros((384, 512), dtype=bool)
    for left, top, width, height in regions:
        inside[top : top + height, left : left + width] = True
    np.testing.assert_array_equal(result[~inside], pixels[~inside])
    rough = [
        np.abs(np.diff(some.astype(int), axis=1))[inside[:, 1:] & inside[:, :-1]].mean()
        for some in (pixels, result)
    ]
    assert rough[1] < rough[0] / 20


@pytest.mark.parametrize("region", [(0, 0, 64, 64), (0, 0, 32, 64), (10, 0, 20, 64), (0, 9, 64, 1)])
def test_filling_at_the_border(region: tuple[int, int, int, int]) -> None:
    from jndlic.images.region import Region

    pixels = np.full((64, 64, 3), 77, np.uint8)
    np.testing.assert_array_equal(filled(pixels, [Region(*region)]), pixels)
