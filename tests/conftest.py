"""Fixtures that several test files share."""

from __future__ import annotations

import os

import numpy as np
import pytest
from places import SHARED
from toy_codec import ToyCodec

if (SHARED / "data" / "lpips" / "squeeze.backbone.pth").is_file():
    os.environ.setdefault(
        "JNDLIC_LPIPS_WEIGHTS", str(SHARED / "data" / "lpips" / "squeeze.backbone.pth")
    )


@pytest.fixture(scope="session")
def codec():
    """The shipped weights."""
    from jndlic.runtime.load import load_codec

    return load_codec()


@pytest.fixture(scope="session")
def torch_codec():
    """The same by torch, whose modules can be looked into."""
    from jndlic.runtime.load import load_torch_codec

    return load_torch_codec()


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> ToyCodec:
    """A codec of a few lines, in the place of all that are loaded."""
    from jndlic.runtime import load as weights

    codec = ToyCodec()
    monkeypatch.setattr(weights, "load_codec", lambda *_: codec)
    return codec


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """A real photo that comes with scikit-image (public domain): (384, 512, 3) uint8."""
    data = pytest.importorskip("skimage.data", reason="the photo comes with scikit-image")
    return np.ascontiguousarray(data.astronaut()[:384])
