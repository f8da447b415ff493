"""Long trainings: a clone of their own, pause and report, resume from the last checkpoint."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from places import ROOT

from jndlic.training.codec import long_run
from jndlic.training.codec.long_run import alive, main

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")

TRAINER = """
import json, sys, time
from pathlib import Path
folder = Path(sys.argv[3]).parent
(folder / "arguments").write_text(json.dumps(sys.argv[1:]))
table = folder / "csv" / "version_0" / "metrics.csv"
table.parent.mkdir(parents=True, exist_ok=True)
table.write_text("step,train/bpp,epoch\\n19,0.5,0\\n39,0.7,0\\n")
(folder / "last.ckpt").touch()
time.sleep(600)
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose trainer writes figures and waits."""
    root = tmp_path / "repository"
    (root / "tools").mkdir(parents=True)
    (root / "configs").mkdir()
    (root / "tools" / "train.py").write_text(TRAINER)
    usual = ROOT / "configs" / "jndlic.yaml"
    (root / "configs" / "jndlic.yaml").write_text(usual.read_text())
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost", "-C", str(root)]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *command], check=True)
    monkeypatch.setattr(long_run.start, "__defaults__", (root,))
    return root


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_run_from_start_to_end(
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, weights = tmp_path / "run", tmp_path / "weights.safetensors"
    weights.touch()
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(folder)]) == 2
    assert (
        main(["start", str(folder), "--processes", "2", "--model.start_from=weights.safetensors"])
        == 0
    )
    try:
        wait_for(lambda: (folder / "last.ckpt").exists())
        arguments = (folder / "arguments").read_text()
        assert f"--model.start_from={weights}" in arguments  # seen from the clone
        config = yaml.safe_load((folder / "config.yaml").read_text())["trainer"]
        assert (config["devices"], config["strategy"]) == (2, "ddp")
        assert str(folder) in str(config["callbacks"])
        assert (
            main(["start", str(folder)]) == main(["resume", str(folder)]) == 2
        )  # it is there, and at work
        capsys.readouterr()
        assert main(["report", str(folder)]) == 0
        said = capsys.readouterr().out
        assert "at work" in said and "step 40" in said and "0.6" in said
        assert main(["pause", str(folder)]) == 0
        wait_for(lambda: main(["report", str(folder)]) == 0 and "paused" in capsys.readouterr().out)
        assert main(["continue", str(folder)]) == 0
    finally:
        main(["end", str(folder)])
    wait_for(lambda: not alive(folder))
    assert main(["pause", str(folder)]) == 2
    assert main(["resume", str(folder)]) == 0
    wait_for(lambda: "--ckpt_path" in (folder / "arguments").read_text())
    assert main(["end", str(folder)]) == 0


def test_tool_is_there() -> None:
    tool = ROOT / "tools" / "long_run.py"
    done = subprocess.run(
        [sys.executable, str(tool), "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert "resume" in done.stdout
