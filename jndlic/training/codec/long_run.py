"""A training that goes on for hours beside other work: start, resume, pause, report, export.

    FOLDER/code       a clone of the repository at one commit, so that edits do not reach the run
    FOLDER/run.json   the commit and the options
    FOLDER/config.yaml, log, last.ckpt, csv/    of Lightning

The processes have a session of their own and outlive the shell. Linux shares its processors between
sessions, whatever the nice value of a process in one of them: `--precedence` sets that of the
session, where the system lets us.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jndlic.console import run_command
from jndlic.errors import ParameterError
from jndlic.files import write_atomically

ROOT = Path(__file__).resolve().parents[3]
STEPS_BETWEEN_CHECKPOINTS = 100


class Run(NamedTuple):
    """What run.json holds."""

    commit: str
    options: list[str]
    """Of tools/train.py fit."""
    processes: int
    precedence: int


def start(
    folder: Path, options: Sequence[str], processes: int, precedence: int, repository: Path = ROOT
) -> int:
    """Clone, configure and launch.

    Args:
        folder: of the run; must not hold one.
        options: of tools/train.py fit, after those of configs/jndlic.yaml.
        processes: that train together, one thread each.
        precedence: of the session, -20 (first) to 19.
        repository: whose commit is trained.

    Returns:
        The process's number.

    Raises:
        ParameterError: the folder holds a run.
        OSError: git or the trainer cannot be started.
    """
    if (folder / "run.json").exists():
        raise ParameterError(f"{folder} holds a run already: resume it, or choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["git", "clone", "--quiet", "--no-hardlinks", str(repository), str(folder / "code")],
        check=True,
    )
    commit = subprocess.run(
        ["git", "-C", str(folder / "code"), "rev-parse", "HEAD"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    run = Run(commit, [_absolute(option) for option in options], processes, precedence)
    write_atomically(folder / "run.json", json.dumps(run._asdict(), indent=1).encode())
    write_atomically(folder / "config.yaml", _configuration(folder, processes).encode())
    return _launch(folder, run)


def resume(folder: Path) -> int:
    """Launch again from the last checkpoint; as `start`."""
    if alive(folder):
        raise ParameterError(f"{folder}: the run is at work")
    if not (folder / "last.ckpt").is_file():
        raise ParameterError(f"{folder}: no checkpoint to go on from")
    return _launch(folder, _read(folder), "--ckpt_path", str(folder / "last.ckpt"))


def send(folder: Path, number: signal.Signals) -> None:
    """Pause (SIGSTOP), continue (SIGCONT) or end (SIGKILL) all processes of a run.

    Raises:
        ParameterError: none is at work.
    """
    if not alive(folder):
        raise ParameterError(f"{folder}: no run is at work")
    os.killpg(_process(folder), number)


def alive(folder: Path) -> bool:
    """Whether the run's processes are there, paused or not."""
    return _state(_process(folder)) not in ("Z", "")


def report(folder: Path, last: int = 10) -> str:
    """What a run has done: state, steps, and the mean of its latest figures.

    Args:
        folder: of the run.
        last: lines of the log of figures that are averaged.
    """
    run, rows = _read(folder), _figures(folder)
    state = "ended"
    if alive(folder):
        state = "paused" if _state(_process(folder)) == "T" else "at work"
    lines = [f"{state}, commit {run.commit[:12]}, options {' '.join(run.options) or '(usual)'}"]
    if not rows:
        return "\n".join([*lines, "no figures yet"])
    lines.append(f"step {int(rows[-1]['step']) + 1}")
    recent = rows[-last:]
    for name in sorted(rows[-1]):
        values = [float(row[name]) for row in recent if row.get(name)]
        if name not in ("step", "epoch") and values:
            lines.append(f"{name:28s} {sum(values) / len(values):10.5g}")
    return "\n".join(lines)


def export(folder: Path, output: Path, name: str) -> None:
    """The last checkpoint as a weights file, by the code that trained it."""
    command = [
        sys.executable,
        "tools/export.py",
        str(folder / "last.ckpt"),
        str(output.absolute()),
        "--name",
        name,
    ]
    subprocess.run(command, check=True, cwd=folder / "code", env={**os.environ, "PYTHONPATH": "."})


