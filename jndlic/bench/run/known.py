"""Rows of an earlier benchmark, of this or another machine: the same file has the same figures.

Only what is certain to be the same is taken: the same pixels, settings and level (the row's key),
every metric by the same version of its package. Times are of the machine that took them, so they
are left out.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from jndlic.bench.run.measure import Row, Task
from jndlic.bench.run.rows import MADE_BY, TIMES, Opened, read_rows
from jndlic.bench.run.store import entry_key, pixels_digest
from jndlic.errors import ParameterError
from jndlic.images.files import load
from jndlic.metrics.registry import NAMES, made_by

_ABSENT = "no such pixels, settings and level in it"


def with_versions(rows: Sequence[Row], metrics: Collection[str]) -> list[Row]:
    """Rows with the column MADE_BY.

    Args:
        rows: just measured, or from `known_rows`.
        metrics: that all of them have.
    """
    versions = _versions(metrics)
    return [row if "error" in row else {**row, MADE_BY: versions} for row in rows]


def known_rows(
    path: Path, tasks: Iterable[Task], opened: Sequence[Opened], metrics: Collection[str]
) -> tuple[dict[Task, Row], Counter[str]]:
    """The rows of a table that are those of tasks, and how many tasks have none, by the reason.

    Args:
        path: rows.tsv of a benchmark.
        tasks: of this benchmark.
        opened: its codecs.
        metrics: rows that lack one of them are left out.

    Raises:
        ParameterError: the table cannot be read.
        MetricError: the package of one of its metrics is not installed.
    """
    try:
        rows = [row for row in read_rows(path) if "error" not in row]
    except (OSError, ValueError, TypeError) as error:  # the last of a line that was cut off
        raise ParameterError(f"--known {path} cannot be read: {error}") from error
    versions = _versions({name for row in rows for name in row if name in NAMES})
    by_key: dict[object, Row] = {}
    for row in rows:
        if row.get("key") not in by_key or not _why_not(row, versions, metrics):
            by_key[row.get("key")] = row
    absent = _ABSENT if any("key" in row for row in rows) else "it has no keys of files"
    settings = {one.spec: one.settings for one in opened}
    digests: dict[Path, str] = {}
    found: dict[Task, Row] = {}
    left: Counter[str] = Counter()
    for task in tasks:
        if task.image not in digests:
            digests[task.image] = pixels_digest(load(task.image).pixels)
        key = entry_key(digests[task.image], settings[task.codec], task.level)
        row = by_key.get(key)
        why_not = absent if row is None else _why_not(row, versions, metrics)
        if row is None or why_not:
            left[why_not] += 1
        else:
            names: Row = {"image": task.image.name, "codec": task.codec}
            found[task] = _plain(row, metrics) | names
    return found, left


def told(path: Path, found: Collection[Task], left: Counter[str]) -> str:
    """A line for people on what `known_rows` has found.

    Args:
        path: of the table.
        found, left: of `known_rows`.
    """
    count = len(found) + left.total()
    reasons = "".join(f"; {number} not: {reason}" for reason, number in left.most_common())
    return f"--known {path}: {len(found)} of {count} files have their figures from there{reasons}"


def _why_not(row: Row, versions: str, metrics: Collection[str]) -> str:
    """Why a row is not taken, in words for the user; empty where it is."""
    if MADE_BY not in row:
        return "it does not say by which versions its metrics are"
    if row[MADE_BY] != versions:
        return "its metrics are by other versions than those here"
    lacking = ", ".join(name for name in metrics if name not in row)
    return f"it has no {lacking}" if lacking else ""


def _plain(row: Row, metrics: Collection[str]) -> Row:
    """A row that was read, as it would have been measured for some metrics alone."""
    left_out = {*TIMES, MADE_BY, "set", *NAMES} - set(metrics)
    whole = ("level", "width", "height", "bytes")
    return {
        name: int(value) if name in whole else value
        for name, value in row.items()
        if name not in left_out
    }


def _versions(metrics: Collection[str]) -> str:
    made = json.dumps({name: made_by(name) for name in sorted(metrics)})
    return hashlib.sha256(made.encode()).hexdigest()[:12]
