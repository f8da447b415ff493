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
"""Holds the id of a node whose second picture never ends, though its file is complete; other nodes
wait for that."""
FULL = "the doomed node is full"


class FatalEncoder(Encoder):
    """fatal.png kills its process at each try; early.png, torn.png and late.png at the first:
    before the file is begun, in its midst, and once it is there. hang.png never ends by itself.
    """

    def __call__(self, job: Job) -> Done:
        import ray

        name = Path(job.source).stem
        node = ray.get_runtime_context().get_node_id()
        tries, begun = trail().count(f"{name} begins"), trail().count(f"{node} begins")
        note(f"{name} begins", f"{node} begins")
        if name == "fatal" or (name == "early" and not tries):
            kill()
        if name == "torn" and not tries:
            os.fsync = kill  # of the temporary file
        if name == "hang":
            try:
                while True:  # in short steps, for Ray interrupts between two of Python's only
                    time.sleep(0.05)
            except KeyboardInterrupt:
                note("hang is interrupted")
                raise
        doomed = DOOMED.read_text() if DOOMED.exists() else ""
        while doomed and node != doomed and FULL not in trail():
            time.sleep(0.05)
        done = super().__call__(job)
        if name == "late" and not tries:
            kill()
        if node == doomed and begun:
            note(FULL)
            time.sleep(60)
        note(f"{name} ends")
        return done


def kill(*_: object) -> None:
    """Ends this process as the system does when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


def note(*lines: str) -> None:
    """More lines of the trail, which other processes write to."""
    with TRAIL.open("a") as file:
        file.write("".join(f"{line}\n" for line in lines))


def trail() -> list[str]:
    """The lines so far."""
    return TRAIL.read_text().splitlines() if TRAIL.exists() else []
