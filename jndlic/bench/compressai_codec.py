"""A network trained by tools/train_baseline.py as a codec with real files.

    file: height, width (uint16), bytes of the first string (uint32), all little-endian; the strings of y and z
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional

from jndlic.errors import FormatError

_HEADER = struct.Struct("<HHI")
STRIDE = 64  # z stands at 1/64


class CompressAI:
    """One network, one rate: the quality is ignored.

    Args:
        checkpoint: .ckpt of tools/train_baseline.py.
    """

    def __init__(self, checkpoint: str | Path) -> None:
        from jndlic.training.compressai_model import load

        self._network, architecture = load(checkpoint)
        self.name = f"{architecture}, {Path(checkpoint).parent.name}"

    @torch.inference_mode()
    def encode(self, pixels: np.ndarray, quality: int) -> bytes:
        """The file of uint8 (H, W, 3) pixels, no side above 65535."""
        height, width = pixels.shape[:2]
        image = torch.tensor(pixels).permute(2, 0, 1)[None].float() / 255.0
        margin = (0, -width % STRIDE, 0, -height % STRIDE)
        (latent,), (hyper,) = self._network.compress(functional.pad(image, margin, mode="replicate"))["strings"]
        return _HEADER.pack(height, width, len(latent)) + latent + hyper

    @torch.inference_mode()
    def decode(self, data: bytes) -> np.ndarray:
        """The pixels of a file."""
        if len(data) < _HEADER.size:
            raise FormatError("the file is too short")
        height, width, size = _HEADER.unpack_from(data)
        strings = [[data[_HEADER.size : _HEADER.size + size]], [data[_HEADER.size + size :]]]
        shape = (-(-height // STRIDE), -(-width // STRIDE))
        image = self._network.decompress(strings, shape)["x_hat"][0, :, :height, :width]
        return (image.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()

    def parts(self, data: bytes) -> dict[str, int]:
        """Bytes of both strings."""
        _, _, size = _HEADER.unpack_from(data)
        return {"latent": size, "hyper": len(data) - _HEADER.size - size}
