"""How fast training runs and where its time goes, beside a plain loop that does the same work.

    plain: DataLoader that opens a file per crop, float32, nothing compiled, stock Adam
    ours:  photos resident on the device, crops gathered there, fused optimiser, freed memory kept;
           torch.compile on a GPU; bfloat16 on a GPU, and where asked for on a CPU

Both train the same network with the same loss in the same process, one after the other. A stage's
time is taken with the device drained at its borders; the rate of images comes from further steps
that run freely.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from jndlic.console import run_command
from jndlic.files import write_atomically
from jndlic.memory import reuse_freed_memory
from jndlic.training.codec.module import CodecTraining
from jndlic.training.photos.data import PhotoData

STAGES = ("data", "forward", "backward", "optimiser")
WARM_STEPS = 3


class Rate(NamedTuple):
    """One way of training."""

    name: str
    images_per_second: float
    shares: dict[str, float]
    """Part of a drained step's time in each of STAGES; they add up to 1."""
    peak_bytes: int | None
    """Largest device memory in use; None on a CPU."""


class FileCrops(Dataset):
    """A random crop per item, from a file opened for it: what a first training script does."""

    def __init__(self, paths: list[Path], crop_size: int, count: int) -> None:
        self.paths, self.crop_size, self.count = paths, crop_size, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """(3, S, S) uint8 and a quality."""
        random = np.random.default_rng(index)
        with Image.open(self.paths[int(random.integers(len(self.paths)))]) as image:
            photo = np.asarray(image.convert("RGB"))
        top, left = (int(random.integers(side - self.crop_size + 1)) for side in photo.shape[:2])
        crop = photo[top : top + self.crop_size, left : left + self.crop_size]
        return torch.from_numpy(crop.transpose(2, 0, 1).copy()), int(random.integers(1, 101))


