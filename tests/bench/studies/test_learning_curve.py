"""The learning curve: its last point is that of the shipped weights, and points can be added."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from places import ROOT

pytest.importorskip("matplotlib", reason="needs the [bench] extra")

from jndlic.bench.studies.learning_curve import main, point

RESULTS = ROOT / "docs" / "results"


def test_the_last_point_is_that_of_the_shipped_weights() -> None:
    last = json.loads((RESULTS / "learning-curve.json").read_text())[-1]
    benchmark = json.loads((RESULTS / "benchmark.json").read_text())
    assert last == point(last["name"], last["gigapixels"], benchmark)


def test_a_point_is_added_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("learning-curve.json", "benchmark.json"):
        shutil.copy(RESULTS / name, tmp_path)
    before = json.loads((tmp_path / "learning-curve.json").read_text())
    options = ["--results", str(tmp_path), "--add", "next", "--gigapixels", "99.5"]
    assert main(options) == 0
    after = json.loads((tmp_path / "learning-curve.json").read_text())
    assert after[:-1] == before and (after[-1]["name"], after[-1]["gigapixels"]) == ("next", 99.5)
    drawn = (tmp_path / "learning-curve.svg").read_text()
    assert "HaarPSI" in drawn and "varied" in drawn
    assert main(options) == 2 and "next" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--add", "alone"])
