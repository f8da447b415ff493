"""The benchmark of whole processes, on its smallest jobs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from jndlic.bench.studies.startup import Command, Measured, format_table, main, measure
from jndlic.errors import CodecError


def test_whole_benchmark_of_one_job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "startup.json"
    assert main(["--rounds", "1", "--only", "16x16 encode, onnx", "--json", str(output)]) == 0
    assert "16x16 encode, onnx" in capsys.readouterr().out
    (one,) = json.loads(output.read_text())["results"]
    assert 0.0 < one["fastest"] <= one["seconds"]
    assert one["peak_bytes"] > 20 << 20  # numpy alone takes more


def test_memory_and_failure_are_the_commands_own() -> None:
    hungry = "import sys; b = bytearray(200 << 20); sys.exit(len(b) == 0)"
    small, large = (
        measure([Command("job", [sys.executable, "-c", code])], 1)[0].peak_bytes
        for code in ("pass", hungry)
    )
    assert 150 << 20 < large - small < 250 << 20
    with pytest.raises(CodecError, match="job: .*nonsense"):
        measure([Command("job", [sys.executable, "-c", "raise SystemExit('nonsense')"])], 1)


def test_table_shows_shares() -> None:
    table = format_table(
        [
            Measured("8x8 encode, onnx", 0.2, 0.2, 2**20),
            Measured("8x8 encode, torch", 0.8, 0.8, 2**20),
            Measured("8x8 encode, AVIF", 0.1, 0.1, 2**20),
            Measured("info", 0.05, 0.05, 2**20),
        ]
    )
    assert "0.25" in table and "2.00" in table
