"""A tolerance map is a control: what it scales moves bits and error there, by much, and nowhere
else.
"""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("skimage", reason="the photo and the metrics need the [bench] extra")

from jndlic import api
from jndlic.bench.studies.control import FACTORS, change, rectangle, scaled
from jndlic.errors import ParameterError
from jndlic.jnd.own_map import own_map
from jndlic.network.codec import Codec

NOTABLE = 0.15
"""Share by which a doubled map must lower the bits and raise the error."""


def test_rectangle() -> None:
    assert rectangle(384, 512) == (slice(96, 288), slice(128, 384))
    assert all(side.start % 32 == 0 == side.stop % 32 for side in rectangle(401, 611))


@pytest.mark.parametrize("quality", [20, 40, 60, 80])
def test_a_doubled_rectangle(quality: int, codec: Codec, photo: np.ndarray) -> None:
    larger = change(photo, quality, codec, factor=2.0)
    assert larger.bits_inside < -100 * NOTABLE and larger.error_inside > 100 * NOTABLE
    assert abs(larger.bits_outside) < 1.0 and abs(larger.error_outside) < 1.0
    assert larger.file < 0


def test_the_own_map_changes_nothing(codec: Codec, photo: np.ndarray) -> None:
    assert all(value == 0.0 for value in change(photo, 40, codec, factor=1.0))


@pytest.mark.parametrize("quality", [20, 50, 80])
def test_the_whole_map(quality: int, codec: Codec, photo: np.ndarray) -> None:
    """Bits fall and errors rise with every doubling, until the range of qualities ends; notably
    between qualities 20 and 80.
    """
    photo = photo[:256, :384]
    files = [scaled(photo, quality, codec, factor) for factor in FACTORS]
    levels = codec.step_levels()
    coarse, fine = levels[19], levels[79]
    wanted = levels[quality - 1] + np.log2(FACTORS)
    for number, (before, after) in enumerate(zip(files, files[1:])):
        assert after.bpp <= before.bpp and after.error >= before.error
        if fine - 0.05 <= wanted[number] and wanted[number + 1] <= coarse + 0.05:
            assert (
                after.bpp < (1 - NOTABLE) * before.bpp
                and after.error > (1 + NOTABLE) * before.error
            )


@pytest.mark.parametrize("value", [0.0, 8.0, 3e38])
def test_constant_maps(value: float, codec: Codec, photo: np.ndarray) -> None:
    """Sane whatever the value: a picture whose quality is 1 to 100 everywhere."""
    photo = photo[:128, :192]
    data = api.encode(photo, 50, codec=codec, jnd=np.full(photo.shape, value))
    assert api.decode(data, codec=codec).size == (192, 128)
    if value == 3e38:
        assert data == api.encode(photo, 1, codec=codec)
    if value == 0.0:
        assert len(data) > len(api.encode(photo, 50, codec=codec))


def test_encode_takes_a_map(codec: Codec, photo: np.ndarray) -> None:
    photo = photo[:128, :192]
    own = api.encode(photo, 40, codec=codec)
    assert api.encode(photo, 40, codec=codec, jnd=own_map(photo)) == own
    grey = np.full(photo.shape[:2], 7, np.uint8)
    assert (
        api.encode(photo, 40, codec=codec, jnd=grey)
        == api.encode(photo, 40, codec=codec, jnd=grey[..., None].repeat(3, 2))
        != own
    )
    for bad in (
        np.zeros((128, 191)),
        np.full(photo.shape, np.nan),
        np.full(photo.shape, -1.0),
        np.full(photo.shape, "a"),
    ):
        with pytest.raises(ParameterError, match="JND map"):
            api.encode(photo, 40, codec=codec, jnd=bad)
