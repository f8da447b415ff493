"""What the benchmark is told: its options, and the sets of pictures they name."""

from __future__ import annotations

import argparse
import json
import os
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from jndlic.codecs import registry as codecs
from jndlic.errors import ParameterError
from jndlic.images.folders import find_images
from jndlic.metrics.registry import NAMES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the benchmark may be told."""
    add = parser.add_argument
    add(
        "images",
        type=Path,
        nargs="+",
        metavar="PICTURES",
        help="folder of pictures, or one; each is a set with results of its own, "
        "the first that of the plots",
    )
    add(
        "--codecs",
        nargs="+",
        metavar="CODEC",
        help="NAME[:OPTION=VALUE,...][@LEVEL,...]; the first is under test. "
        f"Names: {', '.join(codecs.KINDS)} (default: {' '.join(codecs.USUAL)})",
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
        help="kind of each picture by its name: adds BD-rates by kind to the sets that have "
        "these pictures",
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
        help="of each process (default: cores / processes); 1 where the machine is busy with "
        "something else",
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


def picture_sets(paths: Sequence[Path]) -> dict[str, list[Path]]:
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


def read_kinds(path: Path, sets: Mapping[str, Sequence[Path]]) -> dict[str, str]:
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


def command_of(options: argparse.Namespace) -> str:
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
