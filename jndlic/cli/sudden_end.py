"""A word on a process that is ended from within, by a library that does not let Python have one.

this process ── pipe ──► a small one that waits; where the pipe ends without the sign, it speaks
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress

_PROGRAM = """
import os, sys
if not sys.stdin.buffer.read(1):
    for name in sys.argv[2:]:
        try:
            os.remove(name)
        except OSError:
            pass
    sys.stderr.write(sys.argv[1] + "\\n")
"""


@contextmanager
def spoken_for(message: str, temporary: Sequence[str] = ()) -> Generator[None]:
    """Within this, a sudden end of this process leaves a line on standard error.

    Args:
        message: the line.
        temporary: files that are removed then.
    """
    # Alone in its session, so that Ctrl-C is this process's to hear
    waiting = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _PROGRAM, message, *temporary],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        with suppress(OSError):  # someone has ended it
            waiting.communicate(b"\n")
