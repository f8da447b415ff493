"""VVC intra by Fraunhofer's `vvencapp` and `vvdecapp` on PATH.

RGB ─► Y'CbCr of BT.709, 10 bit, colour planes halved ─► vvencapp ─► one intra picture
one intra picture ─► vvdecapp ─► RGB
"""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from jndlic.codecs.codec import Source, WholeFiles, as_pixels
from jndlic.codecs.programs import find_program, run_program
from jndlic.errors import FormatError

_SIZE = struct.Struct("<HH")
_RED, _BLUE = 0.2126, 0.0722  # weights of luma in BT.709; green has the rest
_GRANULE = 8  # the smallest coding unit, which a coded picture's sides are multiples of


class Vvc(WholeFiles):
    """A level is a quantisation parameter, 63 (small) to 0. The file gets 4 bytes in front for the
    picture's own size.

    Args:
        preset: of vvenc, faster to slower.

    Raises:
        CodecError: the programs are not there.
    """

    levels = tuple(range(63, -1, -1))
    usual_levels = (47, 42, 37, 32, 27, 22)
    name = "VVC intra"

    def __init__(self, preset: str = "medium") -> None:
        self._encoder, self._decoder, self._preset = (
            find_program("vvencapp"),
            find_program("vvdecapp"),
            preset,
        )
        version = run_program([self._encoder, "--version"]).strip().splitlines()[0]
        self.settings = f"{version}, preset {preset}, QPA off, BT.709 4:2:0 10 bit"

    def encode(self, picture: Source, level: int) -> bytes:
        """The bit stream."""
        pixels = as_pixels(picture)
        height, width = pixels.shape[:2]
        padded = np.pad(
            pixels, ((0, -height % _GRANULE), (0, -width % _GRANULE), (0, 0)), mode="edge"
        )
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "in.yuv"), Path(folder, "out.266")
            source.write_bytes(to_planes(padded))
            run_program(
                [
                    self._encoder,
                    "--input",
                    str(source),
                    "--output",
                    str(target),
                    "--size",
                    f"{padded.shape[1]}x{padded.shape[0]}",
                    "--format",
                    "yuv420_10",
                    "--frames",
                    "1",
                    "--qp",
                    str(level),
                    "--qpa",
                    "0",
                    "--preset",
                    self._preset,
                ]
            )
            return _SIZE.pack(width, height) + target.read_bytes()

    def decode(self, data: bytes) -> np.ndarray:
        """The pixels of a file."""
        if len(data) <= _SIZE.size:
            raise FormatError("the file is too short")
        width, height = _SIZE.unpack_from(data)
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "in.266"), Path(folder, "out.yuv")
            source.write_bytes(data[_SIZE.size :])
            run_program([self._decoder, "--bitstream", str(source), "--output", str(target)])
            planes = target.read_bytes()
        return from_planes(planes, height + -height % _GRANULE, width + -width % _GRANULE)[
            :height, :width
        ]


def to_planes(pixels: np.ndarray) -> bytes:
    """(H, W, 3) uint8, sides even, to planar 4:2:0 with 10 bits in little-endian 16 (limited range,
    BT.709).
    """
    red, green, blue = np.moveaxis(pixels.astype(np.float32) / 255.0, 2, 0)
    luma = _RED * red + (1.0 - _RED - _BLUE) * green + _BLUE * blue
    colours = [(blue - luma) / (2.0 * (1.0 - _BLUE)), (red - luma) / (2.0 * (1.0 - _RED))]
    planes = [64.0 + 876.0 * luma, *(512.0 + 896.0 * _halved(plane) for plane in colours)]
    return b"".join(np.clip(np.rint(plane), 0, 1023).astype("<u2").tobytes() for plane in planes)


def from_planes(data: bytes, height: int, width: int) -> np.ndarray:
    """The way back from `to_planes`, (H, W, 3) uint8.

    Raises:
        FormatError: the data is no picture of that size.
    """
    values = np.frombuffer(data[: len(data) // 2 * 2], "<u2").astype(np.float32)
    area = height * width
    if len(values) != area * 3 // 2:
        raise FormatError(f"{len(data)} bytes are no 10-bit 4:2:0 picture of {width} x {height}")
    luma = (values[:area].reshape(height, width) - 64.0) / 876.0
    quarter = values[area:].reshape(2, height // 2, width // 2)
    blue_difference, red_difference = ((_doubled(plane) - 512.0) / 896.0 for plane in quarter)
    red = luma + 2.0 * (1.0 - _RED) * red_difference
    blue = luma + 2.0 * (1.0 - _BLUE) * blue_difference
    green = (luma - _RED * red - _BLUE * blue) / (1.0 - _RED - _BLUE)
    return np.clip(np.rint(np.stack((red, green, blue), 2) * 255.0), 0, 255).astype(np.uint8)


def _halved(plane: np.ndarray) -> np.ndarray:
    return plane.reshape(plane.shape[0] // 2, 2, plane.shape[1] // 2, 2).mean((1, 3))


def _doubled(plane: np.ndarray) -> np.ndarray:
    size = (2 * plane.shape[1], 2 * plane.shape[0])
    return np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BICUBIC))
