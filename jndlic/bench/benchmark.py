"""Where jndlic stands: codecs over a folder of pictures, real files, measured alike.

    sets of pictures x codecs x levels ─► rows.tsv ─┬─► curves/*.json, benchmark.json
                                                    ├─► curves.png, curves.svg
                                                    └─► report.html, a page of Markdown if asked for

Interrupted, it goes on where it was: what was measured stays in the folder
(jndlic/bench/run/store.py).
"""

from __future__ import annotations

import argparse
import os
import platform
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from jndlic.bench.needs import check_installed
from jndlic.bench.options import command_of, picture_sets, read_kinds
from jndlic.bench.report.findings import Findings, Study
from jndlic.bench.report.reports import write_pages, write_reports
from jndlic.bench.run.bdrate import Curve, read_curve
from jndlic.bench.run.footprint import Footprint, footprints
from jndlic.bench.run.known import known_rows, told, with_versions
from jndlic.bench.run.measure import Row, Setup, Task
from jndlic.bench.run.pool import measure_all
from jndlic.bench.run.rows import Measured, Opened, group, write_rows
from jndlic.bench.run.usable_metrics import usable_metrics
from jndlic.choices import USUAL_CODECS
from jndlic.codecs.registry import open_codec, parse_spec
from jndlic.console import note
from jndlic.errors import JndlicError, ParameterError

NEEDS = ("bjontegaard", "jinja2", "matplotlib", "scipy", "tqdm")


def run(options: argparse.Namespace) -> None:
    """Measures, and writes everything.

    Raises:
        ParameterError: an option is wrong.
        JndlicError: something failed; what could be measured is written all the same.
    """
    check_installed("the benchmark", NEEDS)
    if options.jobs < 1:
        raise ParameterError(f"--jobs must be at least 1, got {options.jobs}")
    if options.threads is not None and options.threads < 1:
        raise ParameterError(f"--threads must be at least 1, got {options.threads}")
    if options.readme and not options.markdown:
        raise ParameterError("--readme goes with --markdown")
    if options.known and options.report_pictures:
        raise ParameterError("--known goes with --report-pictures 0: a report shows files")
    published = [_short(read_curve(path)) for path in options.curves]
    sets = picture_sets(options.images)
    kinds = read_kinds(options.kinds, sets) if options.kinds else {}
    opened, failures = _open(options.codecs or USUAL_CODECS)
    metrics = usable_metrics(options.metrics, options.lpips_weights)
    anchor = _anchor(options.anchor, opened)
    options.out.mkdir(parents=True, exist_ok=True)
    threads = options.threads or max(1, (os.cpu_count() or 1) // options.jobs)
    setup = Setup(tuple(metrics), options.lpips_weights, options.out / "cache", threads)
    rows = with_versions(_measure(sets, opened, setup, options.jobs, options.known), metrics)
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
        study = Study(found, rows, command_of(options), _machine())
        write_reports(study, options.out, options.report_pictures, options.report_rates)
        if options.markdown:
            write_pages(study, options.markdown, options.readme)
    if failures:
        raise JndlicError("some of it failed\n  " + "\n  ".join(failures))


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
        parse_spec(spec)  # a typing error should not cost an hour
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


def _anchor(name: str | None, opened: Sequence[Opened]) -> str:
    """Name of the codec that the others are compared with."""
    if name is None:
        return opened[min(1, len(opened) - 1)].name
    for one in opened:
        if name in (one.name, one.spec):
            return one.name
    raise ParameterError(f"--anchor {name}: not among {', '.join(one.name for one in opened)}")


def _measure(
    sets: Mapping[str, Sequence[Path]],
    opened: Sequence[Opened],
    setup: Setup,
    jobs: int,
    known: Path | None,
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
    found: dict[Task, Row] = {}
    if known:
        found, left = known_rows(known, tasks, opened, setup.metrics)
        note(f"jndlic: {told(known, found, left)}")
    missing = [task for task in tasks if task not in found]
    order = {(task.image.name, task.codec, task.level): number for number, task in enumerate(tasks)}
    rows = list(found.values())
    with tqdm(total=len(missing), unit="file", smoothing=0.05) as bar:
        for row in measure_all(missing, setup, min(jobs, len(missing))):
            rows.append(row)
            bar.update()
    rows = [{"set": set_of[str(row["image"])], **row} for row in rows]
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


def _machine() -> str:
    """The processor's name, where the system tells it, and the number of cores."""
    try:
        found = re.search(
            r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE
        )
    except OSError:
        found = None
    return f"{found[1].strip() if found else platform.machine()}, {os.cpu_count()} cores"
