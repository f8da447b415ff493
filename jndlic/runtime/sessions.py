"""Graphs of a weights file, ready to run: each is set up when it is first wanted.

A session belongs to the process that made it, for its threads do not survive a fork: the child
makes its own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any, cast
from weakref import WeakSet

import numpy as np
import onnxruntime
import onnxruntime.capi.onnxruntime_pybind11_state as failures

from jndlic.errors import WeightsError
from jndlic.memory import reuses_freed_memory
from jndlic.runtime.threads import current_limit, free_processors

_FAILURES = (
    failures.Fail,
    failures.InvalidArgument,
    failures.InvalidGraph,
    failures.InvalidProtobuf,
    failures.NoSuchFile,
    failures.NotImplemented,
    failures.RuntimeException,
)
"""What ONNX Runtime raises; they have no common base."""


_AS_REQUESTED = 1  # kSameAsRequested


class Sessions:
    """The graphs of one weights file.

    Args:
        graphs: ONNX files without weights, by name.
        weights: of all of them, by name; any floating-point type.
    """

    def __init__(self, graphs: Mapping[str, bytes], weights: Mapping[str, np.ndarray]) -> None:
        self._graphs, self._weights = graphs, weights
        self._ready: dict[str, dict[int, onnxruntime.InferenceSession]] = {}
        self._lock = threading.Lock()
        _ALL.add(self)

    def run(self, name: str, *inputs: np.ndarray) -> list[np.ndarray]:
        """The outputs of a graph.

        Args:
            name: of the graph.
            inputs: in the graph's order.

        Raises:
            MemoryError: the system has no more.
            WeightsError: the graph takes inputs of other types.
        """
        session = self._session(name)
        try:
            outputs = session.run(
                None, {entry.name: value for entry, value in zip(session.get_inputs(), inputs)}
            )
        except _FAILURES as error:
            _raise_out_of_memory(error)
            if isinstance(error, failures.InvalidArgument):
                raise WeightsError(
                    f"graph {name!r} takes other inputs: the weights are of another version of "
                    f"jndlic, and tools/trace_graphs.py renews their graphs ({error})"
                ) from error
            raise
        return cast("list[np.ndarray]", outputs)  # dense tensors all

    def _session(self, name: str) -> onnxruntime.InferenceSession:
        """One with as many threads as the caller allows, or fewer where there is one already."""
        limit = current_limit()
        with self._lock:
            ready = self._ready.setdefault(name, {})
            usable = [threads for threads in ready if limit is None or threads <= limit]
            threads = max(usable) if usable else limit or free_processors()
            if not usable:
                ready[threads] = self._made(name, threads)
            return ready[threads]

    def _made(self, name: str, threads: int) -> onnxruntime.InferenceSession:
        graph = self._graphs.get(name)
        if graph is None:
            raise WeightsError(f"the weights file has no graph {name!r}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4  # what goes wrong is raised; nothing else is for our callers
        _share_memory(options)
        # Threads that wait in a loop take the processor from those that work
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        named = [key for key in self._weights if _names(graph, key)]
        values = [
            onnxruntime.OrtValue.ortvalue_from_numpy(
                np.ascontiguousarray(self._weights[key], dtype=np.float32)
            )
            for key in named
        ]
        options.add_external_initializers(named, values)
        try:
            return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except _FAILURES as error:
            _raise_out_of_memory(error)
            raise WeightsError(f"graph {name!r} and its weights do not fit: {error}") from error

    def forget(self) -> None:
        """Drop sessions that another process made."""
        _LOST.append(self._ready)
        self._ready, self._lock = {}, threading.Lock()


def _share_memory(options: onnxruntime.SessionOptions) -> None:
    """Let all graphs take their memory from one place: they run one after the other, and each would
    keep what it needed once. Fresh pages cost as much time as the sums that fill them, so what is
    freed should stay with the process.
    """
    options.enable_mem_pattern = False  # a plan of the memory would be kept beside it, for each
    if reuses_freed_memory():
        options.enable_cpu_mem_arena = False
    elif not _FORKED:  # another thread of the parent may have held the arena's lock
        _make_arena()
        options.add_session_config_entry("session.use_env_allocators", "1")


@cache
def _make_arena() -> None:
    """One for the process, which grows by what is asked for and not by powers of two."""
    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    arena = onnxruntime.OrtArenaCfg({"arena_extend_strategy": _AS_REQUESTED})
    # Another user of the library in this process may have made one; then that one serves
    with suppress(*_FAILURES):
        onnxruntime.create_and_register_allocator(place, arena)


def _raise_out_of_memory(error: Exception) -> None:
    """MemoryError where that is what the library means."""
    # "Failed to allocate memory", "std::bad_alloc", "bad allocation"
    if "alloc" in str(error).lower():
        raise MemoryError(str(error)) from error


def _names(graph: bytes, weight: str) -> bool:
    """Whether a graph holds an initializer of this name: field 8 of a TensorProto, a string."""
    name = weight.encode()
    return bytes((8 << 3 | 2, len(name))) + name in graph


_ALL: WeakSet[Sessions] = WeakSet()

_LOST: list[Any] = []
"""Sessions of the parent process. To destroy one would wait for threads that are not there."""


_FORKED: list[bool] = []
"""Not empty in a forked child."""


def _after_fork() -> None:
    _FORKED.append(True)
    for sessions in list(_ALL):
        sessions.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
