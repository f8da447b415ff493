"""Files treated by several processes at once (jndlic/processes.py): each loads the networks once,
and makes file after file.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import partial

from jndlic.cli.common import Coder, Done, Failed, NoCodec, best_of
from jndlic.cli.jobs import Job
from jndlic.console import explained
from jndlic.errors import JndlicError
from jndlic.memory import reuse_freed_memory
from jndlic.processes import Died, answers
from jndlic.runtime.threads import affinity


def attempt(coder: Coder, job: Job) -> Done | Failed:
    """What becomes of a file; its error costs this file alone.

    Raises:
        NoCodec: no other file would fare better.
    """
    try:
        return coder(job)
    except (JndlicError, OSError, MemoryError) as error:
        return Failed(job, explained(error), best_of(error))


def answer_to(coder: Coder, job: Job) -> Done | Failed | Exception:
    """What a process that works for another one says of a file: what became of it, or the error
    that the others would have too.
    """
    try:
        return attempt(coder, job)
    except NoCodec as error:
        return error.reason


def by_workers(coder: Coder, jobs: Sequence[Job], count: int) -> Generator[Done | Failed]:
    """What becomes of files, in the order in which they are ready.

    Args:
        coder: that has not worked yet.
        jobs: at least one.
        count: of the processes.

    Raises:
        JndlicError, OSError: the networks cannot be had.
    """
    count = min(count, len(jobs))
    if coder.threads is None:
        coder.threads = max(1, affinity() // count)
    with closing(answers(jobs, count, partial(_ready, coder))) as found:
        for job, answer in found:
            if isinstance(answer, Exception):
                raise answer
            if isinstance(answer, Died):
                yield Failed(
                    job,
                    f"{job.source}: its process died ({answer.exit_code}), perhaps for lack of "
                    "memory",
                )
            else:
                yield answer


def _ready(coder: Coder) -> Callable[[Job], Done | Failed | Exception]:
    reuse_freed_memory()
    return partial(answer_to, coder)
