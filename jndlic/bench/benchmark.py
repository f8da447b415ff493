"""Where jndlic stands: codecs over a folder of pictures, real files, measured alike.

    sets of pictures x codecs x levels ─► rows.tsv ─┬─► curves/*.json, benchmark.json
                                                    ├─► curves.png, curves.svg
                                                    └─► report.html, a page of Markdown if asked for

Interrupted, it goes on where it was: what was measured stays in the folder
(jndlic/bench/run/store.py).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import re
import shlex
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from jndlic.bench.report.findings import Findings, Study
from jndlic.bench.report.reports import write_pages, write_reports
from jndlic.bench.run.bdrate import Curve, read_curve
from jndlic.bench.run.footprint import Footprint, footprints
from jndlic.bench.run.measure import Row, Setup, Task
from jndlic.bench.run.pool import measure_all
from jndlic.bench.run.rows import Measured, Opened, group, write_rows
from jndlic.codecs import registry as codecs
from jndlic.codecs.registry import open_codec, parse_spec
from jndlic.console import run_command
from jndlic.errors import JndlicError, ParameterError
from jndlic.images.folders import find_images
from jndlic.metrics.registry import (
    BUTTERAUGLI,
    CVVDP,
    GRID,
    HAARPSI,
    LPIPS_SQUEEZE,
    NAMES,
    USUAL,
    check_usable,
    made_by,
    select,
)

NEEDS = ("bjontegaard", "jinja2", "matplotlib", "scipy", "tqdm")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the benchmark may be told."""
    add = parser.add_argument
    add(
        "images",
        type=Path,
        nargs="+",
        metavar="PICTURES",
        help=(
            "folder of pictures, or one; each is a set with results of its own, the first that of "
            "the plots"
        ),
    )
    add(
        "--codecs",
        nargs="+",
        metavar="CODEC",
        help=(
            "NAME[:OPTION=VALUE,...][@LEVEL,...]; the first is under test. Names: "
            f"{', '.join(codecs.KINDS)} (default: {' '.join(codecs.USUAL)})"
        ),
    )
    add(
        "--anchor",
        metavar="NAME",
        help="codec whose bits are 100 %% in the table of all (default: the second)",
    )
    add(
        "--metrics",
        type=_words,
        metavar="NAME,...",
        help=f"of {', '.join(NAMES)} (default: those whose needs are met)",
    )
    add(
        "--kinds",
        type=Path,
        metavar="JSON",
        help=(
            "kind of each picture by its name: adds BD-rates by kind to the sets that have these "
            "pictures"
        ),
    )
    add(
        "--curves",
        type=Path,
        nargs="+",
        default=[],
        metavar="JSON",
        help="published results to show beside the first set, in CompressAI's layout",
    )
    add(
        "--out",
        type=Path,
        default=Path("benchmark"),
        metavar="DIR",
        help="folder for results and cache (default: %(default)s)",
    )
    add(
        "--jobs",
        type=int,
        default=os.cpu_count(),
        metavar="N",
        help="processes (default: one a core)",
    )
    add(
        "--threads",
        type=int,
        metavar="N",
        help=(
            "of each process (default: cores / processes); 1 where the machine is busy with "
            "something else"
        ),
    )
    add(
        "--report-pictures",
        type=int,
        default=6,
        metavar="N",
        help="to look at in the report (default: %(default)s)",
    )
    add(
        "--report-rates",
        type=_numbers,
        default=[0.3],
        metavar="BPP,...",
        help="near which the report shows them (default: 0.3)",
    )
    add("--no-speed", action="store_true", help="leave time and memory out")
    add(
        "--markdown",
        type=Path,
        metavar="FILE",
        help="also write the results as a page of Markdown, its figures in a folder beside it",
    )
    add(
        "--readme",
        type=Path,
        metavar="FILE",
        help="with --markdown: refresh the results in a README, between its two marks",
    )
    add("--lpips-weights", metavar="FILE", help="SqueezeNet trunk ($JNDLIC_LPIPS_WEIGHTS)")


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; exit codes as those of `jndlic`."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["savings"]:
        from jndlic.bench.studies.savings import main as savings  # has a parser of its own

        return savings(words[1:])
    epilog = "`jndlic bench savings --help`: what a level of its own for every picture saves"
    parser = argparse.ArgumentParser(
        prog="jndlic bench", description=str(__doc__).splitlines()[0], epilog=epilog
    )
    add_arguments(parser)
    options = parser.parse_args(words)
    return run_command("jndlic bench", lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Measures, and writes everything.

    Raises:
        ParameterError: an option is wrong.
        JndlicError: something failed; what could be measured is written all the same.
    """
    missing = [name for name in NEEDS if importlib.util.find_spec(name) is None]
    if missing:
        raise JndlicError(f"the benchmark needs {', '.join(missing)}: pip install 'jndlic[bench]'")
    if options.jobs < 1:
        raise ParameterError(f"--jobs must be at least 1, got {options.jobs}")
    if options.threads is not None and options.threads < 1:
        raise ParameterError(f"--threads must be at least 1, got {options.threads}")
    if options.readme and not options.markdown:
        raise ParameterError("--readme goes with --markdown")
    published = [_short(read_curve(path)) for path in options.curves]
    sets = _sets(options.images)
    kinds = _kinds(options.kinds, sets) if options.kinds else {}
    opened, failures = _open(options.codecs or codecs.USUAL)
    metrics = _metrics(options.metrics, options.lpips_weights)
    anchor = _anchor(options.anchor, opened)
    options.out.mkdir(parents=True, exist_ok=True)
    threads = options.threads or max(1, (os.cpu_count() or 1) // options.jobs)
    setup = Setup(tuple(metrics), options.lpips_weights, options.out / "cache", threads)
    rows = _measure(sets, opened, setup, options.jobs)
    write_rows(options.out / "rows.tsv", rows)
    failures += [
        f"{codec}: {reason} ({count} files)" for (codec, reason), count in _errors(rows).items()
    ]
    found = []
    for name, images in sets.items():
        own = [row for row in rows if row["set"] == name]
        measured = [curves for one in opened if (curves := group(own, one))]
        if measured:
            # Time and memory need one picture only, and published curves are of one set
            first = not found
            sizes = (
                _footprints(measured, images, failures) if first and not options.no_speed else {}
            )
            found.append(
                Findings(
                    name,
                    images,
                    measured,
                    published if first else [],
                    anchor,
                    metrics,
                    sizes,
                    kinds,
                )
            )
    if found:
        study = Study(found, rows, _command(options), _machine())
        write_reports(study, options.out, options.report_pictures, options.report_rates)
        if options.markdown:
            write_pages(study, options.markdown, options.readme)
    if failures:
        raise JndlicError("some of it failed\n  " + "\n  ".join(failures))


def _sets(paths: Sequence[Path]) -> dict[str, list[Path]]:
    """The pictures of each set, by the name of its folder.

    Raises:
        ParameterError: two sets or two pictures have the same name.
        ImageError: a folder has no pictures.
    """
    found: dict[str, list[Path]] = {}
    for path in paths:
        images = find_images(path)
        name = images[0].resolve().parent.name
        if name in found:
            raise ParameterError(f"two sets have the name {name}")
        found[name] = images
    counts = Counter(image.name for images in found.values() for image in images)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise ParameterError(f"several sets have pictures of the same name: {', '.join(twice[:4])}")
    return found


def _kinds(path: Path, sets: Mapping[str, Sequence[Path]]) -> dict[str, str]:
    """The kind of each picture.

    Raises:
        ParameterError: the file is not of the form, or of none of these pictures.
    """
    try:
        kinds = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ParameterError(f"--kinds {path} cannot be read: {error}") from error
    if not isinstance(kinds, dict) or not all(isinstance(kind, str) for kind in kinds.values()):
        raise ParameterError(f"--kinds {path}: must be one object of picture names and kinds")
    if not any(image.name in kinds for images in sets.values() for image in images):
        raise ParameterError(f"--kinds {path}: no set has any of these pictures")
    return kinds


def _short(curve: Curve) -> Curve:
    """A published curve by the first words of its name; the rest goes to the description."""
    name, _, rest = curve.name.partition(",")
    return curve._replace(
        name=f"{name} (published)",
        description=", ".join(filter(None, (rest.strip(), curve.description))),
    )


def _open(specs: Sequence[str]) -> tuple[list[Opened], list[str]]:
    """The codecs that can be opened, and what is wrong with the others."""
    for spec in specs:
        parse_spec(spec)  # a slip of the pen should not cost an hour
    opened, failures = [], []
    for spec in dict.fromkeys(specs):
        try:
            codec = open_codec(spec)
        except ParameterError:
            raise
        except JndlicError as error:
            failures.append(f"{spec}: {error}")
            continue
        name = codec.name
        if name in {one.name for one in opened}:
            name = f"{name} ({spec})"
        opened.append(
            Opened(
                spec,
                name,
                codec.settings,
                tuple(codec.usual_levels),
                getattr(codec, "weights_hash", ""),
                getattr(codec, "trained_on", ()),
            )
        )
    if not opened:
        raise JndlicError("no codec can be used\n  " + "\n  ".join(failures))
    return opened, failures


def _metrics(names: Sequence[str] | None, lpips_weights: str | None) -> list[str]:
    """The metrics asked for, checked; by default those whose libraries, weights and programs are
    here.
    """
    if names:
        select(names, lpips_weights)
        for name in names:
            made_by(name)
        return list(names)
    chosen = []
    for name in (*USUAL, HAARPSI, BUTTERAUGLI, CVVDP, GRID):
        try:
            check_usable(name, lpips_weights)
            chosen.append(name)
        except JndlicError as error:
            print(f"without {name}: {error}", file=sys.stderr)
    if lpips_weights and LPIPS_SQUEEZE not in chosen:
        raise ParameterError(f"--lpips-weights {lpips_weights} cannot be used")
    return chosen


def _anchor(name: str | None, opened: Sequence[Opened]) -> str:
    """Name of the codec that the others are compared with."""
    if name is None:
        return opened[min(1, len(opened) - 1)].name
    for one in opened:
        if name in (one.name, one.spec):
            return one.name
    raise ParameterError(f"--anchor {name}: not among {', '.join(one.name for one in opened)}")


def _measure(
    sets: Mapping[str, Sequence[Path]], opened: Sequence[Opened], setup: Setup, jobs: int
) -> list[Row]:
    """The rows of all files, each with the name of its set, in the order of sets, pictures, codecs
    and levels.
    """
    from tqdm import tqdm

    set_of = {image.name: name for name, images in sets.items() for image in images}
    tasks = [
        Task(image, one.spec, level)
        for images in sets.values()
        for image in images
        for one in opened
        for level in one.levels
    ]
    order = {(task.image.name, task.codec, task.level): number for number, task in enumerate(tasks)}
    with tqdm(total=len(tasks), unit="file", smoothing=0.05) as bar:
        rows = []
        for row in measure_all(tasks, setup, min(jobs, len(tasks))):
            rows.append({"set": set_of[str(row["image"])], **row})
            bar.update()
    return sorted(
        rows, key=lambda row: order[str(row["image"]), str(row["codec"]), int(row["level"])]
    )


def _errors(rows: Sequence[Row]) -> Counter[tuple[str, str]]:
    return Counter((str(row["codec"]), str(row["error"])) for row in rows if "error" in row)


def _footprints(
    measured: Sequence[Measured], images: Sequence[Path], failures: list[str]
) -> dict[str, dict[str, Footprint]]:
    """Time and memory by name, on the largest of the pictures."""
    name = measured[0].largest_image()
    largest = next(path for path in images if path.name == name)
    found = {}
    for one in measured:
        try:
            found[one.codec.name] = footprints(
                one.codec.spec, largest, one.levels[len(one.levels) // 2]
            )
        except JndlicError as error:
            failures.append(str(error))
    return found


def _command(options: argparse.Namespace) -> str:
    """What makes the figures anew; where they are written and how fast does not matter to them."""
    words = [
        "jndlic",
        "bench",
        *map(str, options.images),
        *(["--codecs", *options.codecs] if options.codecs else []),
    ]
    words += ["--curves", *map(str, options.curves)] if options.curves else []
    words += ["--kinds", str(options.kinds)] if options.kinds else []
    words += ["--metrics", ",".join(options.metrics)] if options.metrics else []
    words += ["--anchor", options.anchor] if options.anchor else []
    words += ["--markdown", str(options.markdown)] if options.markdown else []
    return shlex.join(words + (["--readme", str(options.readme)] if options.readme else []))


def _machine() -> str:
    """The processor's name, where the system tells it, and the number of cores."""
    try:
        found = re.search(
            r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE
        )
    except OSError:
        found = None
    return f"{found[1].strip() if found else platform.machine()}, {os.cpu_count()} cores"


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


def _numbers(text: str) -> list[float]:
    try:
        values = [float(word) for word in text.split(",")]
    except ValueError:
        values = []
    if not values or min(values) <= 0:
        raise argparse.ArgumentTypeError(
            f"must be positive numbers with commas between, got {text!r}"
        )
    return values