class Loop:
    """A training loop by hand, so that its stages can be timed apart.

    Args:
        module: network and loss.
        batches: crops and qualities, without end.
        device: where to train.
        precision: type of the transforms; torch.float32 switches autocast off.
    """

    def __init__(
        self, module: CodecTraining, batches: Iterable, device: torch.device, precision: torch.dtype
    ) -> None:
        self.module, self.batches, self.device, self.precision = (
            module.to(device),
            iter(batches),
            device,
            precision,
        )
        self.optimiser = module.configure_optimizers()

    def step(self, mark: Callable[[str], None] = lambda stage: None) -> None:
        """One step; `mark` is called with the name of each stage at its end."""
        crops, quality = (part.to(self.device, non_blocking=True) for part in next(self.batches))
        mark("data")
        with torch.autocast(
            self.device.type, self.precision, enabled=self.precision != torch.float32
        ):
            loss, _ = self.module.loss((crops, quality))
        mark("forward")
        (loss + self.module.quantile_loss()).backward()
        mark("backward")
        torch.nn.utils.clip_grad_norm_(
            self.optimiser.param_groups[0]["params"], self.module.hparams.clip_norm
        )
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        mark("optimiser")

    def measure(self, name: str, batch_size: int, steps: int) -> Rate:
        """Steps with and without stops between the stages."""
        for _ in range(WARM_STEPS):
            self.step()
        times: dict[str, list[float]] = {stage: [] for stage in STAGES}
        for _ in range(max(3, steps // 4)):
            last = self._now()

            def mark(stage: str) -> None:
                nonlocal last
                now = self._now()
                times[stage].append(now - last)
                last = now

            self.step(mark)
        begin = self._now()
        for _ in range(steps):
            self.step()
        seconds = self._now() - begin
        medians = {stage: statistics.median(values) for stage, values in times.items()}
        shares = {stage: value / sum(medians.values()) for stage, value in medians.items()}
        peak = torch.cuda.max_memory_allocated() if self.device.type == "cuda" else None
        return Rate(name, steps * batch_size / seconds, shares, peak)

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()


def measure(options: argparse.Namespace) -> list[Rate]:
    """Both ways, ours first in the list, but last in time."""
    device = torch.device(options.device)
    fast = device.type == "cuda"
    precision = getattr(torch, options.precision or ("bfloat16" if fast else "float32"))
    rates: list[Rate] = []
    data = PhotoData(options.folders, options.crop_size, options.batch_size, storage="resident")
    data.setup("fit", device)
    arguments: dict[str, Any] = {
        "lpips_weight": options.lpips_weight,
        "ssimulacra2_weight": options.ssimulacra2_weight,
        "jnd_weighting": 0.5,
        "lpips_weights": options.lpips_weights,
    }
    if options.plain_steps:
        crops = FileCrops(
            data.paths, options.crop_size, options.batch_size * (2 * options.plain_steps + 8)
        )
        loader = DataLoader(crops, options.batch_size, num_workers=os.cpu_count() or 1)
        plain = Loop(CodecTraining(**arguments), loader, device, torch.float32)
        for group in plain.optimiser.param_groups:
            group["fused"] = False
        rates.append(plain.measure("plain", options.batch_size, options.plain_steps))
        del plain
        if fast:
            torch.cuda.reset_peak_memory_stats()
    reuse_freed_memory()  # cannot be taken back, hence after the plain loop
    ours = Loop(
        CodecTraining(compile=fast, **arguments), data.train_dataloader(), device, precision
    )
    return [ours.measure("ours", options.batch_size, options.steps), *rates]


def format_table(rates: list[Rate]) -> str:
    """Images per second and the shares of the stages, a line each."""
    lines = [
        f"{'':<8}{'images/s':>10}"
        + "".join(f"{stage:>11}" for stage in STAGES)
        + f"{'GPU GiB':>10}"
    ]
    for rate in rates:
        shares = "".join(f"{100 * rate.shares[stage]:>10.1f}%" for stage in STAGES)
        memory = "-" if rate.peak_bytes is None else f"{rate.peak_bytes / 2**30:.1f}"
        lines.append(f"{rate.name:<8}{rate.images_per_second:>10.2f}{shares}{memory:>10}")
    if len(rates) == 2:
        lines.append(f"ours / plain: {rates[0].images_per_second / rates[1].images_per_second:.2f}")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Command line of the training benchmark."""
    parser = argparse.ArgumentParser(description="speed of training beside a plain loop")
    parser.add_argument("folders", nargs="+", help="photos")
    parser.add_argument(
        "--crop-size", type=int, default=256, help="pixels, a multiple of 64 (default: %(default)s)"
    )
    parser.add_argument(
        "--batch-size", type=int, help="crops per step (default: 64 on a GPU, 8 on a CPU)"
    )
    parser.add_argument(
        "--steps", type=int, default=20, help="counted steps (default: %(default)s)"
    )
    parser.add_argument(
        "--plain-steps", type=int, default=10, help="of the plain loop; 0 leaves it out"
    )
    parser.add_argument(
        "--device",
        default="cuda" if torch.cuda.is_available() else "cpu",
        help="(default: %(default)s)",
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "bfloat16"),
        help="of ours (default: bfloat16 on a GPU; it pays on CPUs with AVX-512 BF16 or AMX too)",
    )
    parser.add_argument(
        "--lpips-weight",
        type=float,
        default=700.0,
        help="0 leaves the term out (default: %(default)s)",
    )
    parser.add_argument("--lpips-weights", help="the SqueezeNet trunk")
    parser.add_argument(
        "--ssimulacra2-weight",
        type=float,
        default=12.0,
        help="0 leaves the term out (default: %(default)s)",
    )
    parser.add_argument("--json", type=Path, help="file for the measurements")
    options = parser.parse_args(argv)
    if options.steps < 1 or options.plain_steps < 0 or (options.batch_size or 1) < 1:
        parser.error("steps and batch size must be positive")
    options.batch_size = options.batch_size or (64 if options.device.startswith("cuda") else 8)
    return run_command("bench_train", lambda: _run(options), reuse_memory=False)


def _run(options: argparse.Namespace) -> None:
    rates = measure(options)
    machine = (
        torch.cuda.get_device_name()
        if options.device.startswith("cuda")
        else platform.processor() or platform.machine()
    )
    print(f"{machine}, {torch.get_num_threads()} CPU threads, torch {torch.__version__}")
    print(f"{options.batch_size} crops of {options.crop_size} x {options.crop_size} a step\n")
    print(format_table(rates))
    if options.json:
        report = {
            "machine": machine,
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "crop_size": options.crop_size,
            "batch_size": options.batch_size,
            "results": [rate._asdict() for rate in rates],
        }
        write_atomically(options.json, json.dumps(report, indent=1).encode())
