"""Files treated by a Ray cluster, whose nodes see the same files as this machine.

this process ──► a job ──► a process of a node: the same as a local worker's
             ◄── what became of it, or that its process or its node died: then it is tried again

Nodes read and write the files themselves: what goes through this process are names and figures. So
it keeps up with any number of nodes, and a node without the storage is found out at its first file.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import pickle
import platform
import socket
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile, gettempdir
from typing import Any, NamedTuple, TypeAlias

from jndlic import __version__
from jndlic.cli.common import Coder, Done, Failed
from jndlic.cli.jobs import Job
from jndlic.cli.sudden_end import spoken_for
from jndlic.cli.workers import answer_to
from jndlic.console import note
from jndlic.errors import ClusterError, ParameterError
from jndlic.memory import reuse_freed_memory
from jndlic.shipped_weights import PREDICTORS, SUFFIX, shipped_folder

Ray: TypeAlias = Any
"""The library's module."""
Reference: TypeAlias = Any
"""What Ray gives for an answer that will come."""

TRIES = 3
"""Of a file whose process dies: it may have been the file's fault, or that of its neighbours."""
_LOGGERS = ("ray", "ray.util.client.logsclient")
_PATIENCE = 5.0
"""Seconds in which a cluster must let itself be spoken to, and end what is interrupted."""


class _Orders(NamedTuple):
    """What a process of a node must know before its first file."""

    coder: Coder
    folder: str
    """That names are relative to."""
    visible: Sequence[str]
    """Files that are there if the storage is the same."""
    weights: str
    """See `weights_digest`."""
    environment: Mapping[str, str]
    """Variables that options default to."""


class _Try(NamedTuple):
    """A file that a node has."""

    job: Job
    number: int
    """Of the try, from 1 on."""
    new: bool
    """Whether there was no such target before the first one."""


def cluster_address(text: str) -> str:
    """The value of `--ray`, for argparse."""
    if not text.strip():
        raise argparse.ArgumentTypeError("must be auto, HOST:PORT or ray://HOST:PORT, got nothing")
    return text


def check_device(device: str) -> None:
    """Refuses a device by its number: Ray gives each file a GPU, which is the only one there.

    Raises:
        ParameterError: it has a number.
    """
    kind, colon, _ = device.partition(":")
    if colon:
        raise ParameterError(
            f"--device {device}: on a cluster Ray chooses which one each file gets; say {kind}"
        )


def by_cluster(
    coder: Coder, jobs: Sequence[Job], count: int | None, address: str, quiet: bool = False
) -> Generator[Done | Failed]:
    """What becomes of files, in the order in which they are ready.

    Args:
        coder: that has not worked yet.
        jobs: at least one.
        count: files at once, as long as the cluster has so many CPUs; None for as many.
        address: of the cluster, as Ray takes it.
        quiet: whether nothing but errors is said.

    Raises:
        ClusterError: the cluster cannot be reached, or no longer; a node has another jndlic, other
            weights or other files.
        JndlicError, OSError: the networks cannot be had.
        ModuleNotFoundError: Ray is not installed.
    """
    ray = import_ray()
    coder.threads = coder.threads or 1
    lost = f"--ray {address}: the connection to the cluster was lost; what was finished is kept"
    with ExitStack() as stack:
        stack.enter_context(_connected(ray, address))
        visible = stack.enter_context(_visible(jobs[0]))
        orders = _Orders(
            coder,
            os.getcwd(),
            visible,
            weights_digest(coder.weights),
            {name: value for name, value in os.environ.items() if name.startswith("JNDLIC_")},
        )
        # Ray ends a process of a node of the cluster that is cut off from it; a client hears of it
        markers = [name for name in visible if name != jobs[0].source]
        stack.enter_context(spoken_for(f"jndlic: {lost}", markers))
        answers = _answers(ray, orders, jobs, count, quiet)
        stack.callback(answers.close)
        while True:
            try:
                answer = next(answers, None)
            except (ray.exceptions.RayError, OSError, RuntimeError) as error:
                reason = " ".join(str(error).split())
                raise ClusterError(f"{lost} ({type(error).__name__}: {reason})") from error
            if answer is None:
                return
            if isinstance(answer, Exception):
                raise answer
            yield answer


