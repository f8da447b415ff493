"""Standard input and output, pipes, full disks and Ctrl-C: the command as a process of its own."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from places import ROOT

import jndlic
from jndlic import __main__ as program
from jndlic.cli import main as cli_main

PROGRAM = [sys.executable, "-m", "jndlic"]
FULL = Path("/dev/full")


def command(*words: object, **settings) -> subprocess.CompletedProcess[bytes]:
    """The command with the shipped weights, run in the folder `cwd`."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*PROGRAM, *map(str, words)],
        env=environment,
        timeout=300,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **settings},
    )


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows, columns = np.mgrid[0:40, 0:60]
    path = tmp_path_factory.mktemp("streams") / "photo.png"
    Image.fromarray(np.dstack([rows * 3, columns * 2, rows + columns]).astype(np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def packed(photo: Path) -> Path:
    path = photo.with_suffix(".jlic")
    path.write_bytes(jndlic.encode(photo))
    return path


def closed_pipe() -> int:
    """The end for writing of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.parametrize("target", ["-", "/dev/stdout"])
def test_from_standard_input_to_standard_output(target: str, photo: Path, packed: Path) -> None:
    done = command("encode", "-", target, input=photo.read_bytes())
    assert done.returncode == 0 and done.stdout == packed.read_bytes()
    assert b"standard output" in done.stderr
    done = command("decode", "-", "--format", "ppm", input=packed.read_bytes())
    assert done.returncode == 0
    with Image.open(io.BytesIO(done.stdout)) as image:
        assert (image.format, image.size) == ("PPM", (60, 40))


def test_a_pipe_by_name(photo: Path, packed: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        assert command("encode", photo, pipe, "--quiet").returncode == 0
        assert reader.communicate()[0] == packed.read_bytes()


def test_info_of_standard_input(packed: Path) -> None:
    done = command("info", "-", input=packed.read_bytes())
    assert done.returncode == 0 and done.stdout.startswith(b"standard input: .jlic")
    done = command("info", "-", input=b"")
    assert done.returncode == 1 and done.stderr.startswith(b"jndlic: standard input: ")


@pytest.mark.parametrize("words", [["info", "PACKED"], ["decode", "PACKED", "-"]])
def test_a_closed_pipe_ends_the_command_quietly(words: list[str], packed: Path) -> None:
    pipe = closed_pipe()
    done = command(*[packed if word == "PACKED" else word for word in words], stdout=pipe)
    os.close(pipe)
    assert done.returncode == 128 + signal.SIGPIPE
    assert done.stderr == b""


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_a_full_standard_output(photo: Path, packed: Path, tmp_path: Path) -> None:
    """Fails what is written there, but not a file that is complete elsewhere."""
    with open(FULL, "wb") as full:
        done = command("encode", photo, tmp_path / "a.jlic", stdout=full)
        assert done.returncode == 0 and done.stderr == b""
        assert (tmp_path / "a.jlic").read_bytes() == packed.read_bytes()
        for words in (["info", packed], ["encode", photo, "-"]):
            done = command(*words, stdout=full)
            assert done.returncode == 1
            assert done.stderr == b"jndlic: standard output: No space left on device\n"


@pytest.mark.parametrize("delay", [0.05, 0.1, 0.2, 0.4, 0.8])
def test_an_early_interruption_leaves_no_traceback(delay: float, tmp_path: Path) -> None:
    """While the modules are loaded; the interpreter itself, before them, is not ours."""
    process = subprocess.Popen(
        [*PROGRAM, "encode", "-", tmp_path / "a.jlic"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=60)[1]
    assert b"__main__.py" not in errors
    assert not os.listdir(tmp_path)


def test_an_interruption_that_a_library_makes_an_import_error_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken() -> int:
        raise ImportError("no such library")

    def interrupted() -> int:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            return broken()
        return 0

    # A shell that starts the tests in its background lets them ignore the signal
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        monkeypatch.setattr(cli_main, "main", interrupted)
        assert program.main() == 130
        signal.signal(signal.SIGINT, signal.default_int_handler)
        monkeypatch.setattr(cli_main, "main", broken)
        with pytest.raises(ImportError, match="no such library"):
            program.main()
    finally:
        signal.signal(signal.SIGINT, before)
