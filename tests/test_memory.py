"""The C library keeps what a program frees, once asked to."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
import numpy as np
from jndlic.memory import reuse_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        np.ones(10_000_000)  # 80 MB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

first = faults()
if not reuse_freed_memory():
    sys.exit(77)
np.ones(10_000_000)
print(first, faults())
"""


def test_freed_memory_is_used_again() -> None:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    if result.returncode == 77:
        pytest.skip("this C library has no mallopt")
    first, second = map(int, result.stdout.split())
    assert second < first / 10, result.stdout + result.stderr
