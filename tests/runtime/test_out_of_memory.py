"""Less memory than a picture needs: one line, exit code 1, no output."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("resource", reason="no limits of memory on this system")

LIMITED = """
import resource, sys
from jndlic.cli.main import main
# What every picture needs is there, threads and libraries among it
assert main(["encode", sys.argv[1], sys.argv[3], "-f", "--quiet"]) == 0
assert main(["decode", sys.argv[3], sys.argv[3] + ".ppm", "-f", "--quiet"]) == 0
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + (int(sys.argv[6]) << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
sys.exit(main([sys.argv[4], sys.argv[2], sys.argv[5], "-f", "--quiet"]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells the size")
@pytest.mark.parametrize(
    ("job", "allowed"),
    [("encode", 20), ("encode", 150), ("decode", 20), ("decode", 150)],
    ids=["reading", "encode", "pixels", "decode"],
)
def test_one_line_and_no_output(job: str, allowed: int, tmp_path: Path) -> None:
    small, large = tmp_path / "small.png", tmp_path / "large.png"
    random = np.random.default_rng(0)
    Image.fromarray(random.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(small)
    flat = np.full((3000, 3000, 3), 90, np.uint8)
    Image.fromarray(flat).save(large, compress_level=1)
    if job == "decode":
        from jndlic import imwrite

        large = tmp_path / "large.jlic"
        imwrite(large, flat, 1, patches=False)
    ready, target = (
        tmp_path / "ready.jlic",
        tmp_path / f"out.{'jlic' if job == 'encode' else 'ppm'}",
    )
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, *map(str, (small, large, ready, job, target, allowed))],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 1, run.stderr
    assert len(run.stderr.splitlines()) == 1, run.stderr
    line = run.stderr
    assert "memory" in line
    assert not target.exists()
