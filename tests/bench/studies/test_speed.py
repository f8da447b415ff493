"""The speed benchmark; how fast anything is does not matter here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jndlic.bench.studies.speed import (
    SIZES,
    Measurement,
    format_table,
    main,
    ratios,
    sample_picture,
)


def measurement(codec: str, job: str, seconds: float, peak: int) -> Measurement:
    return Measurement("photo", codec, job, seconds, 0.1, 1.0, peak, peak // 2, {})


def test_ratios() -> None:
    measured = [
        measurement("jndlic", "encode", 0.2, 300),
        measurement("jndlic", "decode", 0.3, 200),
        measurement("bmshj2018-hyperprior", "encode", 0.4, 200),
        measurement("bmshj2018-hyperprior", "decode", 0.4, 400),
    ]
    encode, decode = ratios(measured)
    assert (encode["job"], encode["time"], encode["peak_memory"]) == (
        "encode",
        pytest.approx(0.5),
        1.5,
    )
    assert (decode["job"], decode["time"], decode["peak_memory"]) == (
        "decode",
        pytest.approx(0.75),
        0.5,
    )
    lines = format_table(measured).splitlines()
    assert any("encode" in line and "reached" in line for line in lines)
    assert any("decode" in line and "MISSED" in line for line in lines)


def test_sample_pictures(tmp_path: Path) -> None:
    for size in SIZES:
        path = sample_picture(tmp_path, *size)
        with Image.open(path) as picture:
            assert (picture.size, picture.mode) == (size, "RGB")


def test_whole_benchmark_on_a_small_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, output = tmp_path / "small.png", tmp_path / "speed.json"
    rows, columns = np.mgrid[0:70, 0:100]
    Image.fromarray(np.stack((rows, columns, rows + columns), 2).astype(np.uint8)).save(picture)
    arguments = [
        "--images",
        str(picture),
        "--threads",
        "1",
        "--repetitions",
        "1",
        "--json",
        str(output),
    ]
    assert main(arguments) == 0, capsys.readouterr().err
    report = json.loads(output.read_text())
    assert report["threads"] == 1
    found = {(one["codec"], one["job"]): one for one in report["results"]}
    assert len(found) == 4
    for one in found.values():
        assert one["seconds"] > 0
        assert one["peak_bytes"] >= one["growth_bytes"] >= 0
        assert one["peak_bytes"] > 50 << 20  # torch alone takes more
    encode, decode = found["jndlic", "encode"]["stages"], found["jndlic", "decode"]["stages"]
    assert {"jnd_map", "analysis", "mean", "integer_networks", "entropy_coder"} <= set(encode)
    assert {"synthesis", "integer_networks", "entropy_coder", "other"} <= set(decode)
    assert not {"jnd_map", "analysis"} & set(decode)
    assert sum(encode.values()) == pytest.approx(found["jndlic", "encode"]["seconds"], rel=1e-6)


def test_missing_picture_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--images", str(tmp_path / "none.png"), "--repetitions", "1"]) == 1
    assert capsys.readouterr().err


def test_repetitions_must_be_positive() -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--repetitions", "0"])
