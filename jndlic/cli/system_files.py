"""Files that an installation gives to the system, made from the parsers: setup.py and `make man`
write them.
"""

from __future__ import annotations

from jndlic import __version__
from jndlic.cli.bench import savings_parser
from jndlic.cli.main import command_parser
from jndlic.system.completion import COMPLETIONS, completion_script
from jndlic.system.manual import manual_pages


def manual() -> dict[str, str]:
    """Manual pages by their paths below a folder "share"."""
    pages = manual_pages(command_parser(), __version__)
    pages |= manual_pages(savings_parser(), __version__, above="jndlic-bench")
    return {f"man/man1/{name}.1": text for name, text in pages.items()}


def completions() -> dict[str, str]:
    """Completion scripts by the names of their shells.

    Raises:
        ModuleNotFoundError: shtab is not installed.
    """
    return {shell: completion_script(command_parser(), shell) for shell in COMPLETIONS}
