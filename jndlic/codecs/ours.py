"""jndlic among the codecs. In a session the analysis is done once for all levels, and what is only
looked at is not entropy-coded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

import jndlic
from jndlic.api import checked_quality, info
from jndlic.codecs.codec import Source, as_picture
from jndlic.errors import ParameterError
from jndlic.format.coding import DecodedSymbols
from jndlic.format.container import DEPTH_MIN, QUALITY_MAX, QUALITY_MIN
from jndlic.images.chunks import side_chunks
from jndlic.images.picture import Picture, with_depth
from jndlic.images.pillow import shown
from jndlic.jnd.models import MODELS
from jndlic.pipeline import (
    Analysed,
    analyse_picture,
    decode_picture,
    encode_analysed,
    grey_levels,
    quantise,
)
from jndlic.runtime import load
from jndlic.runtime.backend import Backend
from jndlic.runtime.weights_file import parameters_hash
from jndlic.shipped_weights import DEFAULT_WEIGHTS, SUFFIX, shipped_weights

# Parts of the package that no file depends on
APART = ("bench", "codecs", "metrics", "optimize", "targets", "training")


class Jndlic:
    """jndlic with some weights.

    Args:
        weights: path of a .safetensors file, or the name of shipped weights.
        device: where its networks run.
        jnd: model that steers the encoder, one of jndlic/jnd/models.py; its own by default.
        seen: pixels to the map that the network sees, in place of the picture's own: for networks
            trained with such maps.

    Raises:
        ParameterError: there is no such model.
        WeightsError: as `load_codec`.
    """

    levels = tuple(range(QUALITY_MIN, QUALITY_MAX + 1))
    usual_levels = (1, *range(10, 101, 10))

    def __init__(
        self,
        weights: str = DEFAULT_WEIGHTS,
        device: str = "cpu",
        jnd: str = "",
        seen: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self.codec = load.load_codec(weights, device)
        if jnd and jnd not in MODELS:
            raise ParameterError(f"no JND model {jnd!r}; there are {', '.join(MODELS)}")
        self._jnd, self._seen = jnd, seen
        path = Path(weights) if str(weights).endswith(SUFFIX) else shipped_weights(str(weights))
        self.trained_on = self.codec.trained_on
        self.weights_hash = parameters_hash(path)[:16]
        self.name = ", ".join(
            [
                "jndlic",
                *([path.stem] if weights != DEFAULT_WEIGHTS else []),
                *([f"{jnd} map"] if jnd else []),
            ]
        )
        self.settings = (
            f"jndlic {jndlic.__version__}, weights {self.codec.name} (parameters' SHA-256 "
            f"{self.weights_hash}…), {device}, code {_code_hash()}…"
            + (f", {jnd} map" if jnd else "")
        )

    def encode(self, picture: Source, level: int) -> bytes:
        """The .jlic file at a quality of 1 to 100."""
        quality, picture = checked_quality(level), as_picture(picture)
        return encode_analysed(picture, self._analysed(picture), quality, self.codec)

    def decode(self, data: bytes) -> np.ndarray:
        """The pixels of a file."""
        return shown(decode_picture(data, self.codec, DEPTH_MIN))

    def parts(self, data: bytes) -> dict[str, int]:
        """Bytes of each stream."""
        streams = {name: stream["bytes"] for name, stream in info(data)["streams"].items()}
        return streams | {"rest": len(data) - sum(streams.values())}

    def session(self, picture: Picture) -> JndlicSession:
        """See ImageCodec."""
        return JndlicSession(picture, self.codec, self._analysed(picture))

    def _analysed(self, picture: Picture) -> Analysed:
        if self._seen is None:
            return analyse_picture(picture, self.codec, self._jnd or None)
        pixels = with_depth(picture, DEPTH_MIN).pixels
        features = self.codec.analyse(pixels, self._seen(pixels))
        return Analysed(features, None, side_chunks(picture))


class JndlicSession:
    """A picture in jndlic at every quality, see Session.

    Args:
        picture: to encode.
        codec: network and tables.
        analysed: the picture, by that codec.
    """

    levels = Jndlic.levels
    real = False

    def __init__(self, picture: Picture, codec: Backend, analysed: Analysed) -> None:
        self._picture, self._codec, self._analysed = picture, codec, analysed
        self.reference = shown(picture)

    def view(self, level: int) -> np.ndarray:
        """See Session: from the symbols, without the way through a file."""
        picture, codec = self._picture, self._codec
        symbols, quality = quantise(self._analysed, level, codec)
        _, step_index = codec.table_index(symbols.z_jnd, symbols.z, quality.values)
        decoded = DecodedSymbols(symbols, step_index, quality)
        levels = codec.synthesise(decoded, picture.height, picture.width)
        pixels = grey_levels(levels, picture.grey)
        return shown(replace(picture, pixels=pixels, depth=DEPTH_MIN))

    def encode(self, level: int) -> bytes:
        """See Session."""
        return encode_analysed(self._picture, self._analysed, level, self._codec)

    def decode(self, data: bytes) -> np.ndarray:
        """See Session."""
        return shown(decode_picture(data, self._codec, DEPTH_MIN))


@cache
def _code_hash() -> str:
    """Of the codec's own source: results of an older version must not pass for those of this
    one.
    """
    root = Path(jndlic.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        if path.relative_to(root).parts[0] not in APART:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
