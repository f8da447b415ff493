"""BD-rate on curves whose result is known by hand, and result files."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from places import SHARED

from jndlic.bench.run.bdrate import Curve, bd_rate, compare, read_curve, write_curve
from jndlic.errors import ParameterError

pytest.importorskip("bjontegaard")

BPP = [0.1, 0.2, 0.4, 0.8, 1.6]
PSNR = [25.0, 28.0, 31.0, 34.0, 37.0]
LPIPS = [0.4, 0.3, 0.2, 0.1, 0.05]
CURVES = SHARED / "data" / "curves"


def test_half_the_bits_are_minus_fifty_percent() -> None:
    half = [bits / 2 for bits in BPP]
    assert bd_rate(BPP, PSNR, half, PSNR) == pytest.approx(-50.0)
    assert bd_rate(half, PSNR, BPP, PSNR) == pytest.approx(100.0)
    assert bd_rate(BPP, LPIPS, half, LPIPS, lower_is_better=True) == pytest.approx(-50.0)
    assert bd_rate(BPP[::-1], PSNR[::-1], half, PSNR) == pytest.approx(-50.0)


def test_only_the_common_range_counts() -> None:
    # Straight lines in log(bits): 3 dB more at equal bits is a factor of two wherever they meet.
    assert bd_rate(BPP, PSNR, BPP[:3], [q + 3 for q in PSNR[:3]]) == pytest.approx(-50.0)
    assert math.isnan(bd_rate(BPP, PSNR, BPP, [q + 20 for q in PSNR]))
    assert math.isnan(bd_rate(BPP, PSNR, BPP, [math.nan] * 5))
    assert bd_rate(BPP, PSNR, [9.0, *BPP], [math.nan, *PSNR]) == pytest.approx(0.0)
    assert bd_rate(BPP, PSNR, [*BPP, 9.0], [*PSNR, 37.0]) == pytest.approx(0.0)


def test_lists_that_make_no_curve_are_refused() -> None:
    with pytest.raises(ParameterError):
        bd_rate(BPP, PSNR, BPP, PSNR[:3])
    with pytest.raises(ParameterError):
        bd_rate(BPP, PSNR, [0.0, *BPP[1:]], PSNR)


def test_result_files(tmp_path: Path) -> None:
    file = tmp_path / "curve.json"
    results = {"bpp": BPP, "psnr-rgb": PSNR, "ms-ssim-rgb": [math.nan] * 5, "quality": BPP}
    write_curve(file, Curve("a", "b", results))
    curve = read_curve(file)
    assert curve.name == "a" and curve.results["psnr-rgb"] == PSNR
    assert all(math.isnan(value) for value in curve.results["ms-ssim-rgb"])
    rates = compare(curve, curve, ("psnr-rgb", "ms-ssim-rgb", "ssimulacra2"), frozenset())
    assert rates["psnr-rgb"] == pytest.approx(0.0) and "ssimulacra2" not in rates
    for damaged in ("", "[]", '{"results": {}}', '{"results": {"bpp": [1], "psnr-rgb": [1, 2]}}'):
        file.write_text(damaged)
        with pytest.raises(ParameterError):
            read_curve(file)


@pytest.mark.skipif(not CURVES.exists(), reason="no ../shared/data/curves")
def test_known_anchors() -> None:
    jpeg, avif = (read_curve(CURVES / f"measured_{name}.json") for name in ("jpeg", "avif"))
    rates = compare(avif, jpeg, ("ssimulacra2",), frozenset())
    assert rates["ssimulacra2"] == pytest.approx(93.0, abs=5.0)  # the figure stated with the files
    for file in CURVES.glob("*.json"):
        assert read_curve(file).results["bpp"]
