"""Rows of an earlier benchmark, of this or another machine: the same file has the same figures.

Only what is certain to be the same is taken: the same pixels, settings and level (the row's key),
every metric by the same version of its package. Times are of the machine that took them, so they
are left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from jndlic.bench.run.measure import Row, Task
from jndlic.bench.run.rows import MADE_BY, TIMES, Opened, read_rows
from jndlic.bench.run.store import entry_key, pixels_digest
from jndlic.errors import ParameterError
from jndlic.images.files import load
from jndlic.metrics.registry import NAMES, made_by


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
) -> dict[Task, Row]:
    """The rows of a table that are those of tasks.

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
    by_key = {
        row["key"]: _plain(row, metrics)
        for row in rows
        if row.get(MADE_BY) == versions and {"key", *metrics} <= set(row)
    }
    settings = {one.spec: one.settings for one in opened}
    digests: dict[Path, str] = {}
    found: dict[Task, Row] = {}
    for task in tasks:
        if task.image not in digests:
            digests[task.image] = pixels_digest(load(task.image).pixels)
        key = entry_key(digests[task.image], settings[task.codec], task.level)
        if key in by_key:
            found[task] = by_key[key] | {"image": task.image.name, "codec": task.codec}
    return found


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
