"""`jndlic completion`: what a shell needs to complete the words of the command."""

from __future__ import annotations

import argparse

from jndlic.console import GOOD, emit
from jndlic.system.completion import COMPLETIONS, PACKAGED, completion_script


def add_command(commands: argparse._SubParsersAction, whole: argparse.ArgumentParser) -> None:
    """Adds `completion`.

    Args:
        commands: to add to.
        whole: the parser of all commands.
    """
    show = commands.add_parser(
        "completion", help="a script that lets a shell complete commands, options and files"
    )
    show.add_argument("shell", choices=tuple(COMPLETIONS), help="that will read it")
    show.set_defaults(run=lambda arguments: _completion(whole, arguments.shell))


def _completion(whole: argparse.ArgumentParser, shell: str) -> int:
    packaged = PACKAGED / shell
    there = packaged.is_file()  # in a wheel
    emit(packaged.read_text(encoding="utf-8") if there else completion_script(whole, shell), end="")
    return GOOD
