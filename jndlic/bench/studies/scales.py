"""Where metrics must draw the line so that JPEG at the line has the quality that people gave it:
the figures of optimize/predictors/scales.py.

For each metric and share of satisfied people: the one threshold at which photos, coded by JPEG as
coarsely as the threshold allows, have the mean quality of MCL-JCI. How much those qualities then
differ from photo to photo is no choice any more: it tells which metric behaves most like the people
did.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from jndlic.codecs.registry import open_codec
from jndlic.console import run_command
from jndlic.errors import ParameterError
from jndlic.files import write_atomically
from jndlic.images.files import load
from jndlic.images.folders import find_images
from jndlic.jnd.namm import jnd_map
from jndlic.metrics.psnr import psnr
from jndlic.optimize.predictors.metric import METRICS
from jndlic.optimize.predictors.scales import SHARES
from jndlic.tensors import to_batch

QUALITIES = (10, 15, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90, 95)
JND_ERROR = "jnd-error"
PSNR = "psnr"
RISING = {"ssimulacra2": True, "butteraugli": False, JND_ERROR: False, PSNR: True}
"""Whether the metric rises with the quality."""
MINKOWSKI = 4


def jnd_error(reference: np.ndarray, distorted: np.ndarray) -> float:
    """Error in units of the tolerance at each pixel, as a 4-norm over the picture (the default JND
    map).
    """
    image = to_batch(reference)
    with torch.inference_mode():
        error = (to_batch(distorted) - image) / jnd_map(image)
        return float((error**MINKOWSKI).mean() ** (1 / MINKOWSKI))


def human_qualities(curves: Path) -> dict[float, np.ndarray]:
    """JPEG qualities of each picture of MCL-JCI at SHARES of satisfied users, from the table of
    their curves.

    Raises:
        ParameterError: the table has not the columns ref_img, qf and first_SUR.
    """
    rows: dict[str, list[tuple[int, float]]] = {}
    with open(curves, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if not {"ref_img", "qf", "first_SUR"} <= set(row):
                raise ParameterError(f"{curves} needs the columns ref_img, qf and first_SUR")
            rows.setdefault(row["ref_img"], []).append((int(row["qf"]), float(row["first_SUR"])))
    shares = {name: np.array(sorted(points)).T for name, points in rows.items()}
    return {
        share: np.array([np.interp(share, curve[1], curve[0]) for curve in shares.values()])
        for share in SHARES
    }


def measured(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """(photos, qualities) of each metric."""
    from tqdm import tqdm

    codec = open_codec("jpeg")
    metrics = METRICS | {
        JND_ERROR: lambda pixels: partial(jnd_error, pixels),
        PSNR: lambda pixels: partial(psnr, pixels),
    }
    values: dict[str, list[list[float]]] = {name: [] for name in metrics}
    for path in tqdm(paths, unit="photo"):
        pixels = load(path).pixels
        versions = [codec.decode(codec.encode(pixels, quality)) for quality in QUALITIES]
        for name, metric in metrics.items():
            values[name].append([*map(metric(pixels), versions)])
    return {name: np.array(rows) for name, rows in values.items()}


def qualities_at(values: np.ndarray, threshold: float) -> np.ndarray:
    """The least quality of each photo whose value reaches a threshold, between QUALITIES by a line.

    Args:
        values: (photos, qualities), rising with the quality but for small waves.
        threshold: in the metric's unit.
    """
    return np.array([np.interp(threshold, np.maximum.accumulate(row), QUALITIES) for row in values])


def threshold_for(values: np.ndarray, mean: float) -> float:
    """The threshold at which the photos' qualities have a mean; `values` as for `qualities_at`."""
    low, high = float(values.min()), float(values.max())
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if qualities_at(values, middle).mean() < mean else (low, middle)
    return 0.5 * (low + high)


def calibrate(
    values: dict[str, np.ndarray], people: dict[float, np.ndarray]
) -> list[dict[str, float | str]]:
    """A row for each metric and share: threshold, mean and spread of the photos' qualities, spread
    of MCL-JCI's.
    """
    rows = []
    for name, found in values.items():
        sign = 1.0 if RISING[name] else -1.0
        for share, wanted in people.items():
            threshold = threshold_for(sign * found, float(wanted.mean()))
            reached = qualities_at(sign * found, threshold)
            rows.append(
                {
                    "metric": name,
                    "share": share,
                    "threshold": sign * threshold,
                    "mean": float(reached.mean()),
                    "deviation": float(reached.std()),
                    "mean of people": float(wanted.mean()),
                    "deviation of people": float(wanted.std()),
                }
            )
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; exit codes as those of `jndlic`."""
    parser = argparse.ArgumentParser(
        description="thresholds of metrics that give JPEG the quality people gave it",
    )
    parser.add_argument(
        "photos",
        nargs="+",
        metavar="DIR",
        help="folders of lossless photos of about a megapixel or more",
    )
    parser.add_argument(
        "--curves",
        type=Path,
        required=True,
        metavar="CSV",
        help="MCL-JCI's satisfied users: ref_img, qf, first_SUR",
    )
    parser.add_argument("--out", type=Path, metavar="JSON")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every Nth photo")
    options = parser.parse_args(argv)
    return run_command("scales", lambda: _run(options))


def _run(options: argparse.Namespace) -> None:
    people = human_qualities(options.curves)
    paths = find_images(*options.photos, deep=True)[:: options.every]
    rows = calibrate(measured(paths), people)
    for row in rows:
        print(
            "{metric:12} {share:.2f}  threshold {threshold:8.3f}  quality {mean:5.1f}"
            " +- {deviation:5.2f}  people +- {deviation of people:5.2f}".format(**row)
        )
    if options.out:
        write_atomically(
            options.out, json.dumps({"photos": len(paths), "rows": rows}, indent=1).encode()
        )
