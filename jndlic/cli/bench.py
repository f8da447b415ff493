"""`jndlic bench`: codecs side by side on folders of pictures; and `jndlic bench savings`. The work
is in jndlic/bench/, which is loaded only for it.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from jndlic.choices import (
    CODECS,
    DEFAULT_PROFILE,
    METRICS,
    OPTIMIZED_CODECS,
    USUAL_CODECS,
)
from jndlic.cli.common import words
from jndlic.cli.optimize import add_predictor, add_profile, add_search
from jndlic.console import GOOD

SAVINGS = "savings"


def add_command(commands: argparse._SubParsersAction) -> None:
    """Adds `bench`."""
    parser = commands.add_parser(
        "bench",
        help="codecs side by side on a folder of pictures",
        description="Codecs side by side over folders of pictures: real files, measured alike. "
        f"`jndlic bench {SAVINGS} --help`: what a level of its own for every picture saves.",
    )
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
        f"Names: {', '.join(CODECS)} (default: {' '.join(USUAL_CODECS)})",
    )
    add(
        "--anchor",
        metavar="NAME",
        help="codec whose bits are 100 %% in the table of all (default: the second)",
    )
    add(
        "--metrics",
        type=words,
        metavar="NAME,...",
        help=f"of {', '.join(METRICS)} (default: those whose needs are met)",
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
    add(
        "--known",
        type=Path,
        metavar="TSV",
        help="rows of an earlier benchmark (rows.tsv): the figures of files that are certain to be "
        "the same are taken from there, but for times; with --report-pictures 0",
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
    parser.set_defaults(run=_bench)


def savings_parser() -> argparse.ArgumentParser:
    """The command line of `jndlic bench savings`: apart, since argparse has no commands beside
    pictures.
    """
    parser = argparse.ArgumentParser(
        prog=f"jndlic bench {SAVINGS}",
        description="How many bytes a level of its own for every picture saves.",
    )
    add = parser.add_argument
    add("images", type=Path, metavar="PICTURES", help="folder of pictures, or one")
    add(
        "--codec",
        nargs="+",
        choices=OPTIMIZED_CODECS,
        default=["jpeg"],
        metavar="NAME",
        help=f"{', '.join(OPTIMIZED_CODECS)} (default: jpeg)",
    )
    add_predictor(parser)
    add_profile(parser, "--profile", default=DEFAULT_PROFILE)
    add_search(parser)
    add("--weights", metavar="FILE", help="of jndlic as a codec")
    add("--out", type=Path, metavar="JSON", help="figures of every picture")
    add("--markdown", type=Path, metavar="FILE", help="the table as a page")
    parser.set_defaults(run=_savings)
    return parser


def _bench(arguments: argparse.Namespace) -> int:
    from jndlic.bench.benchmark import run

    run(arguments)
    return GOOD


def _savings(arguments: argparse.Namespace) -> int:
    from jndlic.bench.studies.savings import run

    run(arguments)
    return GOOD


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
