"""One file or many: in turn, by several processes or by a cluster, and what is said of them."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Generator, Sequence
from contextlib import closing

from jndlic.cli.cluster import by_cluster, check_device, cluster_address
from jndlic.cli.common import (
    Coder,
    Done,
    Failed,
    NoCodec,
    add_strict_option,
    best_of,
    positive,
    tell_losses,
)
from jndlic.cli.jobs import Job
from jndlic.cli.streams import STANDARD, is_stream
from jndlic.cli.workers import attempt, by_workers
from jndlic.console import BAD_INPUT, GOOD, emit, explained, note, progress, say
from jndlic.errors import ParameterError


def add_options(parser: argparse.ArgumentParser) -> None:
    """How many at once, and what is said."""
    add = parser.add_argument
    add("-j", "--jobs", type=positive, metavar="N", help="files at once (default: 1)")
    add(
        "--ray",
        type=cluster_address,
        metavar="ADDRESS",
        help="work on a Ray cluster (auto, HOST:PORT or ray://HOST:PORT) whose nodes see the same "
        "files by the same names; each file gets --threads of its CPUs (default: 1); without -j "
        "as many at once as fit",
    )
    add_strict_option(parser)
    add("--json", action="store_true", help="a line for each file, for programs")
    add("-v", "--verbose", action="store_true", help="of many files, a line for each")
    add("--quiet", action="store_true", help="print nothing but errors")


def run(coder: Coder, jobs: Sequence[Job], alone: bool, arguments: argparse.Namespace) -> int:
    """Makes the files.

    Args:
        coder: what is done to each.
        jobs: at least one.
        alone: whether there is but one, whose error is the command's; not so on a cluster.
        arguments: of `add_options` and of `jobs.add_options`.

    Returns:
        The exit code.

    Raises:
        JndlicError, OSError: the only file failed, or the networks cannot be had.
    """
    if arguments.ray is not None:
        if alone and (is_stream(jobs[0].source) or is_stream(jobs[0].target)):
            raise ParameterError("--ray: other machines see files, no standard input or output")
        check_device(arguments.device)
        alone = False
    voice = _Voice(arguments, alone, jobs[0].target == STANDARD)
    skipped = [job for job in jobs if arguments.skip_existing and _is_there(job.target)]
    for job in skipped:
        voice.skipped(job)
    left = set(skipped)
    jobs = [job for job in jobs if job not in left]
    coder.telling = alone and not arguments.quiet
    try:
        if not alone:
            return _run_many(coder, jobs, len(skipped), voice, arguments)
        for job in jobs:
            try:
                voice.done(coder(job))
            except (NoCodec, Exception) as error:
                voice.failed_alone(job, error)
                raise
    except NoCodec as error:
        raise error.reason from None
    return GOOD


def _run_many(
    coder: Coder, jobs: Sequence[Job], skipped: int, voice: _Voice, arguments: argparse.Namespace
) -> int:
    start, failures = time.perf_counter(), 0
    sizes = [0, 0]
    shown = not (arguments.quiet or arguments.json or arguments.verbose)
    with closing(_outcomes(coder, jobs, arguments)) as outcomes:
        for outcome in progress(outcomes, total=len(jobs), shown=shown):
            if isinstance(outcome, Failed):
                failures += 1
                voice.failed(outcome)
            else:
                sizes[0] += outcome.input_bytes
                sizes[1] += outcome.bytes
                voice.done(outcome)
    voice.sum_up(len(jobs) - failures, failures, skipped, sizes, time.perf_counter() - start)
    return BAD_INPUT if failures else GOOD


def _outcomes(
    coder: Coder, jobs: Sequence[Job], arguments: argparse.Namespace
) -> Generator[Done | Failed]:
    count: int | None = arguments.jobs
    if jobs and arguments.ray is not None:
        yield from by_cluster(coder, jobs, count, arguments.ray, arguments.quiet)
    elif jobs and (count or 1) > 1:
        yield from by_workers(coder, jobs, count or 1)
    else:
        for job in jobs:
            yield attempt(coder, job)


def _is_there(target: str) -> bool:
    return os.path.exists(target) and not is_stream(target)


class _Voice:
    """What is said: lines for people or for programs on standard output, warnings and errors on
    standard error.
    """

    def __init__(self, arguments: argparse.Namespace, alone: bool, to_stdout: bool) -> None:
        if to_stdout and arguments.json:
            raise ParameterError("--json: standard output holds the file already")
        self._json: bool = arguments.json
        self._quiet: bool = arguments.quiet
        self._each: bool = alone or arguments.verbose
        self._to_stdout = to_stdout

    def done(self, outcome: Done) -> None:
        """A file is complete."""
        job, said, losses = outcome.job, outcome.said, outcome.losses
        tell_losses(job.source, losses, self._quiet)
        if self._json:
            facts = outcome._asdict()
            del facts["job"], facts["said"], facts["losses"], facts["facts"]
            _print_json(job, "done", {**facts, **outcome.facts, "warnings": list(losses)})
        elif self._each:
            self._say(said)

    def skipped(self, job: Job) -> None:
        """A file is there already."""
        if self._json:
            _print_json(job, "skipped", {})
        elif self._each:
            self._say(f"{job.target}: exists already, skipped")

    def failed(self, outcome: Failed) -> None:
        """One of many files failed."""
        note(f"jndlic: {outcome.reason}")
        if self._json:
            _print_json(outcome.job, "failed", {"error": outcome.reason, **outcome.facts})

    def failed_alone(self, job: Job, error: Exception) -> None:
        """The only file failed; the command says so itself."""
        if self._json:
            reason = error.reason if isinstance(error, NoCodec) else error
            _print_json(job, "failed", {"error": explained(reason), **best_of(reason)})

    def sum_up(
        self, done: int, failed: int, skipped: int, sizes: Sequence[int], seconds: float
    ) -> None:
        """All files were tried; `sizes` are those of the inputs and outputs, in bytes."""
        parts = [f"{done} {'file' if done == 1 else 'files'}"]
        if done:
            parts.append(f"{sizes[0]} to {sizes[1]} bytes")
        if skipped:
            parts.append(f"{skipped} there already")
        if failed:
            parts.append(f"{failed} failed")
        if not self._json:
            self._say(", ".join([*parts, f"{seconds:.1f} s"]))
        if failed:
            note(f"jndlic: {failed} of {done + failed} files failed")

    def _say(self, text: str) -> None:
        if not self._quiet:
            say(text, to_stderr=self._to_stdout)


def _print_json(job: Job, status: str, facts: dict[str, object]) -> None:
    line = {"source": job.source, "target": job.target, "status": status, **facts}
    emit(json.dumps(line))
