"""What photos hold too little of, drawn on the fly: thin lines, grids, text, stripes, flat colours.

    generator ─► ground (the photo, a flat colour, a gradient) ─┐
    generator ─► figures (strokes, lattice, text, waves) ───────┴─► layer (S, S, 4) ─► over the crop

A learned transform trained on photos alone surrounds every wire and window frame with ripples. Half
of the drawings lie over the photo, as such lines do in pictures that people take; the others stand
alone, as on screens.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

OVERSAMPLING = 3
"""Figures are drawn so many times larger and averaged: soft edges, places between pixels."""

PHOTO_GROUND, FLAT_GROUND = 0.5, 0.75
"""Upper ends of the shares of the grounds; the rest are gradients."""

FAINT = 0.4
"""Share of the figures that are partly transparent."""

SIGNS = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,:-/()   "))

Colour = tuple[int, int, int]
Draw = Callable[[np.random.Generator, int], np.ndarray]


def drawing(random: np.random.Generator, side: int) -> np.ndarray:
    """A layer to lay over a crop.

    Args:
        random: the source of everything.
        side: of the crop in pixels.

    Returns:
        (side, side, 4) uint8: colour and opacity; transparent where the photo shows.
    """
    kind = random.random()
    if kind < PHOTO_GROUND:
        ground = np.zeros((side, side, 4))
    else:
        ground = np.full((side, side, 4), 255.0)
        ground[..., :3] = _colour(random) if kind < FLAT_GROUND else _gradient(random, side)
    figures = FIGURES[int(random.integers(len(FIGURES)))](random, side)
    if random.random() < FAINT:
        figures[..., 3] *= random.uniform(0.1, 1.0)
    return np.rint(_over(figures, ground)).astype(np.uint8)


def drawn_over(crop: Tensor, random: np.random.Generator) -> Tensor:
    """A crop under a new drawing.

    Args:
        crop: (3, S, S) uint8, on any device.
        random: the source of everything.

    Returns:
        (3, S, S) uint8, there.
    """
    return laid_over(torch.from_numpy(drawing(random, crop.shape[-1])).to(crop.device), crop)


def laid_over(layer: Tensor, crop: Tensor) -> Tensor:
    """A crop under a drawing.

    Args:
        layer: (S, S, 4) uint8 from `drawing`.
        crop: (3, S, S) uint8.

    Returns:
        (3, S, S) uint8.
    """
    colour, opacity = layer.permute(2, 0, 1).float().split((3, 1))
    return torch.lerp(crop.float(), colour, opacity / 255.0).round_().to(torch.uint8)


def _over(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Two layers (H, W, 4) in 0..255 as one (Porter and Duff's "over")."""
    opacity, below = upper[..., 3:] / 255.0, lower[..., 3:] / 255.0
    shown = below * (1.0 - opacity)
    total = opacity + shown
    colour = (upper[..., :3] * opacity + lower[..., :3] * shown) / np.maximum(total, 1e-6)
    return np.concatenate((colour, 255.0 * total), axis=-1)


def _colour(random: np.random.Generator) -> Colour:
    """Most of them near grey, often near black or white, as ink, wires and window frames are."""
    spread = random.choice((0.0, 20.0, 80.0), p=(0.4, 0.4, 0.2))
    levels = 255.0 * random.beta(0.4, 0.4) + random.normal(0.0, spread, 3)
    red, green, blue = (int(level) for level in levels.clip(0.0, 255.0))
    return red, green, blue


def _two_colours(random: np.random.Generator) -> np.ndarray:
    """(2, 3) grey levels."""
    return np.array([_colour(random) for _ in range(2)], dtype=float)


def _gradient(random: np.random.Generator, side: int) -> np.ndarray:
    first, last = _two_colours(random)
    last = first + (last - first) * random.uniform(0.05, 1.0)
    along = _along(random.uniform(0.0, 2.0 * math.pi), side)
    share = (along - along.min()) / np.ptp(along)
    return first + (last - first) * share[..., None]


def _along(angle: float, side: int) -> np.ndarray:
    """(side, side) distances in pixels from a line through the middle."""
    places = np.arange(side) - 0.5 * (side - 1)
    return math.cos(angle) * places[:, None] + math.sin(angle) * places[None, :]


class _Canvas:
    """A transparent sheet; points in pixels of the crop."""

    def __init__(self, side: int) -> None:
        self.side = side
        self.image = Image.new("RGBA", (side * OVERSAMPLING, side * OVERSAMPLING))
        self.pen = ImageDraw.Draw(self.image)

    def line(self, points: np.ndarray, colour: Colour, width: float) -> None:
        """A polyline through (N, 2) points (x, y)."""
        path = [(float(x), float(y)) for x, y in points * OVERSAMPLING]
        self.pen.line(path, (*colour, 255), max(1, round(width * OVERSAMPLING)), joint="curve")

    def polygon(self, points: np.ndarray, colour: Colour) -> None:
        """A filled polygon of (N, 2) corners (x, y)."""
        self.pen.polygon([(float(x), float(y)) for x, y in points * OVERSAMPLING], (*colour, 255))

    def layer(self) -> np.ndarray:
        """(side, side, 4) in 0..255."""
        return np.array(self.image.reduce(OVERSAMPLING), dtype=float)


