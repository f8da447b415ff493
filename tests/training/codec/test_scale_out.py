"""Several processes train as one; a killed run goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from places import ROOT

pytest.importorskip("lightning", reason="needs the [train] extra")

RUN = Path(__file__).with_name("scale_out_run.py")
INTERVAL = 3


def start(folder: Path, devices: int, steps: int) -> subprocess.Popen:
    """A run over four photos, in a fresh process."""
    photos = folder / "photos"
    photos.mkdir(exist_ok=True)
    random = np.random.default_rng(0)
    for number in range(4):
        coarse = random.integers(0, 256, (9, 9, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((96, 80), Image.Resampling.BICUBIC).save(
            photos / f"{number}.png"
        )
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("SLURM", "PL_", "LOCAL_RANK"))
    }
    environment["PYTHONPATH"] = os.pathsep.join(
        filter(None, (str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH")))
    )
    with open(folder / "output.txt", "ab") as output:
        return subprocess.Popen(
            [sys.executable, str(RUN), str(folder), str(devices), str(steps)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
        )


def finish(folder: Path, run: subprocess.Popen) -> None:
    assert run.wait(300) == 0, (folder / "output.txt").read_text()


def losses(folder: Path) -> dict[int, float]:
    lines = (folder / "losses.txt").read_text().splitlines()
    return {int(step): float(loss) for step, loss in map(str.split, lines)}


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for devices, folder in enumerate(folders, start=1):
        folder.mkdir()
        finish(folder, start(folder, devices, 6))
        assert (folder / "end.txt").read_text() == f"6 {devices} True\n"
    one, two = map(losses, folders)
    assert one.keys() == two.keys() == set(range(1, 7))
    for step, loss in one.items():  # what remains is the noise that stands in for the rounding of z
        assert two[step] == pytest.approx(loss, rel=0.02)
    states = [
        torch.load(folder / "last.ckpt", map_location="cpu", weights_only=True)["state_dict"]
        for folder in folders
    ]
    for name in ("entropy.z.quantiles", "codec.analysis.stem.weight"):
        torch.testing.assert_close(states[0][name], states[1][name], rtol=0.05, atol=0.02)


def test_killed_run_goes_on(tmp_path: Path) -> None:
    run = start(tmp_path, 1, 10**6)
    deadline = time.monotonic() + 240
    try:
        while (
            not (tmp_path / "losses.txt").exists()
            or max(losses(tmp_path), default=0) < 3 * INTERVAL + 2
        ):
            assert run.poll() is None and time.monotonic() < deadline, (
                tmp_path / "output.txt"
            ).read_text()
            time.sleep(0.05)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    reached = max(losses(tmp_path))
    kept = torch.load(tmp_path / "last.ckpt", map_location="cpu", weights_only=True)["global_step"]
    assert reached - INTERVAL <= kept <= reached + 1
    (tmp_path / "losses.txt").unlink()
    finish(tmp_path, start(tmp_path, 1, kept + 2))
    assert (tmp_path / "end.txt").read_text() == f"{kept + 2} 1 True\n"
    assert set(losses(tmp_path)) == {kept + 1, kept + 2}
