"""Pictures that no photo looks like, drawn by code."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

WORDS = "The quick brown fox jumps over the lazy dog. 0123456789 (a+b)*c = {x};"


def stripes(height: int, width: int) -> np.ndarray:
    """One pixel black, one white."""
    return _grey(np.broadcast_to(np.arange(width) % 2 * 255, (height, width)))


def checkerboard(height: int, width: int) -> np.ndarray:
    """Fields of one pixel."""
    rows, columns = np.mgrid[0:height, 0:width]
    return _grey((rows + columns) % 2 * 255)


def zone_plate(height: int, width: int) -> np.ndarray:
    """Rings whose frequency grows up to the finest that there is."""
    rows, columns = np.mgrid[0:height, 0:width] - np.array([height, width])[:, None, None] / 2
    return _grey(127.5 + 127.5 * np.cos(np.pi * (rows**2 + columns**2) / max(height, width)))


def text(height: int, width: int) -> np.ndarray:
    """Small letters, black on white."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    for line, top in enumerate(range(2, height - 10, 12)):
        shifted = WORDS[line % 40 :] + WORDS
        draw.text((3, top), (shifted * 20)[: width // 6], fill="black")
    return np.array(image)


def modules(height: int, width: int) -> np.ndarray:
    """Random squares of 3 pixels, as in a QR code."""
    random = np.random.default_rng(3)
    cells = random.integers(0, 2, (-(-height // 3), -(-width // 3))) * 255
    return _grey(cells.repeat(3, 0).repeat(3, 1)[:height, :width])


def flat_colours(height: int, width: int) -> np.ndarray:
    """Strong colours in large fields."""
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 0, 255], [0, 255, 255]])
    rows, columns = np.mgrid[0:height, 0:width] // 50
    return colours[(rows * 2 + columns) % 5].astype(np.uint8)


def screenshot(height: int, width: int) -> np.ndarray:
    """Windows with bars, buttons and text."""
    pixels = np.full((height, width, 3), (236, 239, 244), np.uint8)
    pixels[:24] = 46, 52, 64
    pixels[24:, :60] = 216, 222, 233
    pixels[40:70, 70:130] = 94, 129, 172
    page = text(max(height - 90, 12), max(width - 80, 12))
    pixels[80 : 80 + page.shape[0], 70 : 70 + page.shape[1]] = page[: height - 80, : width - 70]
    return pixels


def texture(height: int, width: int) -> np.ndarray:
    """Like a photo: noise that is the weaker the finer it is, in colours that go together."""
    random = np.random.default_rng(9)
    field = np.fft.rfft2(random.normal(size=(3, height, width)))
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)
    field /= (rows**2 + columns**2 + 1e-4) ** 0.75
    planes = np.fft.irfft2(field, (height, width))
    planes = planes[0] + 0.3 * planes[1:].repeat(2, 0)[:3]
    planes = 128 + 45 * (planes - planes.mean()) / planes.std()
    noisy = planes + random.normal(0, 1.5, planes.shape)
    return noisy.clip(0, 255).astype(np.uint8).transpose(1, 2, 0).copy()


def pasted_text(height: int, width: int) -> np.ndarray:
    """A texture with a block of text in it."""
    pixels = texture(height, width)
    top, left = height // 4, width // 4
    block = text(height // 3, width // 2)
    pixels[top : top + block.shape[0], left : left + block.shape[1]] = block
    return pixels


def _grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(np.rint(values).astype(np.uint8)[..., None], 3, 2)


DRAWINGS: tuple[Callable[[int, int], np.ndarray], ...] = (
    stripes,
    checkerboard,
    zone_plate,
    text,
    modules,
    flat_colours,
    screenshot,
    pasted_text,
)
"""All that the network does not draw, and a texture with such a part."""
