"""Several trainings that differ in one thing, compared by real files.

    configs/experiments/NAME.yaml ─► runs
    every run ─► train ─► export ─► encode, decode, measure ─► curve
    curves ─► BD-rates against the first

A description holds:

    base: configs/jndlic.yaml           options of every training
    options: {trainer.max_steps: 2000}  changes to it, for all runs
    ema_decay: 0.99                     short runs must not average their start in
    qualities: [20, 40, 60, 80]
    metrics: [psnr-rgb, ssimulacra2]
    runs:
      - name: whole                     also the name of the curve
        options: {}                     changes for this run
      - name: mean-30
        curve: mbt2018-mean             several runs may be points of one curve
        trainer: baseline               trains CompressAI's networks
        start_from: mean-50             goes on from another run's checkpoint

Everything is kept in a folder: called again, the experiment goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jndlic.bench.run.bdrate import Curve, read_curve, to_json, write_curve
from jndlic.bench.run.evaluate import evaluate, format_points, format_rates
from jndlic.bench.studies.foreign_map import OtherMap, no_map
from jndlic.codecs.codec import ImageCodec
from jndlic.codecs.ours import Jndlic
from jndlic.console import run_command
from jndlic.errors import JndlicError, ParameterError
from jndlic.files import write_atomically
from jndlic.images.folders import find_images
from jndlic.metrics.registry import select

TRAINERS = {
    "codec": "jndlic.training.codec.module.CodecTraining",
    "baseline": "jndlic.training.codec.baseline.BaselineTraining",
}
CHECKPOINT = "last.ckpt"
RUN_KEYS = frozenset({"name", "curve", "trainer", "options", "start_from"})


def merged(config: dict, options: dict[str, Any]) -> dict:
    """A configuration with some entries changed; options are named by dotted paths."""
    result = json.loads(json.dumps(config))
    for path, value in options.items():
        *parents, last = path.split(".")
        place = result
        for name in parents:
            place = place.setdefault(name, {})
        place[last] = value
    return result


class Experiment:
    """A description and the folder that its runs live in.

    Args:
        description: see the module's text.
        photos: folders to train on.
        folder: for checkpoints, weights and curves.

    Raises:
        ParameterError: the description does not hold together.
    """

    def __init__(self, description: dict, photos: Sequence[str], folder: Path) -> None:
        self.description, self.photos, self.folder = description, list(photos), folder
        self.runs: list[dict] = description["runs"]
        names = [run["name"] for run in self.runs]
        for number, run in enumerate(self.runs):
            if set(run) - RUN_KEYS or run.get("trainer", "codec") not in TRAINERS:
                raise ParameterError(
                    f"experiment: run {run['name']!r} has unknown entries or an unknown trainer"
                )
            if run.get("start_from") and (
                run["start_from"] not in names[:number] or run.get("trainer") != "baseline"
            ):
                raise ParameterError(
                    f"experiment: {run['name']!r} may start from an earlier run, and only as a "
                    "baseline"
                )

    def config(self, run: dict, base: dict) -> dict:
        """The whole configuration of one training."""
        place = self.folder / run["name"]
        options: dict[str, Any] = {
            "data.folders": self.photos,
            **self.description.get("options", {}),
            **run.get("options", {}),
        }
        if run.get("start_from"):
            options["model.start_from"] = str(self.folder / run["start_from"] / CHECKPOINT)
        config = merged(base, options)
        trainer = config["trainer"]
        trainer["default_root_dir"] = str(place)
        trainer["logger"]["init_args"] = {"save_dir": str(place), "name": "log"}
        for callback in trainer["callbacks"]:
            if callback["class_path"].endswith("ModelCheckpoint"):
                callback["init_args"]["dirpath"] = str(place)
            if (
                callback["class_path"].endswith("EMAWeightAveraging")
                and "ema_decay" in self.description
            ):
                callback["init_args"]["decay"] = self.description["ema_decay"]
        return config

    def train(self, run: dict, base: dict) -> Path:
        """Run one training to its end, in a process of its own.

        Returns:
            Its last checkpoint.

        Raises:
            JndlicError: it failed.
        """
        import yaml

        place = self.folder / run["name"]
        checkpoint, finished = place / CHECKPOINT, place / "finished"
        if finished.is_file():
            return checkpoint
        place.mkdir(parents=True, exist_ok=True)
        write_atomically(place / "config.yaml", yaml.safe_dump(self.config(run, base)).encode())
        module, _, name = TRAINERS[run.get("trainer", "codec")].rpartition(".")
        program = (
            f"from {module} import {name}; from jndlic.training.codec.commands import train; "
            f"train({name})"
        )
        command = [sys.executable, "-c", program, "fit", "--config", str(place / "config.yaml")]
        if checkpoint.is_file():
            command += ["--ckpt_path", str(checkpoint)]
        print(f"training {run['name']}", flush=True)
        if subprocess.run(command, check=False).returncode or not checkpoint.is_file():
            raise JndlicError(f"training {run['name']} failed")
        finished.touch()
        return checkpoint

    def codec(self, run: dict, checkpoint: Path, images: Sequence[Path]) -> ImageCodec:
        """What the trained network is as a codec."""
        from jndlic.training.codec.ablation import SHUFFLED_MAP, ZERO_MAP
        from jndlic.training.codec.export import export_checkpoint

        if run.get("trainer") == "baseline":
            from jndlic.codecs.compressai_codec import Checkpoint

            return Checkpoint(checkpoint)
        weights = export_checkpoint(
            checkpoint, checkpoint.with_name("weights.safetensors"), run["name"][:31]
        )
        variant = run.get("options", {}).get("model.ablation")
        foreign = {ZERO_MAP: no_map, SHUFFLED_MAP: OtherMap(images)}
        return Jndlic(str(weights), seen=foreign.get(variant))

    def measure(
        self, run: dict, checkpoint: Path, images: Sequence[Path], lpips_weights: str | None
    ) -> Curve:
        """The run's points; kept beside its checkpoint."""
        kept = checkpoint.with_name("curve.json")
        if kept.is_file():
            return read_curve(kept)
        print(f"measuring {run['name']}", flush=True)
        metrics = select(self.description["metrics"], lpips_weights)
        qualities = [0] if run.get("trainer") == "baseline" else self.description["qualities"]
        results = evaluate(self.codec(run, checkpoint, images), images, qualities, metrics)
        curve = Curve(
            run.get("curve", run["name"]),
            f"mean over {len(images)} pictures, bytes of real files",
            results,
        )
        write_curve(kept, curve)
        return curve


