"""Time and peak memory of a codec, alone in a fresh process for each job.

`python -m jndlic.bench.run.footprint CODEC JOB PICTURE LEVEL FILE` is such a process. It loads
torch only where the codec does: on Linux a program can inherit the peak memory of the process that
starts it.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from jndlic.bench.run.process import JOBS, fresh, peak_memory, timed, wall_time
from jndlic.errors import JndlicError

RUNS = 3


class Footprint(NamedTuple):
    """What a job takes."""

    seconds: float
    """Median wall time of RUNS runs, after a first one that only warms up."""
    spread: float
    """(slowest - fastest) / median."""
    peak: int
    """Bytes that the process grew by at most while it worked, or the size of the program that it
    ran, if that is more.
    """


def footprints(codec: str, picture: Path, level: int) -> dict[str, Footprint]:
    """Measures encoding and decoding; by job.

    Args:
        codec: its text, see `open_codec`.
        picture: file.
        level: of the codec.

    Raises:
        JndlicError: the codec failed.
    """
    result = {}
    with tempfile.TemporaryDirectory() as folder:
        for job in JOBS:
            command = fresh(
                "jndlic.bench.run.footprint", codec, job, picture, level, Path(folder, "packed")
            )
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise JndlicError(f"{codec}, {job}: {done.stderr.strip()[-300:]}")
            result[job] = Footprint(**json.loads(done.stdout.splitlines()[-1]))
    return result


def _measure(spec: str, job: str, picture: Path, level: int, packed: Path) -> Footprint:
    from jndlic.codecs.registry import PROGRAMS, open_codec
    from jndlic.images.files import load

    codec, pixels = open_codec(spec), load(picture).pixels
    data = packed.read_bytes() if job == "decode" else b""
    # What is loaded at first use is not the picture's
    codec.decode(codec.encode(pixels[:64, :64], level))
    before, seconds, result = _begin_peak(), [], None
    for _ in range(RUNS + 1):
        result, elapsed = timed(
            lambda: codec.encode(pixels, level) if job == "encode" else codec.decode(data)
        )
        seconds.append(elapsed)
    peak = _peak_since() - before
    if isinstance(codec, PROGRAMS):  # others may have run one too, when a library loaded
        peak = max(peak, peak_memory(resource.RUSAGE_CHILDREN))
    if isinstance(result, bytes):
        packed.write_bytes(result)
    return Footprint(*wall_time(seconds), peak)


def _begin_peak() -> int:
    """Size of this process now, from which on its peak counts; where the system cannot forget a
    peak, the peak so far.
    """
    try:
        Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak begins anew
    except OSError:
        return peak_memory()
    return _status("VmRSS")


def _peak_since() -> int:
    """The peak since `_begin_peak`."""
    return _status("VmHWM") if Path("/proc/self/clear_refs").exists() else peak_memory()


def _status(field: str) -> int:
    """A size of this process in bytes, as Linux has it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(field))


if __name__ == "__main__":
    text, task, file, number, target = sys.argv[1:]
    print(json.dumps(_measure(text, task, Path(file), int(number), Path(target))._asdict()))
