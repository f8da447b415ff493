"""Completion of the command in shells, made from the parsers by shtab.

shtab writes the scripts when a wheel is built: an installation needs no further library, and no
completion of a word waits for Python. argcomplete would start the command at each press of the key.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from jndlic.system.parsers import arguments, options, tree

COMPLETIONS = {
    "bash": "bash-completion/completions/jndlic",
    "zsh": "zsh/site-functions/_jndlic",
    "fish": "fish/vendor_completions.d/jndlic.fish",
}
"""Where the script of each shell is found below a folder "share"."""

PACKAGED = Path(__file__).parent / "completions"
"""Of a wheel: the same scripts, each by the name of its shell."""

_FILES = {"IN", "OUT", "FILE", "PAGE", "PICTURES", "JSON", "TSV", "DIR"}
"""What the help calls the names of files."""

_BASH_FILES = r"""
# Names of files with blanks too: a word comes as it was typed, with its quotes
_jndlic_files() {
  local word=${1#[\"\']}
  compgen -f -- "${word//\\/}"
}
"""


def completion_script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script that a shell reads.

    Args:
        parser: of the whole command.
        shell: of `COMPLETIONS`.

    Raises:
        ModuleNotFoundError: shtab is not installed.
    """
    import shtab

    files: dict[str, Any] = {
        **shtab.FILE,
        "bash": "_jndlic_files",
        "preamble": {"bash": _BASH_FILES},
    }
    for one in tree(parser):
        for action in (*arguments(one), *options(one)):
            if takes_files(action):
                setattr(action, "complete", files)  # noqa: B010 (argparse knows no such attribute)
    return shtab.complete(parser, shell) + "\n"


def takes_files(action: argparse.Action) -> bool:
    """Whether the words of an argument are names of files."""
    return action.metavar in _FILES
