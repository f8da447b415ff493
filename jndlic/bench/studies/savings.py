"""How many bytes a level of its own for every picture saves: `jndlic bench savings`.

Two forms. Papers take the finest level of a codec for what one would use otherwise; few people do.
The other one asks what the choice by picture itself is worth: against the one level of the codec
that satisfies as many of these pictures, by the same predictor. That level is known only after all
pictures were searched, so even it is better than what a user could have picked.
"""

from __future__ import annotations

import argparse
import json
import math
import shlex
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jndlic.bench.report.tables import Table
from jndlic.codecs.presets import open_preset
from jndlic.console import progress
from jndlic.errors import JndlicError
from jndlic.files import write_atomically
from jndlic.images.files import load
from jndlic.images.folders import find_images
from jndlic.optimize.batch import Settings, search_file
from jndlic.optimize.predictors.profiles import profile
from jndlic.optimize.predictors.registry import default_predictor, open_predictor
from jndlic.optimize.search import default_rule

COLUMNS = (
    "codec",
    "pictures",
    "satisfied, proxy",
    "satisfied, human",
    "level",
    "evaluations",
    "seconds",
    "saved, finest level",
    "fixed level",
    "saved, fixed level",
)

NOT_ASKED = "not measured"
"""Predictors are proxies; no observers judged these files."""


class Searched(NamedTuple):
    """One picture."""

    path: Path
    level: int
    bytes: int
    finest_bytes: int
    score: float
    reached: bool
    evaluations: int
    seconds: float
    """Of the search, with reading the file."""


class Fixed(NamedTuple):
    """All pictures at one level."""

    level: int
    satisfied: int
    bytes: tuple[int, ...]
    """By picture."""


def search_picture(path: Path, settings: Settings) -> Searched:
    """Searches one picture.

    Raises:
        JndlicError: it cannot be read, encoded or judged.
    """
    start = time.perf_counter()
    session, found = search_file(path, settings)
    seconds = time.perf_counter() - start
    finest = len(session.encode(session.levels[-1]))
    return Searched(
        path,
        found.level,
        len(found.data),
        finest,
        found.score,
        found.reached,
        found.evaluations,
        seconds,
    )


def fixed_level(searched: Sequence[Searched], settings: Settings) -> Fixed | None:
    """All pictures at the coarsest level that satisfies at least as many of them as the search did;
    None where it did none.

    The finest of the levels found for single pictures is where it begins: the picture with that
    level fails at a coarser one. It is checked by judging every picture there, and one finer is
    tried while too few pass, since scores need not rise with every level.
    """
    wanted = sum(one.reached for one in searched)
    if not wanted:
        return None
    level = finest = max(one.level for one in searched if one.reached)
    while True:
        sizes, satisfied = [], 0
        for one in progress(searched, "picture"):
            session = settings.codec.session(load(one.path))
            finest = session.levels[-1]
            data = session.encode(level)
            sizes.append(len(data))
            satisfied += (
                settings.predictor.judge(session.reference).score(session.decode(data))
                >= settings.profile.score
            )
        if satisfied >= wanted or level >= finest:
            return Fixed(level, satisfied, tuple(sizes))
        level += 1


def summarise(
    searched: Sequence[Searched], fixed: Fixed | None, settings: Settings
) -> dict[str, object]:
    """Figures of a codec, and those of its pictures under "files"; savings are shares of the
    bytes.
    """
    levels = [one.level for one in searched]
    own, finest = (
        sum(getattr(one, name) for one in searched) for name in ("bytes", "finest_bytes")
    )
    facts: dict[str, object] = {
        "codec": settings.preset,
        "predictor": settings.predictor.name,
        "profile": settings.profile.name,
        "search": settings.rule or default_rule(settings.predictor.smooth),
        "pictures": len(searched),
        "satisfied": sum(one.reached for one in searched),
        "level-mean": statistics.fmean(levels),
        "level-sd": statistics.stdev(levels) if len(levels) > 1 else None,
        "evaluations-mean": statistics.fmean(one.evaluations for one in searched),
        "seconds-mean": statistics.fmean(one.seconds for one in searched),
        "bytes": own,
        "finest": {
            "bytes": finest,
            "saving-mean": statistics.fmean(1 - one.bytes / one.finest_bytes for one in searched),
            "saving-total": 1 - own / finest,
        },
        "fixed": None,
        "files": [
            {
                **one._asdict(),
                "path": one.path.name,
                "score": one.score if math.isfinite(one.score) else None,
            }
            for one in searched
        ],
    }
    if fixed is not None:
        facts["fixed"] = {
            "level": fixed.level,
            "satisfied": fixed.satisfied,
            "bytes": sum(fixed.bytes),
            "saving-mean": statistics.fmean(
                1 - one.bytes / size for one, size in zip(searched, fixed.bytes)
            ),
            "saving-total": 1 - own / sum(fixed.bytes),
        }
    return facts


