"""jndlic as a codec under test."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np

import jndlic
from jndlic.api import decode, encode, info
from jndlic.errors import ParameterError
from jndlic.jnd.models import MODELS, tolerance_map
from jndlic.shipped_path import DEFAULT_WEIGHTS, SUFFIX, shipped_weights
from jndlic.weights import load_codec

APART = ("bench", "picturewise", "training")  # parts of the package that no file depends on


class Jndlic:
    """jndlic with some weights.

    Args:
        weights: path of a .safetensors file, or the name of shipped weights.
        device: where its networks run.
        jnd: model of the encoder's map, one of jndlic/jnd/models.py; its own by default.
        tolerance: pixels to the map, in place of a model.

    Raises:
        ParameterError: there is no such model.
        WeightsError: as `load_codec`.
    """

    def __init__(
        self,
        weights: str = DEFAULT_WEIGHTS,
        device: str = "cpu",
        jnd: str = "",
        tolerance: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self.codec = load_codec(weights, device)
        if jnd and jnd not in MODELS:
            raise ParameterError(f"no JND model {jnd!r}; there are {', '.join(MODELS)}")
        self._tolerance = partial(tolerance_map, model=jnd) if jnd else tolerance
        path = Path(weights) if str(weights).endswith(SUFFIX) else shipped_weights(str(weights))
        self.weights_hash = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        self.name = ", ".join(["jndlic", *([path.stem] if weights != DEFAULT_WEIGHTS else []), *([f"{jnd} map"] if jnd else [])])
        self.settings = (
            f"jndlic {jndlic.__version__}, weights {self.codec.name} (SHA-256 {self.weights_hash}…), {device}, code {_code_hash()}…"
            + (f", {jnd} map" if jnd else "")
        )
        self.levels = (1, *range(10, 101, 10))

    def encode(self, pixels: np.ndarray, level: int) -> bytes:
        """The .jlic file."""
        jnd = self._tolerance(pixels) if self._tolerance else None
        return encode(pixels, level, codec=self.codec, jnd=jnd)

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
