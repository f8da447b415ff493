"""A file written once must always decode to the same symbols, and to almost the same pixels.

tools/make_golden.py wrote the folder golden/; new weights or a new format need a new one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from jndlic import api
from jndlic.format.coding import unpack_symbols
from jndlic.format.container import unpack
from jndlic.runtime.backend import Backend

GOLDEN = Path(__file__).parent / "golden"


def test_symbols(codec: Backend) -> None:
    decoded = unpack_symbols(unpack((GOLDEN / "golden.jlic").read_bytes()), codec)
    with np.load(GOLDEN / "golden.npz") as expected:
        for name in ("z_jnd", "z", "k", "t"):
            assert np.array_equal(getattr(decoded.symbols, name), expected[name]), name
        assert np.array_equal(decoded.step_index, expected["d"])
        assert np.array_equal(decoded.quality.plane, expected["quality"])


def test_pixels(codec: Backend) -> None:
    restored = api.decode((GOLDEN / "golden.jlic").read_bytes(), codec=codec)
    with Image.open(GOLDEN / "golden.png") as expected:
        error = np.asarray(restored).astype(float) - np.asarray(expected)
    assert restored.size == (190, 130)
    assert np.mean(error**2) < 255**2 / 10**5  # 50 dB
