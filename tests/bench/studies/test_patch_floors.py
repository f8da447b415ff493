"""The floors of blocks: what the codec of a few lines makes of its pictures is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toy_codec import ToyCodec

from jndlic.bench.studies import patch_floors
from jndlic.errors import ImageError
from jndlic.patches.floors import FLOORS, QUALITIES, floors, targets


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """One picture whose first block is coded as 0 steps of 25.75 at quality 1, as 10 of one at 100;
    and a small one.
    """
    pixels = np.full((448, 640, 3), 128, np.uint8)
    pixels[:64, :64] = 138
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(pixels[:100]).save(tmp_path / "b.png")
    return tmp_path


def test_the_percentile(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patch_floors, "PERCENTILE", 100)
    found, count = patch_floors.floors_of(sorted(photos.iterdir()), ToyCodec(), 5)
    assert count == 1 and len(found) == len(QUALITIES)
    assert found[0] == 100.0 and found[-1] == 0.0
    with pytest.raises(ImageError, match="640 x 448"):
        patch_floors.floors_of([photos / "b.png"], ToyCodec(), 5)


def test_the_shipped_table() -> None:
    assert len(FLOORS) == len(QUALITIES)
    np.testing.assert_allclose(floors(np.array(QUALITIES)), FLOORS)
    every = np.arange(1, 101)
    assert (np.diff(floors(every)) < 0).all() and (np.diff(targets(every)) < 0).all()
    assert (targets(every) < floors(every)).all()
