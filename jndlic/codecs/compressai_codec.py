"""CompressAI's hyperprior networks as codecs with real files; here, those that
tools/train_baseline.py trains.

    file: height, width (uint16), bytes of the first string (uint32), all little-endian; the strings
    of y and z
"""

from __future__ import annotations

import hashlib
import struct
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from compressai.models import CompressionModel

from jndlic.codecs.codec import Source, WholeFiles, as_pixels
from jndlic.codecs.compressai_model import load
from jndlic.errors import FormatError
from jndlic.tensors import to_batch

_HEADER = struct.Struct("<HHI")
STRIDE = 64  # z stands at 1/64


class Checkpoint(WholeFiles):
    """One network, one rate: it has one level.

    Args:
        checkpoint: .ckpt of tools/train_baseline.py.

    Raises:
        WeightsError: it is not one.
    """

    levels = usual_levels = (0,)

    def __init__(self, checkpoint: str | Path) -> None:
        self._network, architecture = load(checkpoint)
        self.name = f"{architecture}, {Path(checkpoint).parent.name}"
        digest = hashlib.sha256(Path(checkpoint).read_bytes()).hexdigest()[:16]
        self.settings = f"compressai {version('compressai')}, checkpoint (SHA-256 {digest}…)"

    def encode(self, picture: Source, level: int) -> bytes:
        """The file of a picture with no side above 65535."""
        return compress(self._network, as_pixels(picture))

    def decode(self, data: bytes) -> np.ndarray:
        """The pixels of a file."""
        return decompress(self._network, data)

    def parts(self, data: bytes) -> dict[str, int]:
        """Bytes of both strings."""
        return parts(data)


@torch.inference_mode()
def compress(network: CompressionModel, pixels: np.ndarray) -> bytes:
    """The file of uint8 (H, W, 3) pixels, no side above 65535, by a network with one hyperprior."""
    height, width = pixels.shape[:2]
    image = to_batch(pixels) / 255.0
    margin = (0, -width % STRIDE, 0, -height % STRIDE)
    image = functional.pad(image, margin, mode="replicate")
    coded = network.compress(image)  # pyright: ignore[reportCallIssue]
    (latent,), (hyper,) = coded["strings"]
    return _HEADER.pack(height, width, len(latent)) + latent + hyper


@torch.inference_mode()
def decompress(network: CompressionModel, data: bytes) -> np.ndarray:
    """The pixels of a file.

    Raises:
        FormatError: the file is too short.
    """
    if len(data) < _HEADER.size:
        raise FormatError("the file is too short")
    height, width, size = _HEADER.unpack_from(data)
    strings = [[data[_HEADER.size : _HEADER.size + size]], [data[_HEADER.size + size :]]]
    shape = (-(-height // STRIDE), -(-width // STRIDE))
    restored = network.decompress(strings, shape)  # pyright: ignore[reportCallIssue]
    image = restored["x_hat"][0, :, :height, :width]
    return (
        (image.clamp(0.0, 1.0) * 255.0)
        .round()
        .to(torch.uint8)
        .permute(1, 2, 0)
        .contiguous()
        .numpy()
    )


def parts(data: bytes) -> dict[str, int]:
    """Bytes of both strings of a file."""
    _, _, size = _HEADER.unpack_from(data)
    return {"latent": size, "hyper": len(data) - _HEADER.size - size}
