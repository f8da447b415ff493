"""How long encoding and decoding take and how much memory they need, beside CompressAI's
bmshj2018-hyperprior.

    this process ──► worker: jndlic encode ─┐
                 ──► worker: jndlic decode  │   every worker is a fresh process with one job; the
                 ──► worker: rival  encode  │   repetitions go round them in turn, so that whatever
                 ──► worker: rival  decode ─┘   else the machine does hits all of them alike

Time runs from pixels in memory (uint8) to the compressed bytes, and back; starting Python and
loading weights are reported apart. Memory is the peak resident size of the worker, and its growth
over the peak before the first run.

The rival has random weights (quality 5): what its networks compute is the same, but its symbols are
nearly all alike, which can only make its entropy coder faster. This process must stay small and so
loads no torch: on Linux a child can inherit the peak memory of its parent in the statistics.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO, NamedTuple, cast

import numpy as np
from PIL import Image

from jndlic.bench.run.process import JOBS, fresh, wall_time
from jndlic.console import run_command
from jndlic.errors import ImageError, JndlicError
from jndlic.files import write_atomically

CODECS = {"jndlic": "jndlic", "rival": "bmshj2018-hyperprior"}
SIZES = ((768, 512), (2048, 1365))
AIMS = {"encode": 1.0, "decode": 0.5}
"""Share of the rival's time that jndlic aims to stay within."""


class Measurement(NamedTuple):
    """One codec at one job on one picture."""

    picture: str
    codec: str
    job: str
    seconds: float
    """Median wall time of one run."""
    spread: float
    """(slowest - fastest) / median."""
    start_seconds: float
    """From the start of the process until it was ready for the first run."""
    peak_bytes: int
    """Largest resident size of the process."""
    growth_bytes: int
    """Peak less the peak before the first run."""
    stages: dict[str, float]
    """jndlic only: median seconds of each part; "other" is container, checks and conversions."""


class Worker:
    """A fresh process that does one job whenever it is told to
    (jndlic/bench/studies/speed_worker.py).

    Args:
        codec: "jndlic" or "rival".
        job: "encode" or "decode".
        picture: PNG.
        packed: compressed picture; the encoder's first run writes it, the decoder reads it.
        quality: of jndlic, 1..100.
        threads: of torch; None for its own choice.
    """

    def __init__(
        self, codec: str, job: str, picture: Path, packed: Path, quality: int, threads: int | None
    ) -> None:
        self.codec, self.job, self.picture = codec, job, picture
        command = fresh(
            "jndlic.bench.studies.speed_worker", codec, job, picture, packed, quality, threads or 0
        )
        started = time.perf_counter()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        # PIPE was asked for
        self._input = cast(IO[str], self._process.stdin)
        self._output = cast(IO[str], self._process.stdout)
        self._runs: list[dict] = []
        try:
            self._peak_before = self._answer()["peak"]
        except JndlicError:
            self.close()
            raise
        self._start_seconds = time.perf_counter() - started

    def run(self) -> None:
        """Do the job once."""
        self._input.write("run\n")
        self._input.flush()
        self._runs.append(self._answer())

    def result(self) -> Measurement:
        """Sum up; the first run only warms up, unless it is the only one."""
        runs, peak = self._runs[1:] or self._runs, max(run["peak"] for run in self._runs)
        return Measurement(
            picture=self.picture.stem,
            codec=CODECS[self.codec],
            job=self.job,
            **wall_time([run["seconds"] for run in self._runs])._asdict(),
            start_seconds=self._start_seconds,
            peak_bytes=peak,
            growth_bytes=peak - self._peak_before,
            stages={
                name: statistics.median(run["stages"][name] for run in runs)
                for name in runs[0]["stages"]
            },
        )

    def close(self) -> None:
        """End the process."""
        self._input.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()

    def _answer(self) -> dict:
        line = self._output.readline()
        if not line:
            raise JndlicError(
                f"{self.codec} {self.job}: the process ended early; its message stands above"
            )
        return json.loads(line)


def measure(
    picture: Path, folder: Path, quality: int, threads: int | None, repetitions: int
) -> list[Measurement]:
    """Measure both codecs at both jobs on one picture.

    Args:
        picture: PNG.
        folder: for the compressed files; they stay there.
        quality: of jndlic, 1..100.
        threads: of torch; None for its own choice.
        repetitions: counted runs of each; one more warms up.

    Raises:
        JndlicError: a worker failed.
    """
    workers: list[Worker] = []
    own = Path(tempfile.mkdtemp(dir=folder))  # pictures may have one name in several folders
    try:
        for codec in CODECS:
            for job in JOBS:
                packed = own / codec
                workers.append(Worker(codec, job, picture, packed, quality, threads))
                # Warms up; the encoder also writes what the decoder is about to read
                workers[-1].run()
        for _ in range(repetitions):
            for worker in workers:
                worker.run()
        return [worker.result() for worker in workers]
    finally:
        for worker in workers:
            worker.close()


