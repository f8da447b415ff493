"""`python -m jndlic`, and the command `jndlic`, which is the same."""

from __future__ import annotations

import sys


def main() -> int:
    """Runs the command; Ctrl-C while modules are loaded ends it quietly.

    Returns:
        The exit code.
    """
    interrupted = False

    def interrupt(*_: object) -> None:
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    try:
        import signal  # here, since this takes long enough to be interrupted

        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where it is ignored
            signal.signal(signal.SIGINT, interrupt)
        from jndlic.cli.main import main as command

        return command()
    except KeyboardInterrupt:
        pass
    except ImportError:
        if not interrupted:  # numpy makes this of an interruption
            raise
    return 130  # INTERRUPTED of jndlic/console.py, which may not be loaded yet


if __name__ == "__main__":
    sys.exit(main())
