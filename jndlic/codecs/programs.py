"""Codecs that are programs: BPG, and any other by a description of its command lines."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from jndlic.errors import CodecError, ParameterError

TIMEOUT = 3600.0
"""Seconds that a program may take for one picture."""

KEYS = frozenset({"name", "encode", "decode", "version", "levels", "suffix", "picture"})


def find_program(name: str) -> str:
    """Full path of a program on PATH.

    Raises:
        CodecError: it is not there.
    """
    found = shutil.which(name)
    if found is None:
        raise CodecError(f"the program {name} is not on PATH")
    return found


def run_program(command: Sequence[str]) -> str:
    """Runs a program to its end.

    Returns:
        What it printed.

    Raises:
        CodecError: it failed, with the end of what it said, or took longer than TIMEOUT.
    """
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise CodecError(f"{command[0]} took longer than {TIMEOUT:.0f} s") from error
    if done.returncode:
        raise CodecError(f"{Path(command[0]).name} failed ({done.returncode}): {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout + done.stderr


class Program:
    """A codec by its command lines, as a JSON file describes them:

        {"name": "mozjpeg", "version": "cjpeg -version", "levels": [30, 50, 70, 90],
         "picture": ".ppm", "suffix": ".jpg",
         "encode": "cjpeg -quality {level} -outfile {output} {input}",
         "decode": "djpeg -pnm -outfile {output} {input}"}

    "picture" is the format that the program reads and writes pixels in, as Pillow knows it (default .png). No shell is involved.

    Args:
        file: the description.

    Raises:
        ParameterError: the description is not of this form.
        CodecError: a program is not on PATH.
    """

    def __init__(self, file: str = "") -> None:
        try:
            content = json.loads(Path(file).read_text(encoding="utf-8"))
            self.name, encode, decode = content["name"], content["encode"], content["decode"]
            self.levels = tuple(content["levels"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ParameterError(f"program:file={file} is no description of a codec: {error!r}") from error
        if unknown := set(content) - KEYS:
            raise ParameterError(f"{file}: unknown entries {', '.join(sorted(unknown))}")
        self._encode, self._decode = shlex.split(encode), shlex.split(decode)
        self._picture, self._suffix = content.get("picture", ".png"), content.get("suffix", ".bin")
        version = content.get("version")
        said = run_program(_resolved(shlex.split(version))).strip().splitlines() if version else []
        find_program(self._encode[0])
        find_program(self._decode[0])
        self.settings = "; ".join([*said[:1], encode, decode])

    def encode(self, pixels: np.ndarray, level: int) -> bytes:
        """The file that the program writes."""
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "in" + self._picture), Path(folder, "out" + self._suffix)
            Image.fromarray(pixels).save(source)
            run_program(_filled(self._encode, source, target, level))
            return _result(target, self._encode[0])

    def decode(self, data: bytes) -> np.ndarray:
        """The pixels that the program makes of a file."""
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "in" + self._suffix), Path(folder, "out" + self._picture)
            source.write_bytes(data)
            run_program(_filled(self._decode, source, target, 0))
            if not target.is_file():
                raise CodecError(f"{self._decode[0]} wrote nothing")
            return np.asarray(Image.open(target).convert("RGB"))

    def parts(self, data: bytes) -> dict[str, int]:
        """No parts of interest."""
        return {}


class Bpg:
    """BPG by Bellard's `bpgenc` and `bpgdec` on PATH; a level is a quantiser, 51 (small) to 0.

    Args:
        chroma: format of the colour planes, 420, 422 or 444.

    Raises:
        CodecError: the programs are not there.
    """

    levels = (44, 40, 36, 32, 28, 24, 20, 16)
    name = "BPG"

    def __init__(self, chroma: int = 444) -> None:
        self._encoder, self._decoder, self._chroma = find_program("bpgenc"), find_program("bpgdec"), chroma
        said = subprocess.run([self._encoder], capture_output=True, text=True, check=False)  # ends in an error, but says its version
        version = next((line for line in (said.stdout + said.stderr).splitlines() if "version" in line), "unknown version")
        self.settings = f"{version.strip()}, {chroma}"

    def encode(self, pixels: np.ndarray, level: int) -> bytes:
        """The .bpg file."""
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "in.png"), Path(folder, "out.bpg")
            Image.fromarray(pixels).save(source)
            run_program([self._encoder, "-q", str(level), "-f", str(self._chroma), "-o", str(target), str(source)])
            return _result(target, "bpgenc")

    def decode(self, data: bytes) -> np.ndarray:
        """The pixels of a file."""
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "in.bpg"), Path(folder, "out.png")
            source.write_bytes(data)
            run_program([self._decoder, "-o", str(target), str(source)])
            return np.asarray(Image.open(target).convert("RGB"))

    def parts(self, data: bytes) -> dict[str, int]:
        """No parts of interest."""
        return {}


def _resolved(command: Sequence[str]) -> list[str]:
    return [find_program(command[0]), *command[1:]]


def _filled(command: Sequence[str], source: Path, target: Path, level: int) -> list[str]:
    """The command with the places of its files in it; replaced part by part, so that no name can become an option."""
    values = {"{input}": str(source), "{output}": str(target), "{level}": str(level)}
    filled = list(command)
    for place, value in values.items():
        filled = [part.replace(place, value) for part in filled]
    return _resolved(filled)


def _result(path: Path, program: str) -> bytes:
    if not path.is_file() or not path.stat().st_size:
        raise CodecError(f"{program} wrote nothing")
    return path.read_bytes()
