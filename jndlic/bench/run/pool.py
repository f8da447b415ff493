"""Tasks over several processes (jndlic/processes.py), each task in its own right: one that fails,
or takes its process down, costs only itself.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import partial

from jndlic.bench.run.measure import Measurer, Row, Setup, Task
from jndlic.errors import JndlicError
from jndlic.processes import Died, answers


def measure_all(tasks: Sequence[Task], setup: Setup, jobs: int) -> Generator[Row]:
    """The rows of all tasks, as they get ready.

    Args:
        tasks: are begun in their order.
        setup: of all of them.
        jobs: processes at work at a time.
    """
    with closing(answers(tasks, jobs, partial(_ready, setup))) as found:
        for task, answer in found:
            if isinstance(answer, Died):
                answer = task.failed(f"the process ended with exit code {answer.exit_code}")
            yield answer


def _ready(setup: Setup) -> Callable[[Task], Row]:
    import torch

    torch.set_num_threads(setup.threads)
    measurer: Measurer | None = None

    def row(task: Task) -> Row:
        nonlocal measurer
        try:
            measurer = measurer or Measurer(setup)
            return measurer.measure(task)
        except JndlicError as error:
            return task.failed(str(error))
        except Exception as error:
            return task.failed(f"{type(error).__name__}: {error}")

    return row