def strokes(random: np.random.Generator, side: int) -> np.ndarray:
    """Wires, branches, masts: straight and bent lines, alone and in parallel families."""
    canvas = _Canvas(side)
    for _ in range(int(random.integers(1, 9))):
        colour, width = _colour(random), _width(random)
        start, direction = random.uniform(-0.2, 1.2, 2) * side, random.uniform(0.0, 2.0 * math.pi)
        reach = side * random.uniform(0.2, 1.6)
        bend = random.normal(0.0, 0.5) if random.random() < 0.5 else 0.0
        shares = np.linspace(0.0, 1.0, 24 if bend else 2)
        angles = direction + bend * shares
        steps = np.stack((np.cos(angles), np.sin(angles)), axis=-1)
        path = start + reach * shares[:, None] * steps
        aside = np.array((-math.sin(direction), math.cos(direction)))
        spacing = width + 3.0 + random.exponential(12.0)
        for number in range(int(random.integers(2, 7)) if random.random() < 0.4 else 1):
            canvas.line(path + number * spacing * aside, colour, width)
    return canvas.layer()


def _width(random: np.random.Generator) -> float:
    """0.4 to 6 pixels, as many from each octave."""
    return 0.4 * 15.0 ** random.random()


def lattice(random: np.random.Generator, side: int) -> np.ndarray:
    """Façades, fences, tiles: a grid of lines or of panes, turned and in light perspective."""
    canvas = _Canvas(side)
    frame, pane = _colour(random), _colour(random)
    spacing = np.array([5.0 * 10.0 ** random.random() for _ in range(2)])
    turn = random.normal(0.0, 0.15) if random.random() < 0.7 else random.uniform(0.0, math.pi)
    turned = np.array(((math.cos(turn), math.sin(turn)), (-math.sin(turn), math.cos(turn))))
    slant, width = random.normal(0.0, 0.0015, 2), _width(random)
    counts = np.ceil(0.75 * side / spacing).astype(int)

    def place(points: np.ndarray) -> np.ndarray:
        depth = np.clip(1.0 + points @ slant, 0.3, None)
        return (points / depth[:, None]) @ turned + 0.5 * side

    columns, rows = (np.arange(-count, count + 1) for count in counts)
    if random.random() < 0.5:
        size = spacing * random.uniform(0.3, 0.85, 2)
        corners = np.array(((0, 0), (1, 0), (1, 1), (0, 1))) * size
        for row in rows:
            for column in columns:
                canvas.polygon(place(corners + (column, row) * spacing), pane)
        return canvas.layer()
    reach = counts * spacing
    for column in columns:
        x = column * spacing[0]
        canvas.line(place(np.array(((x, -reach[1]), (x, reach[1])))), frame, width)
    if random.random() < 0.7:
        for row in rows:
            y = row * spacing[1]
            canvas.line(place(np.array(((-reach[0], y), (reach[0], y)))), frame, width)
    return canvas.layer()


def text(random: np.random.Generator, side: int) -> np.ndarray:
    """Lines of signs, 7 to 48 pixels high, some with a panel or a rule between them."""
    canvas = _Canvas(side)
    size = 7.0 * 7.0 ** random.random()
    font = ImageFont.load_default(size * OVERSAMPLING)
    colour = _colour(random)
    if random.random() < 0.4:
        low, high = np.sort(random.uniform(0.0, side, (2, 2)), axis=0)
        box = np.array((low, (high[0], low[1]), high, (low[0], high[1])))
        canvas.polygon(box, _colour(random))
    left, row = random.uniform(-20.0, 0.5 * side), random.uniform(-size, 0.5 * side)
    for _ in range(int(random.integers(1, 13))):
        words = "".join(random.choice(SIGNS, int(random.integers(3, 40))))
        canvas.pen.text((left * OVERSAMPLING, row * OVERSAMPLING), words, (*colour, 255), font)
        row += size * random.uniform(1.1, 1.5)
        if random.random() < 0.1:
            canvas.line(np.array(((left, row), (side, row))), colour, _width(random))
    return canvas.layer()


def waves(random: np.random.Generator, side: int) -> np.ndarray:
    """Stripes and rings, sine or square, of 2 to 40 pixels a period, in a window or everywhere."""
    period = 2.0 * 20.0 ** random.random()
    if random.random() < 0.6:
        phase = _along(random.uniform(0.0, math.pi), side) / period
    else:
        centre = random.uniform(0.0, side, 2)
        places = np.arange(side)[:, None] - centre
        squared = (places[:, 0] ** 2)[:, None] + (places[:, 1] ** 2)[None, :]
        # Rings whose period falls to the given one at the farthest corner, or equal ones
        zone = random.random() < 0.5
        phase = (
            squared / (2.0 * period * math.sqrt(squared.max()))
            if zone
            else np.sqrt(squared) / period
        )
    wave = np.sin(2.0 * math.pi * phase)
    if random.random() < 0.5:
        wave = np.sign(wave)
    first, last = _two_colours(random)
    layer = np.zeros((side, side, 4))
    layer[..., :3] = first + (last - first) * (0.5 + 0.5 * wave[..., None])
    (top, left), (bottom, right) = np.sort(random.integers(0, side + 1, (2, 2)), axis=0)
    if random.random() < 0.3:
        top, left, bottom, right = 0, 0, side, side
    layer[top:bottom, left:right, 3] = 255.0
    return layer


def nothing(random: np.random.Generator, side: int) -> np.ndarray:
    """The ground alone: skies, walls, flat colours."""
    return np.zeros((side, side, 4))


# Lines are what photos need most
FIGURES: tuple[Draw, ...] = (strokes, strokes, strokes, lattice, lattice, text, waves, nothing)