def ratios(measured: list[Measurement]) -> list[dict[str, str | float]]:
    """jndlic's time and peak memory as shares of the rival's, for each picture and job."""
    found = {(one.picture, one.job, one.codec): one for one in measured}
    rows = []
    for (picture, job, codec), ours in found.items():
        if codec == CODECS["jndlic"]:
            rival = found[picture, job, CODECS["rival"]]
            time_ratio, memory_ratio = (
                ours.seconds / rival.seconds,
                ours.peak_bytes / rival.peak_bytes,
            )
            rows.append(
                {
                    "picture": picture,
                    "job": job,
                    "time": time_ratio,
                    "aim": AIMS[job],
                    "peak_memory": memory_ratio,
                }
            )
    return rows


def format_table(measured: list[Measurement]) -> str:
    """Times, memory, ratios and stages as text."""
    lines = [
        f"{'picture':12s}{'job':8s}{'codec':22s}{'time':>8s}{'spread':>8s}{'start':>8s}{'peak':>10s}{'growth':>10s}"
    ]
    for one in measured:
        lines.append(
            f"{one.picture:12s}{one.job:8s}{one.codec:22s}{one.seconds * 1e3:5.0f} "
            f"ms{one.spread:8.0%}"
            f"{one.start_seconds:6.1f} s{one.peak_bytes / 2**20:6.0f} "
            f"MiB{one.growth_bytes / 2**20:6.0f} MiB"
        )
    lines.append(f"\n{'picture':12s}{'job':8s}jndlic as a share of {CODECS['rival']}")
    for row in ratios(measured):
        verdict = "reached" if float(row["time"]) <= float(row["aim"]) else "MISSED"
        lines.append(
            f"{row['picture']:12s}{row['job']:8s}time {row['time']:.2f} (aim {row['aim']:.1f}: "
            f"{verdict}),"
            f" peak memory {row['peak_memory']:.2f}"
        )
    lines.append("\nstages of jndlic, ms")
    for one in measured:
        if one.stages:
            parts = ", ".join(f"{name} {seconds * 1e3:.1f}" for name, seconds in one.stages.items())
            lines.append(f"{one.picture:12s}{one.job:8s}{parts}")
    return "\n".join(lines)


def sample_picture(folder: Path, width: int, height: int) -> Path:
    """Write a picture of a size: the demo's photo, tiled by mirrors, which keep its detail.

    Returns:
        A PNG file named after its size.
    """
    from skimage.data import coffee  # late: whoever names pictures needs no scikit-image

    photo = coffee()
    margin = ((0, max(0, height - photo.shape[0])), (0, max(0, width - photo.shape[1])), (0, 0))
    path = folder / f"{width}x{height}.png"
    Image.fromarray(np.pad(photo, margin, mode="symmetric")[:height, :width]).save(path)
    return path


def report(
    measured: list[Measurement], quality: int, threads: int | None, repetitions: int
) -> dict:
    """Everything that was measured and under which conditions, ready for JSON."""
    return {
        "name": "speed",
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
        "quality": quality,
        "threads": threads or "all",
        "repetitions": repetitions,
        "results": [one._asdict() for one in measured],
        "ratios": ratios(measured),
    }


def main(argv: list[str] | None = None) -> int:
    """Command line of the speed benchmark."""
    parser = argparse.ArgumentParser(
        description="time and memory of jndlic beside CompressAI's bmshj2018-hyperprior"
    )
    parser.add_argument(
        "--images",
        type=Path,
        nargs="+",
        help="pictures (default: 768x512 and 2048x1365 of a CC0 photo)",
    )
    parser.add_argument(
        "-q", "--quality", type=int, default=50, help="of jndlic, 1 to 100 (default: %(default)s)"
    )
    parser.add_argument("--threads", type=int, help="CPU threads (default: all)")
    parser.add_argument(
        "--repetitions", type=int, default=7, help="counted runs (default: %(default)s)"
    )
    parser.add_argument("--json", type=Path, help="file for the measurements")
    options = parser.parse_args(argv)
    if options.repetitions < 1:
        parser.error("--repetitions must be at least 1")
    return run_command("speed", lambda: _run(options))


def _run(options: argparse.Namespace) -> None:
    for picture in options.images or ():
        if not picture.is_file():
            raise ImageError(f"{picture}: no such file")
    measured: list[Measurement] = []
    with tempfile.TemporaryDirectory() as folder:
        for picture in options.images or [sample_picture(Path(folder), *size) for size in SIZES]:
            measured += measure(
                picture, Path(folder), options.quality, options.threads, options.repetitions
            )
    print(
        f"threads {options.threads or 'all'}, quality {options.quality}, median of "
        f"{options.repetitions}\n"
    )
    print(format_table(measured))
    if options.json:
        text = json.dumps(
            report(measured, options.quality, options.threads, options.repetitions), indent=1
        )
        write_atomically(options.json, text.encode())
