"""How far one long job is."""

from __future__ import annotations

import numpy as np
import pytest
from toy_codec import ToyCodec

from jndlic import console
from jndlic.console import share_line
from jndlic.format.container import unpack
from jndlic.images.picture import from_array
from jndlic.pipeline import decode_container, encode_picture


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time at a terminal, in a list of one."""
    now = [100.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(console, "_at_terminal", lambda: True)
    return now


def test_nothing_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "_at_terminal", lambda: False)
    assert share_line() is None


def test_a_short_job_says_nothing(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    assert share_line(shown=False) is None
    tell = share_line()
    for share in (0.1, 0.5, 0.9, 1.0):
        clock[0] += 0.2
        tell(share)
    assert capsys.readouterr().err == ""


def test_a_long_job(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    tell = share_line()
    clock[0] += 10
    tell(0.25)
    assert capsys.readouterr().err.startswith("\r 25%, 0:30 left")
    clock[0] += 0.01
    tell(0.26)
    assert capsys.readouterr().err == ""  # not at every step
    clock[0] += 130
    tell(0.5)
    assert " 50%, 2:20 left" in capsys.readouterr().err
    tell(1.0)
    assert capsys.readouterr().err == "\r\033[K"
    clock[0] += 1
    tell(0.0)  # another part of the work
    clock[0] += 5
    tell(0.5)
    assert " 50%, 0:05 left" in capsys.readouterr().err


def test_what_coding_tells(toy: ToyCodec) -> None:
    shares: list[float] = []
    picture = from_array(np.zeros((1100, 2100, 3), np.uint8))
    data = encode_picture(picture, 30, toy, progress=shares.append)
    assert shares == [number / 6 for number in range(1, 7)]
    assert data == encode_picture(picture, 30, toy)
    shares.clear()
    decode_container(unpack(data), toy, shares.append)
    assert shares == sorted(shares) and len(shares) == 6 and shares[-1] == 1.0
