"""BPG by Bellard's `bpgenc` and `bpgdec` on PATH."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from jndlic.codecs.codec import Source, WholeFiles, as_pixels
from jndlic.codecs.programs import find_program, result_of, run_program


class Bpg(WholeFiles):
    """A level is a quantiser, 51 (small) to 0.

    Args:
        chroma: format of the colour planes, 420, 422 or 444.

    Raises:
        CodecError: the programs are not there.
    """

    levels = tuple(range(51, -1, -1))
    usual_levels = (44, 40, 36, 32, 28, 24, 20, 16)
    name = "BPG"

    def __init__(self, chroma: int = 444) -> None:
        self._encoder, self._decoder, self._chroma = (
            find_program("bpgenc"),
            find_program("bpgdec"),
            chroma,
        )
        # Ends in an error, but says its version
        said = subprocess.run([self._encoder], capture_output=True, text=True, check=False)
        version = next(
            (line for line in (said.stdout + said.stderr).splitlines() if "version" in line),
            "unknown version",
        )
        self.settings = f"{version.strip()}, {chroma}"

    def encode(self, picture: Source, level: int) -> bytes:
        """The .bpg file."""
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "in.png"), Path(folder, "out.bpg")
            Image.fromarray(as_pixels(picture)).save(source)
            run_program(
                [
                    self._encoder,
                    "-q",
                    str(level),
                    "-f",
                    str(self._chroma),
                    "-o",
                    str(target),
                    str(source),
                ]
            )
            return result_of(target, "bpgenc")

    def decode(self, data: bytes) -> np.ndarray:
        """The pixels of a file."""
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "in.bpg"), Path(folder, "out.png")
            source.write_bytes(data)
            run_program([self._decoder, "-o", str(target), str(source)])
            return np.asarray(Image.open(target).convert("RGB"))