def table(results: Sequence[dict]) -> Table:
    """The figures of all codecs, a row each."""
    first = results[0]
    rows = []
    for one in results:
        spread = "" if one["level-sd"] is None else f" ± {one['level-sd']:.1f}"
        fixed = one["fixed"]
        rows.append(
            (
                one["codec"],
                str(one["pictures"]),
                str(one["satisfied"]),
                NOT_ASKED,
                f"{one['level-mean']:.1f}{spread}",
                f"{one['evaluations-mean']:.1f}",
                f"{one['seconds-mean']:.2f}",
                f"{one['finest']['saving-mean']:.1%}",
                str(fixed["level"]) if fixed else "none",
                f"{fixed['saving-mean']:.1%} (of all bytes {fixed['saving-total']:.1%})"
                if fixed
                else "n/a",
            )
        )
    note = (
        f"Judged by {first['predictor']}, profile {first['profile']}. Savings are means over the "
        "pictures, against the codec's finest level "
        "and against the one level that satisfies as many of these pictures."
    )
    return Table(
        f"Savings at {first['profile']}, judged by {first['predictor']}", note, COLUMNS, tuple(rows)
    )


def run(options: argparse.Namespace) -> None:
    """Measures, says and writes.

    Raises:
        JndlicError: something failed; what could be measured is written all the same.
    """
    images = find_images(options.images)
    demand = profile(options.profile)
    predictor = open_predictor(
        options.predictor or default_predictor(demand), options.predictor_weights
    )
    results, failures = [], []
    for name in dict.fromkeys(options.codec):
        try:
            settings = Settings(
                name, open_preset(name, options.weights), predictor, demand, options.search
            )
        except JndlicError as error:
            failures.append(f"{name}: {error}")
            continue
        searched = list(_searched(images, settings, failures))
        if searched:
            results.append(summarise(searched, fixed_level(searched, settings), settings))
    if results:
        found = table(results)
        print(f"{found.markdown()}\n\n{found.note}")
        if options.markdown:
            page = (
                f"# {found.title}\n\n    "
                f"{_command(options)}\n\n{found.note}\n\n{found.markdown()}\n"
            )
            write_atomically(options.markdown, page.encode())
        if options.out:
            write_atomically(options.out, (json.dumps(results, indent=1) + "\n").encode())
    if failures:
        raise JndlicError("some of it failed\n  " + "\n  ".join(failures))


def _command(options: argparse.Namespace) -> str:
    """What makes the figures anew, from beside the pictures."""
    words = ["jndlic", "bench", "savings", options.images.resolve().name, "--codec", *options.codec]
    words += ["--profile", options.profile]
    for option in ("predictor", "search"):
        words += [f"--{option}", getattr(options, option)] if getattr(options, option) else []
    return shlex.join(words)


def _searched(
    images: Sequence[Path], settings: Settings, failures: list[str]
) -> Sequence[Searched]:
    """The pictures that can be searched; what is wrong with the others is added to the failures."""
    found = []
    for path in progress(images, "picture"):
        try:
            found.append(search_picture(path, settings))
        except (JndlicError, OSError) as error:
            failures.append(f"{settings.codec}: {error}")
    return found
