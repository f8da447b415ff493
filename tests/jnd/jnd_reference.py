"""The models of luma once more: plain numpy, pixel by pixel where that is clearest; slow, for small
pictures.
"""

from __future__ import annotations

import math

import numpy as np

from jndlic.jnd.luminance import BACKGROUND, DIRECTIONS


def windows(grey: np.ndarray, side: int) -> np.ndarray:
    """(H, W) to (H, W, side, side), borders replicated."""
    padded = np.pad(grey, side // 2, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, (side, side))


def weighted(grey: np.ndarray, kernel: np.ndarray | tuple) -> np.ndarray:
    kernel = np.asarray(kernel, dtype=np.float64)
    return (windows(grey, kernel.shape[0]) * kernel).sum((2, 3))


def gaussian(side: int, sigma: float) -> np.ndarray:
    places = np.arange(side) - side // 2
    kernel = np.exp(-(places[:, None] ** 2 + places**2) / (2 * sigma**2))
    return kernel / kernel.sum()


def adaptation(mean: np.ndarray) -> np.ndarray:
    return np.where(
        mean <= 127, 17 * (1 - np.sqrt(np.maximum(mean, 0) / 127)) + 3, 3 / 128 * (mean - 127) + 3
    )


def background(grey: np.ndarray) -> np.ndarray:
    return weighted(grey, BACKGROUND) / 32


def pattern_map(grey: np.ndarray, protection: np.ndarray) -> np.ndarray:
    """Of edge protection that is given, since Canny's edges have a test of their own."""
    around = background(grey)
    lifted = np.where(around <= 127, 32 + around * 95 / 127, around)
    deviation = np.maximum(windows(grey, 5).std((2, 3)), 1e-3)
    prewitt = np.array([[-1, 0, 1]] * 3) / 3
    right, down = weighted(grey, prewitt), weighted(grey, prewitt.T)
    bins = np.round((np.degrees(np.arctan2(down, right)) + 1.5) / 12) % 15
    bins[np.hypot(right, down) < 5 - 1e-4] = 15
    padded = np.pad(bins, 1, constant_values=-1)
    rows, columns = grey.shape
    distinct = np.array(
        [
            [len(set(padded[i : i + 3, j : j + 3].ravel()) - {-1}) for j in range(columns)]
            for i in range(rows)
        ],
        dtype=float,
    )
    complexity = weighted(distinct, gaussian(3, 1.0))
    pattern = deviation * 0.3 * complexity**2.7 / (complexity**2 + 1) * protection
    contrast = np.maximum(1.84 * deviation**2.4 / (deviation**2 + 26**2), pattern)
    light = 0.7 * adaptation(lifted)
    return light + contrast - 0.3 * np.minimum(light, contrast)


def critical_luma(grey: np.ndarray) -> tuple[np.ndarray, int]:
    """Sides that are multiples of 8."""
    rows, columns = grey.shape
    patches = grey.reshape(rows // 8, 8, columns // 8, 8).transpose(0, 2, 1, 3).reshape(-1, 64)
    mean = patches.mean(0)
    _, singular, basis = np.linalg.svd(patches - mean, full_matrices=True)
    energy = np.zeros(64)
    energy[: len(singular)] = singular**2
    shares = np.cumsum(energy) / energy.sum()
    ratio = shares / 0.99805
    weights = np.array(
        [math.exp(893.16 * math.log(max(value, 1e-9)) - value**894.16) for value in ratio]
    )
    count = math.ceil((np.arange(1, 65) * weights).sum() / weights.sum() - 1e-9)
    restored = (patches - mean) @ basis[:count].T @ basis[:count] + mean
    return restored.reshape(rows // 8, columns // 8, 8, 8).transpose(0, 2, 1, 3).reshape(
        rows, columns
    ), count


def prediction(grey: np.ndarray) -> np.ndarray:
    rows, columns = grey.shape
    padded = np.pad(grey, 10, mode="edge")
    total, weights = np.zeros_like(grey), np.zeros_like(grey)
    for down in range(21):
        for right in range(21):
            if (down, right) != (10, 10):
                other = padded[down : down + rows, right : right + columns]
                weight = np.exp(-windows((grey - other) ** 2, 7).mean((2, 3)) / 100)
                total += weight * other
                weights += weight
    return total / weights


def free_energy_map(grey: np.ndarray, protection: np.ndarray) -> np.ndarray:
    predicted = prediction(grey)
    around = background(predicted)
    height = np.max([np.abs(weighted(predicted, kernel)) / 16 for kernel in DIRECTIONS], 0)
    masking = np.maximum(
        80 * np.log10(1 + height / 80) / math.log10(4) * (1e-4 * around + 0.115)
        + 0.5
        - 0.01 * around,
        0,
    )
    light = adaptation(around)
    order = light + masking - 0.3 * np.minimum(light, masking)
    disorder = np.abs(grey - predicted) * protection
    return order + disorder - 0.3 * np.minimum(order, disorder)
