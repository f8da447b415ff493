"""A mask moves bits: more and a smaller error inside, fewer and a larger one outside, all the more
the stronger it is.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("skimage", reason="the photo and the metrics need the [bench] extra")

from PIL import Image

from jndlic import api
from jndlic.bench.studies.roi import (
    WHITE,
    Change,
    changes,
    drawing,
    ellipse,
    main,
    session_of,
    spent,
    table,
)
from jndlic.images.picture import from_array
from jndlic.jnd.regions import Roi

STRENGTHS = (0.5, 1.0, 2.0, 3.0)
"""Each within reach of quality 1 from 80 on, all but the last from 45 on."""


@pytest.mark.parametrize("share", [5.0, 20.0, 50.0, 78.0])
def test_an_ellipse_has_its_share(share: float) -> None:
    mask = ellipse(300, 500, share)
    assert set(np.unique(mask)) == {0, WHITE}
    assert 100 * (mask > 0).mean() == pytest.approx(share, rel=0.01)
    for turned in (mask[::-1], mask[:, ::-1]):
        np.testing.assert_array_equal(turned, mask)


@pytest.mark.parametrize(("quality", "strengths"), [(45, STRENGTHS[:-1]), (80, STRENGTHS)])
def test_at_one_quality_only_the_outside_changes(
    quality: int, strengths: tuple[float, ...], codec, photo: np.ndarray
) -> None:
    """Bits outside fall and errors rise with the strength; inside, away from the border, both
    stay."""
    picture = from_array(photo[:256, :384])
    white = np.zeros((256, 384), np.uint8)
    white[64:192, 96:288] = WHITE
    core = np.zeros_like(white)  # an error's reach from the border of the mask
    core[112:144, 144:240] = WHITE
    sessions = session_of(picture, codec)
    plain = sessions(None).encode(quality)
    files = [sessions(Roi(white, strength)).encode(quality) for strength in (0.0, *strengths)]
    assert files[0] == plain
    assert files[2] == api.encode(photo[:256, :384], quality, roi=white, roi_strength=1.0)
    found = [spent(data, sessions(None), codec, white) for data in files]
    for before, after in zip(found, found[1:]):
        assert after.bits[1] < before.bits[1] and after.error[1] > before.error[1]
    cores = [spent(data, sessions(None), codec, core) for data in files]
    for one in cores[1:]:
        assert one.bits[0] == pytest.approx(cores[0].bits[0], rel=0.05)
        assert one.error[0] == pytest.approx(cores[0].error[0], rel=0.05)


def test_at_equal_size_the_inside_gains(codec, photo: np.ndarray) -> None:
    found = changes(from_array(photo[:256, :384]), 40, codec, (20.0,), (1.0, 2.0))
    weak, strong = found[20.0, 1.0], found[20.0, 2.0]
    for one in (weak, strong):
        assert -8.0 < one.size <= 0.0 and one.quality > 40
        assert one.bits_inside > 0 > one.bits_outside
        assert one.error_inside < 0 < one.error_outside
        assert one.psnr_inside > 0 > one.psnr_outside
        assert one.size_same_quality < -10
    assert strong.quality > weak.quality
    assert strong.bits_inside > weak.bits_inside and strong.bits_outside < weak.bits_outside
    assert strong.psnr_inside > weak.psnr_inside and strong.psnr_outside < weak.psnr_outside


def test_the_command(
    toy, photo: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    from jndlic.bench.studies import roi

    monkeypatch.setattr(roi, "load_codec", lambda _: toy)
    for number in (0, 64):
        Image.fromarray(photo[number : number + 128, :192]).save(tmp_path / f"{number}.png")
    out = tmp_path / "roi.json"
    options = ["--images", str(tmp_path), "--shares", "20", "--strengths", "0.5,1", "--quality=70"]
    assert main([*options, "--out", str(out)]) == 0
    found = json.loads(out.read_text())
    assert found["pictures"] == ["0.png", "64.png"] and found["quality"] == 70
    assert [(one["share"], one["strength"]) for one in found["means"]] == [(20, 0.5), (20, 1)]
    for number, mean in enumerate(found["means"]):
        each = [picture[number]["bits_inside"] for picture in found["each"]]
        assert mean["bits_inside"] == pytest.approx(sum(each) / 2, abs=0.002)
    means = {
        (one["share"], one["strength"]): Change(*(one[name] for name in Change._fields))
        for one in found["means"]
    }
    assert table(means, 70, 2).markdown() in capsys.readouterr().out
    assert main([]) == 2
    assert "--images" in capsys.readouterr().err


def test_the_drawing(toy, photo: np.ndarray, tmp_path: Path) -> None:
    drawing(photo[:128, :192], toy, tmp_path / "regions.png")
    with Image.open(tmp_path / "regions.png") as image:
        assert image.format == "PNG" and image.width >= 1000
