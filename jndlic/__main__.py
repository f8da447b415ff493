"""`python -m jndlic`, and the command `jndlic`, which is the same."""

from __future__ import annotations

import sys


def main() -> int:
    """Runs the command; Ctrl-C while its modules are loaded ends it quietly.

    Returns:
        The exit code.
    """
    try:
        from jndlic.cli.main import main as command

        return command()
    except KeyboardInterrupt:
        return 130  # INTERRUPTED of jndlic/console.py, which may not be loaded yet


if __name__ == "__main__":
    sys.exit(main())