def _launch(folder: Path, run: Run, *more: str) -> int:
    command = [
        sys.executable,
        "tools/train.py",
        "fit",
        "--config",
        str(folder / "config.yaml"),
        *run.options,
        *more,
    ]
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder / "code"),
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "passive",
    }
    with open(folder / "log", "ab") as log:
        process = subprocess.Popen(
            command,
            cwd=folder / "code",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        ).pid
    write_atomically(folder / "process", str(process).encode())
    try:
        Path(f"/proc/{process}/autogroup").write_text(str(run.precedence), encoding="ascii")
    except OSError as error:
        print(f"long_run: the session's precedence stays as it is: {error}", file=sys.stderr)
    return process


def _configuration(folder: Path, processes: int) -> str:
    """The usual configuration with this run's places."""
    import yaml

    usual = yaml.safe_load(
        (folder / "code" / "configs" / "jndlic.yaml").read_text(encoding="utf-8")
    )
    trainer = usual["trainer"]
    trainer["devices"] = processes
    if processes > 1:
        trainer["strategy"] = "ddp"
    trainer["default_root_dir"] = str(folder)
    trainer["logger"]["init_args"] = {"save_dir": str(folder), "name": "csv"}
    for callback in trainer["callbacks"]:
        if callback["class_path"].endswith("ModelCheckpoint"):
            callback["init_args"] |= {
                "dirpath": str(folder),
                "every_n_train_steps": STEPS_BETWEEN_CHECKPOINTS,
            }
    return yaml.safe_dump(usual, sort_keys=False)


def _absolute(option: str) -> str:
    """Options that name a file of the current folder, seen from the clone."""
    name, equals, value = option.partition("=")
    return (
        f"{name}={Path(value).absolute()}" if equals and value and Path(value).exists() else option
    )


def _read(folder: Path) -> Run:
    try:
        return Run(**json.loads((folder / "run.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ParameterError(f"{folder} holds no run: {error}") from error


def _process(folder: Path) -> int:
    try:
        return int((folder / "process").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def _state(process: int) -> str:
    """Linux's letter for what a process is doing; "" where there is none."""
    try:
        return (
            Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        )
    except (OSError, IndexError):
        return ""


def _figures(folder: Path) -> list[dict[str, str]]:
    tables = sorted(folder.glob("csv/version_*/metrics.csv"), key=lambda path: path.stat().st_mtime)
    if not tables:
        return []
    with open(tables[-1], encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main(argv: list[str] | None = None) -> int:
    """Command line of long trainings."""
    parser = argparse.ArgumentParser(
        description="start, resume, pause, report and export a long training"
    )
    actions = parser.add_subparsers(dest="action", required=True)
    for name, text in (
        (
            "start",
            "clone this repository's last commit and train; further options: tools/train.py fit",
        ),
        ("resume", "go on from the last checkpoint"),
        ("pause", "stop for a while, to measure something else"),
        ("continue", "after a pause"),
        ("end", "for good; the last checkpoint stays"),
        ("report", "how far it is"),
        ("export", "the last checkpoint as a weights file"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("folder", type=Path)
        if name == "start":
            action.add_argument(
                "--processes", type=int, default=os.cpu_count() or 1, help="(default: one a core)"
            )
            action.add_argument(
                "--precedence",
                type=int,
                default=10,
                help="of the session, -20 to 19 (default: %(default)s)",
            )
        if name == "export":
            action.add_argument("output", type=Path)
            action.add_argument(
                "--name", default="base", help="of the model (default: %(default)s)"
            )
    options, rest = parser.parse_known_args(argv)
    if rest and options.action != "start":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return run_command("long_run", lambda: _act(options, rest))


def _act(options: argparse.Namespace, rest: list[str]) -> None:
    folder = options.folder.absolute()
    signals = {"pause": signal.SIGSTOP, "continue": signal.SIGCONT, "end": signal.SIGKILL}
    if options.action == "start":
        process = start(folder, rest, options.processes, options.precedence)
        print(f"process {process}, log in {folder / 'log'}")
    elif options.action == "resume":
        print(f"process {resume(folder)}, log in {folder / 'log'}")
    elif options.action == "report":
        print(report(folder))
    elif options.action == "export":
        export(folder, options.output, options.name)
    else:
        send(folder, signals[options.action])
