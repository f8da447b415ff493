"""Tasks over several processes, each task in its own right: one that fails, or takes its process
down, costs only itself.
"""

from __future__ import annotations

import multiprocessing
import queue
import signal
import threading
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection

from jndlic.bench.run.measure import Measurer, Row, Setup, Task
from jndlic.errors import JndlicError

# A fork would share torch's threads, which do not survive it
_CONTEXT = multiprocessing.get_context("spawn")


class WorkerDied(JndlicError):
    """A process ended in the middle of a task."""


class Worker:
    """A process that measures what it is given.

    Args:
        setup: of all tasks.
    """

    def __init__(self, setup: Setup) -> None:
        self._connection, inner = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_serve, args=(inner, setup), daemon=True)
        self._process.start()
        inner.close()  # so that its end is noticed here

    def measure(self, task: Task) -> Row:
        """The row of a task.

        Raises:
            WorkerDied: the process is gone; this object is of no more use.
        """
        try:
            self._connection.send(task)
            return self._connection.recv()
        except (EOFError, OSError):
            self._process.join()
            raise WorkerDied(f"the process ended with exit code {self._process.exitcode}") from None

    def close(self) -> None:
        """Ends the process, whatever it is doing."""
        self._connection.close()
        self._process.terminate()
        self._process.join()


def measure_all(tasks: Sequence[Task], setup: Setup, jobs: int) -> Iterator[Row]:
    """The rows of all tasks, as they get ready.

    Args:
        tasks: are begun in their order.
        setup: of all of them.
        jobs: processes at work at a time.
    """
    pending, lock = iter(tasks), threading.Lock()
    done: queue.SimpleQueue[Row | BaseException | None] = queue.SimpleQueue()
    workers: list[Worker | None] = [None] * jobs
    stopped = threading.Event()

    def drive(number: int) -> None:
        try:
            while not stopped.is_set():
                with lock:
                    task = next(pending, None)
                if task is None:
                    break
                worker = workers[number] = workers[number] or Worker(setup)
                try:
                    done.put(worker.measure(task))
                except WorkerDied as error:
                    workers[number] = None
                    done.put(task.failed(str(error)))
        except BaseException as error:
            done.put(error)
        done.put(None)

    threads = [
        threading.Thread(target=drive, args=(number,), daemon=True) for number in range(jobs)
    ]
    for thread in threads:
        thread.start()
    try:
        running = jobs
        while running:
            outcome = done.get()
            if isinstance(outcome, BaseException):
                raise outcome
            if outcome is None:
                running -= 1
            else:
                yield outcome
    finally:
        stopped.set()
        for worker in workers:
            if worker is not None:
                worker.close()


def _serve(connection: Connection, setup: Setup) -> None:
    """Life of a worker."""
    # The first process decides what an interruption means
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import torch

    torch.set_num_threads(setup.threads)
    measurer: Measurer | None = None
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        try:
            measurer = measurer or Measurer(setup)
            row = measurer.measure(task)
        except JndlicError as error:
            row = task.failed(str(error))
        except Exception as error:
            row = task.failed(f"{type(error).__name__}: {error}")
        connection.send(row)
