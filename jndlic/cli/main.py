"""The command `jndlic`: encode, decode, info, optimize, jnd, compare, bench, completion.

Exit codes: those of jndlic/console.py. The networks are loaded only when a picture is coded.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jndlic import __version__
from jndlic.cli import bench, compare, completion, decode, encode, info, jnd, optimize
from jndlic.console import run_command


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: arguments; those of the process by default.

    Returns:
        The exit code. Wrong arguments end in SystemExit(2), as argparse has it.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:2] == ["bench", bench.SAVINGS]:
        return run_command(f"jndlic bench {bench.SAVINGS}", lambda: _savings(words[2:]))
    if words[:1] == ["bench"]:
        # As it is: freed memory that is kept would count as that of the next codec
        return run_command("jndlic bench", lambda: _run(words), reuse_memory=False)
    return run_command("jndlic", lambda: _run(words))


def _savings(words: Sequence[str]) -> int:
    arguments = bench.savings_parser().parse_args(words)
    return arguments.run(arguments)


def _run(words: Sequence[str]) -> int:
    parser = command_parser()
    arguments, rest = parser.parse_known_args(words)
    # argparse takes inputs from one place only: those behind an option are left over
    if "inputs" in arguments and not any(len(word) > 1 and word[0] == "-" for word in rest):
        arguments.inputs += rest
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return arguments.run(arguments)


def command_parser() -> argparse.ArgumentParser:
    """The command line of all but `jndlic bench savings`."""
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
    compare.add_command(commands)
    bench.add_command(commands)
    completion.add_command(commands, parser)
    return parser
