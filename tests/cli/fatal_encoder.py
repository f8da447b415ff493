"""An encoder whose pictures end its process, as their names say; for tests of clusters.

It writes into the file `trail` of its folder which picture begins and ends where.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from jndlic.cli.common import Done
from jndlic.cli.encode import Encoder
from jndlic.cli.jobs import Job

TRAIL = Path("trail")
DOOMED = Path("doomed")
"""Holds the id of a node whose second picture never ends, though its file is complete."""


class FatalEncoder(Encoder):
    """fatal.png kills its process at each try, early.png at the first, late.png then too but once
    its file is complete; hang.png goes on until it is interrupted.
    """

    def __call__(self, job: Job) -> Done:
        import ray

        name = Path(job.source).stem
        node = ray.get_runtime_context().get_node_id()
        tries, begun = trail().count(f"{name} begins"), trail().count(f"{node} begins")
        note(f"{name} begins", f"{node} begins")
        if name == "fatal" or (name == "early" and not tries):
            os.kill(os.getpid(), signal.SIGKILL)
        if name == "hang":
            try:
                while True:  # in short steps, for Ray interrupts between two of Python's only
                    time.sleep(0.05)
            except KeyboardInterrupt:
                note("hang is interrupted")
                raise
        done = super().__call__(job)
        if name == "late" and not tries:
            os.kill(os.getpid(), signal.SIGKILL)
        if DOOMED.exists() and DOOMED.read_text() == node and begun:
            note("the doomed node is full")
            time.sleep(60)
        note(f"{name} ends")
        return done


def note(*lines: str) -> None:
    """More lines of the trail, which other processes write to."""
    with TRAIL.open("a") as file:
        file.write("".join(f"{line}\n" for line in lines))


def trail() -> list[str]:
    """The lines so far."""
    return TRAIL.read_text().splitlines() if TRAIL.exists() else []
