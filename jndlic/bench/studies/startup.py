"""What a user waits for: whole processes, from the shell's point of view.

commands (ours by ONNX Runtime, ours by torch, AVIF by Pillow) ─► one after the other, in rounds
    ─► wall time and peak memory of each ─► medians, ratios ─► table, JSON
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from jndlic.bench.run.process import resident_bytes
from jndlic.bench.studies.speed import sample_picture
from jndlic.console import run_command
from jndlic.errors import CodecError
from jndlic.files import write_atomically

LARGE, SMALL = (768, 512), (16, 16)
AVIF_QUALITY = 60

_AVIF_ENCODE = (
    "from PIL import Image; import sys; "
    f"Image.open(sys.argv[1]).save(sys.argv[2], quality={AVIF_QUALITY}, speed=4)"
)
_WATCH = """
import json, os, subprocess, sys, time
started = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
process.returncode = 0
print(json.dumps([time.perf_counter() - started, usage.ru_maxrss]))
sys.exit(os.waitstatus_to_exitcode(status) != 0)
"""
"""Runs and measures a command. A process of its own, for on Linux a program's peak memory begins
with that of the process that started it.
"""

_AVIF_DECODE = "from PIL import Image; import sys; Image.open(sys.argv[1]).save(sys.argv[2])"


class Command(NamedTuple):
    """A process to measure."""

    name: str
    words: list[str]


class Measured(NamedTuple):
    """Of one command."""

    name: str
    seconds: float
    """Median wall time of the whole process."""
    fastest: float
    peak_bytes: int
    """Largest resident memory of any run."""


def commands(folder: Path) -> list[Command]:
    """The processes, in an order in which each finds its input.

    Args:
        folder: for pictures and files.
    """
    found: list[Command] = []
    for width, height in (LARGE, SMALL):
        size, picture = f"{width}x{height}", sample_picture(folder, width, height)
        for backend in ("onnx", "torch"):
            packed, restored = folder / f"{size}.{backend}.jlic", folder / f"{size}.{backend}.png"
            options = ["--backend", backend, "-f", "--quiet"]
            found += [
                Command(f"{size} encode, {backend}", ours("encode", picture, packed, *options)),
                Command(f"{size} decode, {backend}", ours("decode", packed, restored, *options)),
            ]
        avif = folder / f"{size}.avif"
        found += [
            Command(f"{size} encode, AVIF", _python(_AVIF_ENCODE, picture, avif)),
            Command(f"{size} decode, AVIF", _python(_AVIF_DECODE, avif, folder / "avif.png")),
        ]
    packed = folder / f"{SMALL[0]}x{SMALL[1]}.onnx.jlic"
    return [*found, Command("info", ours("info", packed)), Command("--help", ours("--help"))]


def ours(*words: object) -> list[str]:
    """The words of our command in this environment."""
    return [sys.executable, "-m", "jndlic", *map(str, words)]


def _python(code: str, *words: object) -> list[str]:
    return [sys.executable, "-c", code, *map(str, words)]


def measure(chosen: list[Command], rounds: int) -> list[Measured]:
    """Every command in each round, after one round to warm up.

    Args:
        chosen: what to run.
        rounds: counted ones, from 1 on.

    Raises:
        CodecError: a command failed.
    """
    runs = [[run_once(command) for command in chosen] for _ in range(rounds + 1)][1:]
    return [
        Measured(
            command.name,
            statistics.median(seconds for seconds, _ in column),
            min(seconds for seconds, _ in column),
            max(peak for _, peak in column),
        )
        for command, column in zip(chosen, zip(*runs))
    ]


def run_once(command: Command) -> tuple[float, int]:
    """Wall time in seconds and peak memory in bytes of one process.

    Raises:
        CodecError: it failed.
    """
    process = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _WATCH, *command.words],
        capture_output=True,
    )
    if process.returncode:
        raise CodecError(f"{command.name}: {process.stderr.decode(errors='replace').strip()}")
    seconds, peak = json.loads(process.stdout)
    return seconds, resident_bytes(peak)


def format_table(measured: list[Measured]) -> str:
    """Medians, with the share of the same job by torch and by AVIF."""
    by_name = {one.name: one.seconds for one in measured}
    lines = [f"{'whole process':24} {'median':>9} {'peak':>9}  of torch's  of AVIF's"]
    for one in measured:
        job = one.name.rpartition(", ")[0]
        shares = [
            f"{one.seconds / by_name[other]:10.2f}" if other in by_name else " " * 10
            for other in (f"{job}, torch", f"{job}, AVIF")
        ]
        lines.append(
            f"{one.name:24} {one.seconds * 1e3:6.0f} ms {one.peak_bytes / 2**20:5.0f} MiB  "
            + "  ".join(shares).rstrip()
        )
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Command line of the benchmark."""
    parser = argparse.ArgumentParser(
        description="wall time and peak memory of whole processes: ours by ONNX Runtime and by "
        "torch, AVIF by Pillow"
    )
    parser.add_argument("--rounds", type=int, default=7, help="counted runs (default: %(default)s)")
    parser.add_argument("--only", default="", help="commands whose names contain this")
    parser.add_argument("--json", type=Path, help="file for the measurements")
    options = parser.parse_args(argv)
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return run_command("startup", lambda: _main(options))


def _main(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        chosen = [one for one in commands(Path(folder)) if options.only in one.name]
        measured = measure(chosen, options.rounds)
    print(format_table(measured))
    if options.json:
        report = {
            "name": "startup",
            "machine": {"processor": platform.machine(), "cores": os.cpu_count()},
            "rounds": options.rounds,
            "results": [one._asdict() for one in measured],
        }
        write_atomically(options.json, (json.dumps(report, indent=1) + "\n").encode())
