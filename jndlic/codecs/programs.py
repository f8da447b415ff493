"""Codecs that are programs on PATH: how they are run, and any of them by a description of its
command lines.
"""

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

from jndlic.codecs.codec import Source, WholeFiles, as_pixels
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
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CodecError(f"{command[0]} took longer than {TIMEOUT:.0f} s") from error
    if done.returncode:
        raise CodecError(
            f"{Path(command[0]).name} failed ({done.returncode}): "
            f"{(done.stderr or done.stdout).strip()[-300:]}"
        )
    return done.stdout + done.stderr


def result_of(path: Path, program: str) -> bytes:
    """The file that a program was to write.

    Raises:
        CodecError: it is not there, or empty.
    """
    if not path.is_file() or not path.stat().st_size:
        raise CodecError(f"{program} wrote nothing")
    return path.read_bytes()


class Program(WholeFiles):
    """A codec by its command lines, as a JSON file describes them:

        {"name": "mozjpeg", "version": "cjpeg -version", "levels": [30, 50, 70, 90],
         "picture": ".ppm", "suffix": ".jpg",
         "encode": "cjpeg -quality {level} -outfile {output} {input}",
         "decode": "djpeg -pnm -outfile {output} {input}"}

    "picture" is the format that the program reads and writes pixels in, as Pillow knows it (default
    .png). No shell is involved.

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
            self.levels = self.usual_levels = tuple(content["levels"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ParameterError(
                f"program:file={file} is no description of a codec: {error!r}"
            ) from error
        if unknown := set(content) - KEYS:
            raise ParameterError(f"{file}: unknown entries {', '.join(sorted(unknown))}")
        self._encode, self._decode = shlex.split(encode), shlex.split(decode)
        self._picture, self._suffix = content.get("picture", ".png"), content.get("suffix", ".bin")
        version = content.get("version")
        said = run_program(_resolved(shlex.split(version))).strip().splitlines() if version else []
        find_program(self._encode[0])
        find_program(self._decode[0])
        self.settings = "; ".join([*said[:1], encode, decode])

    def encode(self, picture: Source, level: int) -> bytes:
        """The file that the program writes."""
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "in" + self._picture), Path(folder, "out" + self._suffix)
            Image.fromarray(as_pixels(picture)).save(source)
            run_program(_filled(self._encode, source, target, level))
            return result_of(target, self._encode[0])

    def decode(self, data: bytes) -> np.ndarray:
        """The pixels that the program makes of a file."""
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "in" + self._suffix), Path(folder, "out" + self._picture)
            source.write_bytes(data)
            run_program(_filled(self._decode, source, target, 0))
            if not target.is_file():
                raise CodecError(f"{self._decode[0]} wrote nothing")
            return np.asarray(Image.open(target).convert("RGB"))


def _resolved(command: Sequence[str]) -> list[str]:
    return [find_program(command[0]), *command[1:]]


def _filled(command: Sequence[str], source: Path, target: Path, level: int) -> list[str]:
    """The command with the places of its files in it; replaced part by part, so that no name can
    become an option.
    """
    values = {"{input}": str(source), "{output}": str(target), "{level}": str(level)}
    filled = list(command)
    for place, value in values.items():
        filled = [part.replace(place, value) for part in filled]
    return _resolved(filled)
