"""How time and memory grow with the picture: whole processes over sizes up to a hundred megapixels
and more.

photo, repeated and mirrored ─► PPM of each size ─► encode ─► decode, decode a region
    ─► wall time, peak memory ─► table, JSON, plot
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jndlic.bench.studies.startup import Command, ours, run_once
from jndlic.console import run_command
from jndlic.files import write_atomically
from jndlic.format.container import PIXELS_MAX

MEGAPIXELS = 1, 4, 16, 24, 64, 100
ASPECT = 3, 2
SIDE_UNIT = 64
REGION = 512
"""Side of the part that is decoded alone, from the middle; pixels."""
JOBS = "encode", "decode", f"decode {REGION}x{REGION}"


class Job(NamedTuple):
    """One process."""

    name: str
    width: int
    height: int
    seconds: float
    """Wall time."""
    peak_bytes: int
    """Largest resident memory."""
    file_bytes: int
    """Of the .jlic file."""


def size_of(megapixels: float) -> tuple[int, int]:
    """Width and height of about so many pixels, three to two."""
    unit = (megapixels * 1e6 / (ASPECT[0] * ASPECT[1])) ** 0.5
    width, height = (max(round(unit * side / SIDE_UNIT), 1) * SIDE_UNIT for side in ASPECT)
    return width, height


def write_picture(path: Path, width: int, height: int) -> None:
    """A photo, repeated in both directions, every other copy mirrored and all of them of another
    brightness, so that no two rows of tiles cost the same; a PPM file, written row by row.
    """
    from skimage.data import coffee  # late: whoever names sizes needs no scikit-image

    photo = coffee()
    rows, columns = photo.shape[:2]
    across = -(-width // columns)
    with path.open("wb") as file:
        file.write(f"P6\n{width} {height}\n255\n".encode())
        for number, top in enumerate(range(0, height, rows)):
            tiles = [photo[:, ::-1] if place % 2 else photo for place in range(across)]
            gains = 0.5 + 0.5 * ((np.arange(across) * 5 + number * 3) % 8) / 7
            band = np.concatenate(
                [(tile * gain).astype(np.uint8) for tile, gain in zip(tiles, gains)], axis=1
            )
            file.write(band[: height - top, :width].tobytes())


def measure(folder: Path, megapixels: float, threads: int | None = None) -> list[Job]:
    """The jobs at one size.

    Args:
        folder: for picture and files.
        megapixels: about how many.
        threads: of each process; its own choice by default.

    Raises:
        CodecError: a process failed.
    """
    width, height = size_of(megapixels)
    picture, packed, restored = (folder / name for name in ("in.ppm", "a.jlic", "out.ppm"))
    write_picture(picture, width, height)
    side = min(REGION, width, height)
    region = f"{(width - side) // 2},{(height - side) // 2},{side},{side}"
    options = ["-f", "--quiet", *([] if threads is None else ["--threads", threads])]
    limit = ["--max-pixels", PIXELS_MAX]
    words = (
        ("encode", picture, packed, *options),
        ("decode", packed, restored, *options, *limit),
        ("decode", packed, restored, *options, *limit, "--region", region),
    )
    jobs = []
    for name, command in zip(JOBS, words):
        seconds, peak = run_once(Command(f"{megapixels} MP {name}", ours(*command)))
        jobs.append(Job(name, width, height, seconds, peak, packed.stat().st_size))
    return jobs


def format_table(jobs: list[Job]) -> str:
    """One line a process."""
    lines = [f"{'picture':>14} {'MP':>6}  {'job':16} {'time':>8} {'s / MP':>7} {'peak':>10}"]
    for job in jobs:
        millions = job.width * job.height / 1e6
        lines.append(
            f"{job.width:6} x {job.height:5} {millions:6.1f}  {job.name:16} {job.seconds:6.2f} s "
            f"{job.seconds / millions:7.2f} {job.peak_bytes / 2**20:6.0f} MiB"
        )
    return "\n".join(lines)


def plot(jobs: list[Job], path: Path) -> None:
    """Time and memory over the size, both axes logarithmic.

    Args:
        jobs: measured.
        path: of the PNG.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for name in JOBS:
        chosen = [job for job in jobs if job.name == name]
        millions = [job.width * job.height / 1e6 for job in chosen]
        panels[0].plot(millions, [job.seconds for job in chosen], "o-", label=name)
        panels[1].plot(millions, [job.peak_bytes / 2**30 for job in chosen], "o-", label=name)
    for panel, label in zip(panels, ("wall time, s", "peak memory, GiB")):
        panel.set(xscale="log", yscale="log", xlabel="megapixels", ylabel=label)
        panel.grid(alpha=0.3, which="both")
    panels[0].legend()
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def main(argv: list[str] | None = None) -> int:
    """Command line of the study."""
    parser = argparse.ArgumentParser(
        description="wall time and peak memory of whole processes over sizes of pictures"
    )
    parser.add_argument(
        "--megapixels", type=float, nargs="+", default=MEGAPIXELS, help="default: %(default)s"
    )
    parser.add_argument("--threads", type=int, help="of each process")
    parser.add_argument("--json", type=Path, help="file for the measurements")
    parser.add_argument("--plot", type=Path, help="PNG of time and memory over the size")
    options = parser.parse_args(argv)
    if min(options.megapixels) <= 0:
        parser.error("--megapixels must be positive")
    return run_command("scaling", lambda: _main(options))


def _main(options: argparse.Namespace) -> None:
    jobs: list[Job] = []
    with tempfile.TemporaryDirectory() as folder:
        for megapixels in sorted(options.megapixels):
            jobs += measure(Path(folder), megapixels, options.threads)
    print(format_table(jobs))
    if options.plot:
        plot(jobs, options.plot)
    if options.json:
        report = {
            "name": "scaling",
            "machine": {"processor": platform.machine(), "cores": os.cpu_count()},
            "results": [job._asdict() for job in jobs],
        }
        write_atomically(options.json, (json.dumps(report, indent=1) + "\n").encode())
