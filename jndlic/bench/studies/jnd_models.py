"""JND models side by side: their maps, their time, and how much noise each hides.

A model puts noise where it says that the eye tolerates it. Of two models whose noise has the same
energy, the better one is whose picture looks more like the original; SSIMULACRA2 and Butteraugli
measure that. "even" puts the same noise everywhere.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jndlic.choices import JND_MODELS
from jndlic.console import run_command
from jndlic.errors import ParameterError
from jndlic.files import write_atomically
from jndlic.images.files import load
from jndlic.images.folders import find_images
from jndlic.jnd.models import inject, tolerance_map
from jndlic.metrics.psnr import psnr
from jndlic.metrics.registry import Metric, select

EVEN = "even"
ENERGY = 30.0  # dB of PSNR at which the models' noises are compared
CLOSE = 0.01  # dB
LARGE = (3000, 4000)


def noise_of_energy(pixels: np.ndarray, jnd: np.ndarray, target: float = ENERGY) -> np.ndarray:
    """The picture with a model's noise, as strong as it takes to reach a PSNR.

    Args:
        pixels: (H, W, 3) uint8.
        jnd: (H, W, 3) grey levels, not all zero.
        target: dB.

    Raises:
        ParameterError: the noise of this map does not reach that PSNR.
    """
    low, high = 0.0, 1.0
    while psnr(pixels, inject(pixels, jnd, high)) > target:
        low, high = high, 2.0 * high
        if high > 1e6:
            raise ParameterError(f"no level of this map's noise comes down to {target} dB")
    while True:
        middle = 0.5 * (low + high)
        noisy = inject(pixels, jnd, middle)
        reached = psnr(pixels, noisy)
        if abs(reached - target) < CLOSE or high - low < 1e-6:
            return noisy
        low, high = (middle, high) if reached > target else (low, middle)


def hidden_noise(
    images: Sequence[Path], models: Sequence[str], metrics: dict[str, Metric]
) -> dict[str, dict[str, float]]:
    """Means over the pictures: PSNR of the noise at the model's own threshold, and the metrics at
    equal energy.

    Args:
        images: picture files.
        models: some of JND_MODELS; EVEN stands for a flat map.
        metrics: by name.
    """
    from tqdm import tqdm

    sums = {model: {"psnr at threshold": 0.0} | dict.fromkeys(metrics, 0.0) for model in models}
    for image in tqdm(images, unit="picture"):
        pixels = load(image).pixels
        for model, row in sums.items():
            jnd = (
                np.ones(pixels.shape, np.float32) if model == EVEN else tolerance_map(pixels, model)
            )
            row["psnr at threshold"] += (
                math.nan if model == EVEN else psnr(pixels, inject(pixels, jnd))
            )
            noisy = noise_of_energy(pixels, jnd)
            for name, metric in metrics.items():
                row[name] += metric(pixels, noisy)
    return {
        model: {name: value / len(images) for name, value in row.items()}
        for model, row in sums.items()
    }


def seconds_of(model: str, pixels: np.ndarray) -> float:
    """Wall time of a map, after one of a small part that only warms up."""
    tolerance_map(pixels[:64, :64], model)
    start = time.perf_counter()
    tolerance_map(pixels, model)
    return time.perf_counter() - start


def draw(photos: Sequence[np.ndarray], models: Sequence[str], path: Path) -> None:
    """The photos, each with the maps of all models beside it.

    Args:
        photos: (H, W, 3) uint8 each.
        models: some of JND_MODELS.
        path: PNG to write.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.1 * (1 + len(models)), 2.2 * len(photos)), layout="constrained")
    axes = figure.subplots(len(photos), 1 + len(models), squeeze=False)
    shown = None
    for row, pixels in zip(axes, photos):
        row[0].imshow(pixels)
        for axis, model in zip(row[1:], models):
            shown = axis.imshow(tolerance_map(pixels, model).mean(2), cmap="magma", vmin=0, vmax=24)
            axis.set_title(model, fontsize=10)
        for axis in row:
            axis.set_axis_off()
    if shown is not None:
        figure.colorbar(shown, ax=axes[:, -1], shrink=0.6, label="grey levels")
    write_atomically(path, lambda file: figure.savefig(file, format="png", dpi=90))


def main(argv: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument(
        "--images", type=Path, required=True, metavar="DIR", help="to inject noise into"
    )
    parser.add_argument("--models", nargs="+", default=JND_MODELS, choices=JND_MODELS)
    parser.add_argument("--metrics", nargs="+", default=["ssimulacra2", "butteraugli-3norm"])
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON file for the figures")
    parser.add_argument(
        "--picture",
        type=Path,
        metavar="FILE",
        help="PNG of the maps on free photos of scikit-image",
    )
    options = parser.parse_args(argv)
    return run_command("jnd_models", lambda: _run(options))


def _run(options: argparse.Namespace) -> None:
    metrics = select(options.metrics)
    images = find_images(options.images)
    report = hidden_noise(images, [EVEN, *options.models], metrics)
    large = load(images[0]).pixels
    large = np.tile(large, (-(-LARGE[0] // large.shape[0]), -(-LARGE[1] // large.shape[1]), 1))[
        : LARGE[0], : LARGE[1]
    ]
    for model in options.models:
        if model != "free-energy":  # which takes minutes, as its module says
            report[model]["seconds for 12 megapixels"] = seconds_of(model, large)
    for model, row in report.items():
        print(f"{model:12s}" + "".join(f"  {name} {value:.3f}" for name, value in row.items()))
    if options.out:
        content = {"pictures": len(images), "equal energy, dB": ENERGY, "models": _finite(report)}
        write_atomically(options.out, (json.dumps(content, indent=1) + "\n").encode())
    if options.picture:
        from skimage import data

        photos = [data.coffee(), data.astronaut()[:340], data.chelsea()]
        draw(photos, options.models, options.picture)


def _finite(report: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    return {
        model: {name: round(value, 4) for name, value in row.items() if math.isfinite(value)}
        for model, row in report.items()
    }