def _answers(
    ray: Ray, orders: _Orders, jobs: Sequence[Job], count: int | None, quiet: bool
) -> Generator[Done | Failed | Exception]:
    """What becomes of files, or why nothing will become of any.

    Raises:
        Exception: of Ray's, where the cluster cannot be spoken to any more.
    """
    coder = orders.coder
    needs = {"CPU": coder.threads or 1, "GPU": 0 if coder.device == "cpu" else 1}
    waiting, busy = deque(_Try(job, 0, False) for job in jobs), dict[Reference, _Try]()
    packed = ray.put(pickle.dumps(orders))
    # Tries are counted here: Ray's own would not know that a target may be there already
    demands = ray.remote(num_cpus=needs["CPU"], num_gpus=needs["GPU"], max_retries=0)
    work = demands(node_work())
    try:
        room = _room(ray, needs, quiet)
        count = count or room
        while waiting or busy:
            while waiting and len(busy) < count:
                job, number, new = waiting.popleft()
                new = new if number else not os.path.exists(job.target)
                busy[work.remote(__version__, packed, pickle.dumps(job))] = _Try(
                    job, number + 1, new
                )
            for reference in ray.wait(list(busy))[0]:
                one = busy.pop(reference)
                answer = _answer(ray, reference, one)
                if isinstance(answer, _Try):
                    waiting.append(answer)
                else:
                    yield answer
    finally:
        _end(ray, busy)


