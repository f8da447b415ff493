"""The command in this process, for tests."""

from __future__ import annotations

from jndlic.cli.main import main


def run(*arguments: object) -> int:
    """Exit code of the command, whichever way it ends."""
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as end:
        return int(end.code or 0)
