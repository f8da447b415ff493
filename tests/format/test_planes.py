"""Planes of bytes without loss: there and back, every method, hostile payloads."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from jndlic.errors import FormatError
from jndlic.format.planes import decode_plane, encode_plane


def deflated(data: bytes) -> bytes:
    """Deflate without a frame."""
    return zlib.compress(data, 9)[2:-4]


def some_planes() -> list[np.ndarray]:
    random = np.random.default_rng(3)
    ramp = np.add.outer(np.arange(50), np.arange(70)).astype(np.uint8)
    disc = np.hypot(*np.mgrid[-30:30, -40:40]) < 25
    return [
        np.array([[7]], dtype=np.uint8),
        np.full((9, 5), 255, dtype=np.uint8),
        ramp,
        np.where(disc, 255, 0).astype(np.uint8),
        random.integers(0, 256, (33, 1), dtype=np.uint8),
        random.integers(0, 256, (1, 41), dtype=np.uint8),
        random.integers(0, 256, (40, 30), dtype=np.uint8),
    ]


@pytest.mark.parametrize(
    "plane", some_planes(), ids=lambda plane: f"{plane.shape[0]}x{plane.shape[1]}"
)
def test_there_and_back(plane: np.ndarray) -> None:
    data = encode_plane(plane)
    assert len(data) <= plane.size + 20
    np.testing.assert_array_equal(decode_plane(data, *plane.shape, "alpha"), plane)
    if data[0]:
        for damaged in (data[:-1], data + b"\0", data[:1], b"\x09" + data[1:]):
            with pytest.raises(FormatError):
                decode_plane(damaged, *plane.shape, "alpha")
        with pytest.raises(FormatError):
            decode_plane(data, plane.shape[0] + 1, plane.shape[1], "alpha")
        if plane.shape[0] > 1:
            with pytest.raises(FormatError):
                decode_plane(data, plane.shape[0] - 1, plane.shape[1], "alpha")


@pytest.mark.parametrize("method", [1, 2, 3, 4])
def test_methods_are_those_of_the_specification(method: int) -> None:
    random = np.random.default_rng(method)
    residual = random.integers(0, 256, (6, 7), dtype=np.uint8)
    expected = np.zeros((7, 8), dtype=int)  # a border of zeros above and to the left
    for r in range(1, 7):
        for c in range(1, 8):
            left, up, corner = expected[r, c - 1], expected[r - 1, c], expected[r - 1, c - 1]
            prediction = {1: 0, 2: left, 3: up, 4: left + up - corner}[method]
            expected[r, c] = (residual[r - 1, c - 1] + prediction) % 256
    payload = bytes([method]) + deflated(residual.tobytes())
    np.testing.assert_array_equal(decode_plane(payload, 6, 7, "alpha"), expected[1:, 1:])


def test_hostile_planes() -> None:
    bomb = b"\x01" + deflated(bytes(10**7))
    with pytest.raises(FormatError):
        decode_plane(bomb, 100, 100, "alpha")  # inflates to more than the plane
    with pytest.raises(FormatError, match="too short"):
        decode_plane(bomb[:50], 2**14, 2**14, "alpha")  # claims more than deflate can hold
    with pytest.raises(FormatError):
        decode_plane(b"", 1, 1, "alpha")