def joined(curves: Sequence[Curve]) -> list[Curve]:
    """Points of curves of the same name in one, by rising rate."""
    by_name: dict[str, list[Curve]] = {}
    for curve in curves:
        by_name.setdefault(curve.name, []).append(curve)
    result = []
    for name, parts in by_name.items():
        values = {
            key: [value for part in parts for value in part.results[key]]
            for key in parts[0].results
        }
        order = np.argsort(values["bpp"])
        result.append(
            Curve(
                name,
                parts[0].description,
                {key: [row[i] for i in order] for key, row in values.items()},
            )
        )
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; exit codes as those of `jndlic`."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("description", type=Path, help="a file of configs/experiments")
    parser.add_argument("--photos", nargs="+", required=True, metavar="DIR", help="to train on")
    parser.add_argument("--images", type=Path, required=True, metavar="DIR", help="to measure on")
    parser.add_argument(
        "--folder", type=Path, help="for checkpoints and curves (default: runs/NAME)"
    )
    parser.add_argument(
        "--set",
        nargs="+",
        default=[],
        metavar="OPTION=VALUE",
        help="changes for all runs, as in the description",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON file for all curves")
    parser.add_argument(
        "--anchor", type=Path, nargs="+", default=[], metavar="FILE", help="results of other codecs"
    )
    parser.add_argument(
        "--lpips-weights", metavar="FILE", help="SqueezeNet trunk ($JNDLIC_LPIPS_WEIGHTS)"
    )
    options = parser.parse_args(argv)
    return run_command("experiment", lambda: _run(options))


def _run(options: argparse.Namespace) -> None:
    import yaml

    description = yaml.safe_load(options.description.read_text())
    for change in options.set:
        option, _, value = change.partition("=")
        description.setdefault("options", {})[option] = yaml.safe_load(value)
    anchors = [read_curve(path) for path in options.anchor]
    images = find_images(options.images)
    # A missing library should not cost an hour
    select(description["metrics"], options.lpips_weights)
    base = yaml.safe_load(Path(description["base"]).read_text())
    folder = options.folder or Path("runs") / options.description.stem
    experiment = Experiment(description, options.photos, folder)
    checkpoints = [experiment.train(run, base) for run in experiment.runs]
    curves = joined(
        [
            experiment.measure(run, checkpoint, images, options.lpips_weights)
            for run, checkpoint in zip(experiment.runs, checkpoints)
        ]
    )
    for curve in curves:
        shown = (
            "bpp",
            *description["metrics"],
            *(name for name in curve.results if name.startswith("bpp-")),
        )
        print(f"\n{curve.name}\n{format_points({name: curve.results[name] for name in shown})}")
        print(format_rates([*curves[:1], *anchors], curve, description["metrics"]))
    if options.out:
        content = {"description": description, "curves": [to_json(curve) for curve in curves]}
        write_atomically(options.out, (json.dumps(content, indent=1) + "\n").encode())
