"""The same symbols from the same file, whatever computes the floats; and pictures that hardly
differ.
"""

from __future__ import annotations

import copy
import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from jndlic import api
from jndlic.format.coding import DecodedSymbols, unpack_symbols
from jndlic.format.container import unpack
from jndlic.jnd.models import tolerance_map
from jndlic.runtime.torch_backend import TorchBackend

# Reads a file and prints a hash of its symbols; for fresh processes with other settings.
READER = """
import hashlib, sys, torch
torch.set_num_threads(int(sys.argv[2]))
torch.set_float32_matmul_precision(sys.argv[3])
from jndlic.format.coding import unpack_symbols
from jndlic.format.container import unpack
from jndlic.runtime.load import load_codec
symbols, *_ = unpack_symbols(unpack(open(sys.argv[1], "rb").read()), load_codec())
print(hashlib.sha256(b"".join(part.tobytes() for part in symbols)).hexdigest())
"""


@pytest.fixture(scope="module")
def codec(torch_codec: TorchBackend) -> TorchBackend:
    """Its modules are looked into here."""
    return torch_codec


@pytest.fixture(scope="module")
def photo_file(codec: TorchBackend, photo: np.ndarray) -> bytes:
    return api.encode(photo, quality=60, codec=codec)


def symbols_of(data: bytes, codec: TorchBackend) -> DecodedSymbols:
    return unpack_symbols(unpack(data), codec)


def digest(decoded: DecodedSymbols) -> str:
    return hashlib.sha256(b"".join(part.tobytes() for part in decoded.symbols)).hexdigest()


def pixels_of(decoded: DecodedSymbols, codec: TorchBackend) -> np.ndarray:
    return codec.synthesise(decoded, 384, 512).round()


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """PSNR between two pictures in dB; equal ones count as 100."""
    error = float(np.square(first - second).mean())
    return 10 * np.log10(255**2 / error) if error else 100.0


def test_symbols_are_those_that_were_written(
    codec: TorchBackend, photo: np.ndarray, photo_file: bytes
) -> None:
    written = codec.quantise(codec.analyse(photo, tolerance_map(photo)), 60)
    for mine, theirs in zip(written, symbols_of(photo_file, codec).symbols, strict=True):
        assert np.array_equal(mine, theirs)


@pytest.mark.parametrize(("threads", "precision"), [(1, "highest"), (2, "medium")])
def test_fresh_processes_read_the_same_symbols(
    codec: TorchBackend, photo_file: bytes, tmp_path: Path, threads: int, precision: str
) -> None:
    path = tmp_path / "photo.jlic"
    path.write_bytes(photo_file)
    command = [sys.executable, "-c", READER, str(path), str(threads), precision]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    assert printed.stdout.strip() == digest(symbols_of(photo_file, codec))


def test_no_float_chooses_a_table(codec: TorchBackend, photo_file: bytes) -> None:
    disturbed = copy.deepcopy(codec)
    torch.manual_seed(0)
    changed = 0
    for value in disturbed.network.state_dict().values():
        if value.is_floating_point():
            value.add_(torch.randn_like(value) * (0.01 * value.abs().mean() + 1e-4))
            changed += 1
    assert changed > 50
    decoded = symbols_of(photo_file, disturbed)
    assert digest(decoded) == digest(symbols_of(photo_file, codec))
    # It did disturb something
    assert not np.array_equal(pixels_of(decoded, disturbed), pixels_of(decoded, codec))


def test_thread_counts_agree_in_pixels(codec: TorchBackend, photo_file: bytes) -> None:
    decoded = symbols_of(photo_file, codec)
    expected = pixels_of(decoded, codec)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        single = pixels_of(decoded, codec)
    finally:
        torch.set_num_threads(before)
    assert difference(single, expected) > 50.0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_gpu_and_cpu_read_each_other(
    codec: TorchBackend, photo: np.ndarray, photo_file: bytes
) -> None:
    from jndlic.runtime.load import load_torch_codec

    gpu = load_torch_codec(device="cuda")
    torch.backends.cuda.matmul.allow_tf32 = True  # must not reach the integer networks
    from_cpu = symbols_of(photo_file, gpu)
    assert digest(from_cpu) == digest(symbols_of(photo_file, codec))
    from_gpu = api.encode(photo, quality=60, codec=gpu)
    assert digest(symbols_of(from_gpu, codec)) == digest(symbols_of(from_gpu, gpu))
    assert difference(pixels_of(from_cpu, gpu), pixels_of(from_cpu, codec)) > 50.0