def import_ray() -> Ray:
    """The library, told to neither print what happens in the cluster (to standard output, of all
    places) nor to send statistics, and not to look for another cluster when one is lost.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.update({"RAY_DEDUP_LOGS": "1", "RAY_DEDUP_LOGS_SKIP_REGEX": "."})
    os.environ["RAY_ENABLE_AUTO_CONNECT"] = "0"
    import ray

    return ray


def weights_digest(named: str | None) -> str:
    """SHA-256 of all weights that come with jndlic, and of those that an option names.

    Args:
        named: file of the codec's weights, or None.
    """
    folder, digest = shipped_folder(), hashlib.sha256()
    files = [*folder.glob("*" + SUFFIX), *(folder / PREDICTORS).glob("*" + SUFFIX)]
    for file in [*sorted(map(str, files)), *([named] if named else [])]:
        with suppress(FileNotFoundError), open(file, "rb") as stream:
            digest.update(hashlib.sha256(stream.read()).digest())
    return digest.hexdigest()


def node_work() -> Callable[[str, bytes, bytes], Done | Failed | Exception | str]:
    """What a node does. It travels as code, since it is within a function, so that it can say that
    there is no jndlic where it arrives, or another one: in words, since our exceptions may be none
    there.
    """

    def work(version: str, orders: bytes, job: bytes) -> Done | Failed | Exception | str:
        import platform

        try:
            import jndlic

            if jndlic.__version__ != version:
                return f"{platform.node()}: jndlic {jndlic.__version__} there, {version} here"
            from jndlic.cli.cluster import serve
        except ImportError as error:
            return f"{platform.node()}: no jndlic {version} there ({error})"
        return serve(orders, job)

    return work


def serve(orders: bytes, job: bytes) -> Done | Failed | Exception:
    """A file, in a process of a node."""
    try:
        coder = _ready(orders)
    except (ClusterError, OSError) as error:
        return error
    return answer_to(coder, pickle.loads(job))


@lru_cache(maxsize=1)
def _ready(packed: bytes) -> Coder:
    """What this process works with, file after file.

    Raises:
        ClusterError: it would not do the same as the machine that the orders came from.
    """
    orders: _Orders = pickle.loads(packed)
    with suppress(OSError):  # with full names it need not be there
        os.chdir(orders.folder)
    for name in orders.visible:
        if not os.path.exists(name):
            raise ClusterError(
                f"{platform.node()}: {name} is not there; all nodes must see the same files"
            )
    if weights_digest(orders.coder.weights) != orders.weights:
        raise ClusterError(f"{platform.node()}: other weights there than here")
    os.environ.update(orders.environment)
    reuse_freed_memory()
    return orders.coder


def _answer(ray: Ray, reference: Reference, one: _Try) -> Done | Failed | Exception | _Try:
    """What became of a file, why nothing will become of any, or that it shall be tried again."""
    try:
        answer: Done | Failed | Exception | str = ray.get(reference)
    except ray.exceptions.RayTaskError as error:  # a fault of ours, in this file alone
        return Failed(one.job, f"{one.job.source}: {str(error).strip().splitlines()[-1]}")
    except ray.exceptions.RayError as error:
        if one.number < TRIES:
            return one._replace(job=one.job._replace(again=one.new))
        last = str(error).splitlines()[0].split(". ")[0]
        died = f"its process died {TRIES} times, perhaps for lack of memory"
        return Failed(one.job, f"{one.job.source}: {died} ({last})")
    return ClusterError(answer) if isinstance(answer, str) else answer


@contextmanager
def _connected(ray: Ray, address: str) -> Generator[None]:
    """With a cluster.

    Raises:
        ClusterError: there is none that can be spoken to.
    """
    place = _started_here() if address == "auto" else address
    host, _, port = place.rpartition("/")[2].rpartition(":")
    try:
        if port.isdecimal():  # Ray itself would try for minutes
            socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()
        ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL)
        for name in _LOGGERS:  # a client heeds no level of ray.init
            logging.getLogger(name).setLevel(logging.CRITICAL)
    except Exception as error:  # of several kinds
        raise ClusterError(f"--ray {address}: {' '.join(str(error).split())}") from error
    try:
        yield
    finally:
        with suppress(Exception):  # of one that is no longer there
            ray.shutdown()


def _started_here() -> str:
    """What `auto` stands for, where it can be told: the cluster that the environment names, or that
    was started on this machine last. It may be there no longer.
    """
    folder = Path(os.environ.get("RAY_TMPDIR") or gettempdir(), "ray")
    with suppress(OSError):
        return os.environ.get("RAY_ADDRESS") or (folder / "ray_current_cluster").read_text().strip()
    return ""


@contextmanager
def _visible(job: Job) -> Generator[Sequence[str]]:
    """Files that are there for all who see the same files: an input, and one among the outputs."""
    names = [job.source] if os.path.isfile(job.source) else []
    folder = os.path.dirname(job.target) or "."
    with ExitStack() as stack:
        with suppress(OSError):  # which costs the files there, when their turn comes
            if job.into_folder:
                os.makedirs(folder, exist_ok=True)
            marker = stack.enter_context(NamedTemporaryFile(prefix=".jndlic-", dir=folder))
            names.append(os.path.join(folder, os.path.basename(marker.name)))
        yield names


def _room(ray: Ray, needs: Mapping[str, int], quiet: bool) -> int:
    """How many files the cluster can treat at once, at least 1; says so where it has to grow, but
    not if it shall be quiet.
    """
    room = 0
    for node in ray.nodes():
        if node["Alive"]:
            room += min(
                int(node["Resources"].get(kind, 0)) // number
                for kind, number in needs.items()
                if number
            )
    if not (room or quiet):
        wanted = ", ".join(f"{number} {kind}" for kind, number in needs.items() if number)
        note(f"jndlic: no node of the cluster has {wanted} now; waiting for one")
    return max(1, room)


def _end(ray: Ray, busy: Mapping[Reference, _Try]) -> None:
    """Stops what is left, as Ctrl-C would, so that temporary files are removed."""
    with suppress(Exception):  # of a cluster that is no longer there
        for reference in busy:
            ray.cancel(reference)
        if busy:
            ray.wait(list(busy), num_returns=len(busy), timeout=_PATIENCE)
