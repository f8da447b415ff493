"""One codec in many threads, and in processes of every kind."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import jndlic
from jndlic.runtime.backend import Backend
from jndlic.runtime.load import load_codec

PIXELS = np.random.default_rng(2).integers(0, 256, (64, 96, 3), dtype=np.uint8)
PIXELS[:32] //= 8


def work(backend: str) -> bytes:
    """What a child does: two threads are asked for, so that one that is missing shows."""
    codec = load_codec(backend=backend)
    data = jndlic.encode(PIXELS, 50, codec=codec, threads=2)
    jndlic.decode(data, codec=codec, threads=2)
    return data


@pytest.mark.parametrize("backend", ["onnx", "torch"])
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_a_process_that_has_worked(method: str, backend: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    expected = work(backend)
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        assert pool.submit(work, backend).result(timeout=200) == expected
    assert work(backend) == expected


def test_a_child_of_a_child() -> None:
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("no fork here")
    expected = work("onnx")
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        assert pool.submit(_nested).result(timeout=200) == expected


def _nested() -> bytes:
    work("onnx")
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        return pool.submit(work, "onnx").result(timeout=100)


def test_eight_threads(codec: Backend) -> None:
    expected = jndlic.encode(PIXELS, 50, codec=codec)
    with ThreadPoolExecutor(8) as pool:
        files = list(pool.map(lambda _: jndlic.encode(PIXELS, 50, codec=codec), range(16)))
        assert set(files) == {expected}
        pictures = list(
            pool.map(lambda _: jndlic.decode(expected, codec=codec).tobytes(), range(16))
        )
        assert len(set(pictures)) == 1


def test_threads_of_a_call_may_differ(codec: Backend) -> None:
    pictures = [
        np.asarray(
            jndlic.decode(jndlic.encode(PIXELS, 50, codec=codec, threads=n), codec=codec, threads=n)
        )
        for n in (1, 2, 4, 1)
    ]
    assert all(np.abs(picture.astype(int) - pictures[0]).max() <= 1 for picture in pictures)
