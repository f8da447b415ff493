"""Codecs under test, all seen alike: pixels and a quality to real bytes, and bytes to pixels."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import PIL.features
from PIL import Image

from jndlic.api import decode, encode, info
from jndlic.errors import ParameterError
from jndlic.weights import DEFAULT_WEIGHTS, load_codec

NAMES = ("jndlic", "jpeg", "jpeg444", "compressai")


class Codec(Protocol):
    """Pixels are uint8 (H, W, 3), RGB."""

    name: str

    def encode(self, pixels: np.ndarray, quality: int) -> bytes:
        """The whole compressed file."""

    def decode(self, data: bytes) -> np.ndarray:
        """The pixels of a file."""

    def parts(self, data: bytes) -> dict[str, int]:
        """Bytes of each part of a file, by name; none where the file has no parts of interest."""


class Jndlic:
    """jndlic with some weights.

    Args:
        weights: path of a .safetensors file, or the name of shipped weights.
        device: where its networks run.
        tolerance: pixels to the JND map that the encoder is to use; its own by default.
    """

    def __init__(
        self,
        weights: str | Path = DEFAULT_WEIGHTS,
        device: str = "cpu",
        tolerance: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self._codec = load_codec(weights, device)
        self._tolerance = tolerance
        self.name = f"jndlic, {self._codec.name}"

    def encode(self, pixels: np.ndarray, quality: int) -> bytes:
        jnd = self._tolerance(pixels) if self._tolerance else None
        return encode(pixels, quality, codec=self._codec, jnd=jnd)

    def decode(self, data: bytes) -> np.ndarray:
        return np.asarray(decode(data, codec=self._codec).convert("RGB"))

    def parts(self, data: bytes) -> dict[str, int]:
        streams = {name: stream["bytes"] for name, stream in info(data)["streams"].items()}
        return streams | {"rest": len(data) - sum(streams.values())}


class Jpeg:
    """JPEG by Pillow, baseline with optimised Huffman tables.

    Args:
        subsampling: of the colour planes, "4:2:0" or "4:4:4".
    """

    def __init__(self, subsampling: str = "4:2:0") -> None:
        if subsampling not in ("4:2:0", "4:4:4"):
            raise ParameterError(f"subsampling must be 4:2:0 or 4:4:4, got {subsampling!r}")
        self._subsampling = subsampling
        turbo = PIL.features.version("libjpeg_turbo")
        library = f"libjpeg-turbo {turbo}" if turbo else f"libjpeg {PIL.features.version('jpg')}"
        self.name = f"JPEG, {library}, optimised Huffman, {subsampling}"

    def encode(self, pixels: np.ndarray, quality: int) -> bytes:
        file = io.BytesIO()
        picture = Image.fromarray(pixels)
        picture.save(
            file, "JPEG", quality=quality, optimize=True, subsampling=self._subsampling
        )
        return file.getvalue()

    def decode(self, data: bytes) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    def parts(self, data: bytes) -> dict[str, int]:
        return {}


def open_codec(name: str, weights: str | Path | None = None, device: str = "cpu") -> Codec:
    """The codec of that name.

    Args:
        name: one of NAMES.
        weights: of jndlic (None: the shipped ones), or the checkpoint of compressai.
        device: for jndlic.

    Raises:
        ParameterError: there is no such codec, weights are given for one that has none, or missing.
        WeightsError: as `load_codec`.
    """
    if name == "jndlic":
        return Jndlic(weights or DEFAULT_WEIGHTS, device)
    if name == "compressai":
        if not weights:
            raise ParameterError("compressai needs --weights, a checkpoint of tools/train_baseline.py")
        from jndlic.bench.compressai_codec import CompressAI

        return CompressAI(weights)
    if name not in NAMES:
        raise ParameterError(f"no codec {name}; there are {', '.join(NAMES)}")
    if weights:
        raise ParameterError(f"{name} has no weights")
    return Jpeg("4:4:4" if name == "jpeg444" else "4:2:0")
