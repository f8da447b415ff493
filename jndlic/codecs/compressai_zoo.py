"""CompressAI's pretrained networks, where their weights are at hand: nothing is downloaded here."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from compressai.models import CompressionModel
from compressai.zoo import image as zoo

from jndlic.codecs.codec import Source, WholeFiles, as_pixels
from jndlic.codecs.compressai_codec import compress, decompress, parts
from jndlic.errors import CodecError, ParameterError

MODELS = ("bmshj2018-hyperprior", "mbt2018-mean", "mbt2018", "cheng2020-anchor", "cheng2020-attn")
"""Those with one hyperprior, which share a file layout."""


class Zoo(WholeFiles):
    """One architecture of the zoo; a level is its quality, each a network of its own, loaded when
    first used.

    Args:
        model: one of MODELS.
        metric: that it was trained for, "mse" or "ms-ssim".

    Raises:
        ParameterError: there is no such network.
        CodecError: none of its weights are in torch's hub folder.
    """

    def __init__(self, model: str = MODELS[0], metric: str = "mse") -> None:
        urls = zoo.model_urls.get(model, {}).get(metric, {}) if model in MODELS else {}
        if not urls:
            raise ParameterError(
                f"no network {model!r} for {metric!r}; the models are {', '.join(MODELS)}"
            )
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        self._model, self._metric, self._networks = model, metric, dict[int, CompressionModel]()
        self.levels = self.usual_levels = tuple(
            level
            for level, url in sorted(urls.items())
            if (folder / url.rpartition("/")[2]).is_file()
        )
        if not self.levels:
            raise CodecError(
                f"no weights of {model} ({metric}) in {folder}; CompressAI's zoo has them: "
                f"{next(iter(urls.values()))}"
            )
        self.name = model if metric == "mse" else f"{model}, {metric}"
        self.settings = f"compressai {version('compressai')}, {model}, {metric}, pretrained"

    def encode(self, picture: Source, level: int) -> bytes:
        """Its level, then the file of the network."""
        return bytes([level]) + compress(self._network(level), as_pixels(picture))

    def decode(self, data: bytes) -> np.ndarray:
        """The pixels of a file."""
        return decompress(self._network(data[0]), data[1:])

    def parts(self, data: bytes) -> dict[str, int]:
        """Bytes of both strings."""
        return parts(data[1:])

    def _network(self, level: int) -> CompressionModel:
        if level not in self.levels:
            raise CodecError(
                f"no weights of {self._model} at quality {level}; there are "
                f"{', '.join(map(str, self.levels))}"
            )
        if level not in self._networks:
            build = getattr(zoo, self._model.replace("-", "_"))
            network = build(level, self._metric, pretrained=True).eval()
            network.update()
            self._networks[level] = network
        return self._networks[level]
