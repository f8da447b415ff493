"""Tasks over several processes, each of which does one after another and keeps what it has loaded.

this process ──► a task ──► worker: gets ready once, then does task after task
             ◄── its answer ◄──┘

Workers are started afresh (spawn): a copy of a process would have its locks, but not its threads.
One that dies costs the task that it had, and is replaced.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import Any, NamedTuple, TypeAlias, TypeVar

Task = TypeVar("Task")
Answer = TypeVar("Answer")

Pipe: TypeAlias = Any
"""One end of a pipe: the standard library has a class for each system."""

_REQUESTS, _BETWEEN = 10, 1.0
"""How often a worker is asked to end before it is killed; seconds between."""


class Died(NamedTuple):
    """In place of an answer: the process ended in the middle of the task."""

    exit_code: int | None
    """As the system gives it; below 0 the number of a signal."""


def answers(
    tasks: Sequence[Task], count: int, ready: Callable[[], Callable[[Task], Answer]]
) -> Generator[tuple[Task, Answer | Died]]:
    """Tasks and what became of them, in the order in which they are done.

    Whoever stops listening (closes the generator) ends the processes, whatever they are doing.

    Args:
        tasks: are begun in their order.
        count: of the processes, from 1 on.
        ready: is called once in each process, and gives what does a task there. It must be such as
            can be pickled, and so must tasks and answers; what does a task raises nothing.
    """
    waiting, busy = deque(tasks), dict[Pipe, tuple[SpawnProcess, Task]]()

    def start() -> None:
        here, there = get_context("spawn").Pipe()
        process = get_context("spawn").Process(target=_serve, args=(there, ready), daemon=True)
        with _no_interrupt():
            process.start()
        there.close()  # or the end of the worker would not end the pipe
        give(here, process)

    def give(pipe: Pipe, process: SpawnProcess) -> None:
        task = waiting.popleft()
        busy[pipe] = process, task
        try:
            pipe.send(task)
        except OSError:  # it died between two tasks: reading tells
            pass

    try:
        for _ in range(min(count, len(tasks))):
            start()
        while busy:
            pipes: list[Pipe] = wait(list(busy))
            for pipe in pipes:
                process, task = busy.pop(pipe)
                try:
                    answer = pipe.recv()
                except (EOFError, OSError):
                    process.join()
                    answer = Died(process.exitcode)
                    pipe.close()
                    if waiting:
                        start()
                else:
                    if waiting:
                        give(pipe, process)
                    else:
                        pipe.close()
                yield task, answer
    finally:
        for pipe, (process, _) in busy.items():
            pipe.close()
            _end(process)


def _end(process: SpawnProcess) -> None:
    """Ends a worker, whatever it does. One request may be lost: where Python ignores exceptions (as
    in callbacks of its own), it ignores the one of the signal's handler too.
    """
    for _ in range(_REQUESTS):
        process.terminate()
        process.join(_BETWEEN)
        if process.exitcode is not None:
            return
    process.kill()
    process.join()


def _serve(pipe: Pipe, ready: Callable[[], Callable[[Any], Any]]) -> None:
    """A worker: tasks from the pipe, answers into it, until it is closed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that temporary files are removed
    try:
        work = ready()
        while True:
            pipe.send(work(pipe.recv()))
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
