"""Files treated by several processes at once.

this process ──► a job ──► worker: loads the networks once, makes file after file
             ◄── what became of it ◄──┘

Workers are started afresh (spawn): a copy of a process would have its locks, but not its threads.
One that dies costs the file that it had, and is replaced.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import Any, TypeAlias

from jndlic.cli.common import Coder, Done, Failed, NoCodec, best_of
from jndlic.cli.jobs import Job
from jndlic.console import explained
from jndlic.errors import JndlicError
from jndlic.memory import reuse_freed_memory
from jndlic.runtime.threads import affinity

Pipe: TypeAlias = Any
"""One end of a pipe: the standard library has a class for each system."""


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
    waiting, busy = deque(jobs), dict[Pipe, tuple[SpawnProcess, Job]]()

    def start() -> None:
        here, there = get_context("spawn").Pipe()
        process = get_context("spawn").Process(target=_serve, args=(there, coder), daemon=True)
        with _no_interrupt():
            process.start()
        there.close()  # or the end of the worker would not end the pipe
        give(here, process)

    def give(pipe: Pipe, process: SpawnProcess) -> None:
        job = waiting.popleft()
        busy[pipe] = process, job
        try:
            pipe.send(job)
        except OSError:  # it died between two files: reading finds out
            pass

    try:
        for _ in range(count):
            start()
        while busy:
            ready: list[Pipe] = wait(list(busy))
            for pipe in ready:
                process, job = busy.pop(pipe)
                try:
                    answer = pipe.recv()
                except (EOFError, OSError):
                    process.join()
                    answer = Failed(
                        job,
                        f"{job.source}: its process died ({process.exitcode}), perhaps for lack of "
                        "memory",
                    )
                    pipe.close()
                    if waiting:
                        start()
                else:
                    if isinstance(answer, Exception):
                        raise answer
                    if waiting:
                        give(pipe, process)
                    else:
                        pipe.close()
                yield answer
    finally:
        for pipe, (process, _) in busy.items():
            process.terminate()
            pipe.close()
            process.join()


def _serve(pipe: Pipe, coder: Coder) -> None:
    """A worker: jobs from the pipe, outcomes into it, until it is closed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that temporary files are removed
    reuse_freed_memory()
    try:
        while True:
            answer = answer_to(coder, pipe.recv())
            pipe.send(answer)
            if isinstance(answer, Exception):
                return
    except (EOFError, BrokenPipeError):
        return
    finally:
        # What ends this process when it has nothing left to do need not be told
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def _no_interrupt() -> Generator[None]:
    """Processes started herein do not hear Ctrl-C: whoever started them ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
