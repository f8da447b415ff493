"""What the command lines of this package share."""

from __future__ import annotations

import sys
from collections.abc import Callable

from jndlic.errors import JndlicError, ParameterError
from jndlic.memory import reuse_freed_memory


def run_command(name: str, work: Callable[[], None]) -> int:
    """Do the work of a program and say in one line what went wrong.

    Returns:
        The exit code: 0 good, 1 bad input or a file that cannot be read or written, 2 wrong usage, 130 interrupted.
    """
    reuse_freed_memory()
    try:
        work()
    except ParameterError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    except (JndlicError, OSError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{name}: interrupted; what was finished is kept", file=sys.stderr)
        return 130
    return 0
