"""The command `jndlic`: encode, decode, info, optimize, jnd, bench.

Exit codes: 0 good, 1 bad input or a file that cannot be read or written, 2 wrong usage. torch is
imported only when a picture is coded.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jndlic import __version__
from jndlic.cli import decode, encode, info, jnd, optimize
from jndlic.console import run_command

if TYPE_CHECKING:
    pass


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: arguments; those of the process by default.

    Returns:
        The exit code. Wrong arguments end in SystemExit(2), as argparse has it.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["bench"]:
        # Has a parser of its own, and torch with it
        from jndlic.bench.benchmark import main as bench

        return bench(words[1:])
    arguments = _parser().parse_args(words)
    return run_command("jndlic", lambda: arguments.run(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jndlic",
        description="Compress photos with a learned codec that knows what the eye tolerates.",
    )
    parser.add_argument("-V", "--version", action="version", version=f"jndlic {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    for command in (encode, decode, info):
        command.add_command(commands)
    optimize.add_commands(commands)
    jnd.add_commands(commands)
    commands.add_parser(
        "bench", help="codecs side by side on a folder of pictures; see `jndlic bench --help`"
    )
    return parser
