"""Maps drawn side by side, read back from the pixels by their legends."""

from __future__ import annotations

import numpy as np
import pytest

from jndlic.images.panels import BAR, PANEL_WIDTH, SQUARE_MAX, Panel, drawn, places, shades


def read_back(picture: np.ndarray, panels: list[Panel], number: int) -> np.ndarray:
    """Values of a panel: each square's colour, looked up in the bar below it."""
    place, panel = places(panels)[number], panels[number]
    middle = place.bar_top + BAR // 2
    bar = picture[middle, place.left : place.left + PANEL_WIDTH].astype(int)
    rows, columns = panel.values.shape
    tall, wide = place.map_height // rows, place.map_width // columns
    assert (tall * rows, wide * columns) == (place.map_height, place.map_width)
    squares = picture[
        place.map_top : place.map_top + place.map_height,
        place.left : place.left + place.map_width,
    ].reshape(rows, tall, columns, wide, 3)
    first = squares[:, :1, :, :1]
    assert (squares == first).all()  # of one colour each
    distance = np.abs(first[:, 0, :, 0, None].astype(int) - bar).sum(-1)
    return panel.low + (panel.high - panel.low) * distance.argmin(-1) / (PANEL_WIDTH - 1)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (16, 24), (2, 500), (300, 2)])
def test_values_can_be_read_from_the_legend(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    finer = 2 * shape[0], 2 * shape[1]
    panels = [
        Panel("quality", random.integers(1, 101, shape), 1, 100),
        Panel("step", random.uniform(3.0, 70.0, finer), 3.0, 70.0),
        Panel("bits", random.uniform(0.0, 900.0, finer), 0.0, 900.0),
    ]
    picture = drawn(panels)
    assert picture.dtype == np.uint8 and picture.ndim == 3
    for number, panel in enumerate(panels):
        exact = (panel.high - panel.low) / 100
        found = read_back(picture, panels, number)
        np.testing.assert_allclose(found, panel.values, atol=exact)


def test_panels_lie_apart_within_the_picture() -> None:
    panels = [Panel("a", np.zeros((4, 6)), 0, 1)] * 3
    picture, every = drawn(panels), places(panels)
    for before, after in zip(every, every[1:]):
        assert before.left + max(before.map_width, PANEL_WIDTH) < after.left
    last = every[-1]
    assert last.left + PANEL_WIDTH < picture.shape[1] and last.bar_top + BAR < picture.shape[0]
    assert last.map_width == 6 * SQUARE_MAX
    assert (picture[:, -1] == 255).all() and (picture[-1] == 255).all()
    # Titles and values of the legend are there
    for top, bottom in ((0, last.map_top), (last.bar_top + BAR, len(picture))):
        assert (picture[top:bottom] < 100).any()


def test_shades_rise_in_lightness_and_stay_beyond_the_range() -> None:
    colours = shades(np.linspace(-1.0, 2.0, 301), 0.0, 1.0)
    lightness = colours.astype(float) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness[100:201]) > 0).all()
    assert (colours[:101] == colours[0]).all() and (colours[200:] == colours[-1]).all()
    assert (shades(np.full((2, 2), 5.0), 5.0, 5.0) == colours[0]).all()  # a range of one value
