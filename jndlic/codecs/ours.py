"""jndlic as a codec under test."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

import jndlic
from jndlic.api import decode, info
from jndlic.errors import ParameterError
from jndlic.images.picture import from_array
from jndlic.jnd.models import MODELS
from jndlic.pipeline import Analysed, encode_picture, pack_picture, quantise
from jndlic.runtime.load import load_codec
from jndlic.shipped_weights import DEFAULT_WEIGHTS, SUFFIX, shipped_weights

APART = ("bench", "codecs", "metrics", "optimize", "training")  # parts of the package that no file depends on


class Jndlic:
    """jndlic with some weights.

    Args:
        weights: path of a .safetensors file, or the name of shipped weights.
        device: where its networks run.
        jnd: model that steers the encoder, one of jndlic/jnd/models.py; its own by default.
        seen: pixels to the map that the network sees, in place of the picture's own: for networks trained with such maps.

    Raises:
        ParameterError: there is no such model.
        WeightsError: as `load_codec`.
    """

    def __init__(
        self,
        weights: str = DEFAULT_WEIGHTS,
        device: str = "cpu",
        jnd: str = "",
        seen: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self.codec = load_codec(weights, device)
        if jnd and jnd not in MODELS:
            raise ParameterError(f"no JND model {jnd!r}; there are {', '.join(MODELS)}")
        self._jnd, self._seen = jnd, seen
        path = Path(weights) if str(weights).endswith(SUFFIX) else shipped_weights(str(weights))
        self.trained_on = self.codec.trained_on
        self.weights_hash = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        self.name = ", ".join(["jndlic", *([path.stem] if weights != DEFAULT_WEIGHTS else []), *([f"{jnd} map"] if jnd else [])])
        self.settings = (
            f"jndlic {jndlic.__version__}, weights {self.codec.name} (SHA-256 {self.weights_hash}…), {device}, code {_code_hash()}…"
            + (f", {jnd} map" if jnd else "")
        )
        self.levels = (1, *range(10, 101, 10))

    def encode(self, pixels: np.ndarray, level: int) -> bytes:
        """The .jlic file."""
        picture = from_array(pixels)
        if self._seen is None:
            return encode_picture(picture, level, self.codec, self._jnd or None)
        analysis = self.codec.analyse(pixels, self._seen(pixels))
        return pack_picture(picture, *quantise(Analysed(analysis, None), level, self.codec), self.codec)

    def decode(self, data: bytes) -> np.ndarray:
        """The pixels of a file."""
        return np.asarray(decode(data, codec=self.codec).convert("RGB"))

    def parts(self, data: bytes) -> dict[str, int]:
        """Bytes of each stream."""
        streams = {name: stream["bytes"] for name, stream in info(data)["streams"].items()}
        return streams | {"rest": len(data) - sum(streams.values())}


@cache
def _code_hash() -> str:
    """Of the codec's own source: results of an older version must not pass for those of this one."""
    root = Path(jndlic.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        if path.relative_to(root).parts[0] not in APART:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
