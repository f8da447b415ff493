"""The learned predictors at work: networks with their weights, and where on a picture they look.

picture ─► places, at most PLACES, even over it ─► R and J once
each version ─► the same places ─► score
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
from safetensors.torch import save
from torch import Tensor

from jndlic.choices import LEARNED_PREDICTORS
from jndlic.errors import ImageError, WeightsError
from jndlic.files import write_atomically
from jndlic.jnd.luminance import luma
from jndlic.jnd.pattern import pattern_map
from jndlic.metrics.pairs import check_pair
from jndlic.optimize.predictors import sg_net, vp_net
from jndlic.optimize.predictors.profiles import HIGHEST, STRICT_SCORE
from jndlic.optimize.predictors.vp_net import Original, VpNet, weighted_mean
from jndlic.shipped_weights import shipped_predictor
from jndlic.tensor_files import read_tensors
from jndlic.tensors import to_batch

FORMAT = "jndlic-predictor-1"
PLACES = 48
"""Patches of a large picture that are looked at."""


class VpModel(nn.Module):
    """VP-JND for pictures of several patches each."""

    patch = vp_net.PATCH

    def __init__(self) -> None:
        super().__init__()
        self.net = VpNet()

    def original(self, patches: Tensor, jnd: Tensor) -> Original:
        """See VpNet."""
        return self.net.original(patches, jnd)

    def patch_scores(self, original: Original, patches: Tensor) -> tuple[Tensor, Tensor]:
        """See VpNet; `patches` may hold several versions of all N places, one after the other."""
        times = len(patches) // len(original.features)
        features = original.features.repeat(times, 1, 1, 1)
        return self.net.patch_scores(Original(features, original.masked.repeat(times, 1)), patches)


class SgModel(nn.Module):
    """SG-JND (re-derived) for pictures of several patches each.

    Args:
        trunk: file with SqueezeNet 1.1 in torchvision's layout; None: the one that
            JNDLIC_LPIPS_WEIGHTS names.

    Raises:
        WeightsError: there is no such file.
    """

    patch = sg_net.PATCH

    def __init__(self, trunk: str | Path | None = None) -> None:
        super().__init__()
        from jndlic.metrics.lpips import load_trunk

        self.net = sg_net.SgNet()
        self.backbone = sg_net.Backbone()
        self.backbone.load_state_dict(load_trunk(trunk))

    def original(self, patches: Tensor, jnd: Tensor) -> list[Tensor]:
        """Features of N patches of an original; `jnd` is not looked at."""
        with torch.no_grad():
            return self.backbone(patches)

    def patch_scores(self, original: list[Tensor], patches: Tensor) -> tuple[Tensor, Tensor]:
        """See SgNet; `patches` as for VpModel."""
        times = len(patches) // len(original[0])
        with torch.no_grad():
            version = self.backbone(patches)
        return self.net.patch_scores([level.repeat(times, 1, 1, 1) for level in original], version)


Model = VpModel | SgModel
MODELS: dict[str, type[Model]] = dict(zip(LEARNED_PREDICTORS, (VpModel, SgModel), strict=True))


class LearnedJudge:
    """One original; see Judge."""

    def __init__(self, predictor: LearnedPredictor, reference: np.ndarray) -> None:
        self._predictor, self._reference = predictor, reference
        image = self._padded(reference)
        height, width = image.shape[-2:]
        self._places = places(height, width, predictor.model.patch)
        with torch.inference_mode():
            self._original = predictor.model.original(
                self._cut(image), self._cut(pattern_map(luma(image)))
            )

    def score(self, distorted: np.ndarray) -> float:
        """See Judge. What is equal looks equal, whatever a network makes of it."""
        check_pair(self._reference, distorted)
        if np.array_equal(self._reference, distorted):
            return STRICT_SCORE
        with torch.inference_mode():
            scores, weights = self._predictor.model.patch_scores(
                self._original, self._cut(self._padded(distorted))
            )
            return self._predictor.offset + self._predictor.slope * float(
                weighted_mean(scores.float(), weights.float())
            )

    def _padded(self, pixels: np.ndarray) -> Tensor:
        """As a batch, mirrored at its right and lower edge up to the size of a patch."""
        if (
            pixels.dtype != np.uint8
            or pixels.ndim != 3
            or pixels.shape[2] != 3
            or 0 in pixels.shape
        ):
            raise ImageError(
                f"need an RGB picture, uint8 (H, W, 3), got {pixels.dtype} {pixels.shape}"
            )
        margins = [(0, max(0, self._predictor.model.patch - side)) for side in pixels.shape[:2]]
        return to_batch(np.pad(pixels, (*margins, (0, 0)), mode="symmetric"))

    def _cut(self, image: Tensor) -> Tensor:
        side = self._predictor.model.patch
        patches = [image[0, :, top : top + side, left : left + side] for top, left in self._places]
        return torch.stack(patches).contiguous(memory_format=torch.channels_last)


class LearnedPredictor:
    """A network and the line from its output to the score.

    Args:
        name: one of MODELS.
        model: ready for use.
        slope: of the line, found on held-out pictures.
        offset: of the line.
    """

    smooth, highest = False, HIGHEST

    def __init__(self, name: str, model: Model, slope: float = 1.0, offset: float = 0.0) -> None:
        self.name, self.slope, self.offset = name, slope, offset
        self.model = model.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def judge(self, reference: np.ndarray) -> LearnedJudge:
        """See Predictor."""
        return LearnedJudge(self, reference)


def places(rows: int, columns: int, side: int, limit: int = PLACES) -> list[tuple[int, int]]:
    """Top left corners of squares: a grid without gaps where `limit` allows, else as dense as it
    does; the same on every call.

    Args:
        rows: of the picture, at least `side`.
        columns: likewise.
        side: of the squares.
        limit: on their number.
    """
    down, across = -(-rows // side), -(-columns // side)
    if down * across > limit:
        down = max(1, min(limit, round((limit * rows / columns) ** 0.5)))
        across = max(1, min(-(-columns // side), limit // down))
        down = min(-(-rows // side), limit // across)
    return [
        (top, left)
        for top in _spread(rows - side, down)
        for left in _spread(columns - side, across)
    ]


def _spread(last: int, count: int) -> list[int]:
    """`count` numbers from 0 to `last`; a single one lies in the middle."""
    return [last // 2] if count == 1 else np.linspace(0, last, count).round().astype(int).tolist()


def save_predictor(path: str | Path, predictor: LearnedPredictor, source: str) -> None:
    """Writes a predictor as float16 safetensors, without the backbone, which is not ours.

    Args:
        path: of the file.
        predictor: to keep.
        source: of the scores that it was trained with: `human:` or `proxy:` and what it is.
    """
    tensors = {
        name: value.half().contiguous() for name, value in predictor.model.net.state_dict().items()
    }
    metadata = {
        "format": FORMAT,
        "model": predictor.name,
        "slope": repr(predictor.slope),
        "offset": repr(predictor.offset),
        "source": source,
    }
    write_atomically(path, save(tensors, metadata))


def load_predictor(
    name: str, weights: str | Path | None = None, trunk: str | Path | None = None
) -> LearnedPredictor:
    """A predictor ready for use.

    Args:
        name: one of MODELS.
        weights: file of `save_predictor`; the shipped one by default.
        trunk: of "sg", see SgModel.

    Raises:
        WeightsError: the file is missing or holds something else; "sg": its backbone is missing.
    """
    path = Path(weights) if weights else shipped_predictor(name)
    tensors, metadata = read_tensors(path, "predictor")
    if metadata.get("format") != FORMAT or metadata.get("model") != name:
        raise WeightsError(f"{path} holds no predictor {name!r}")
    try:
        model = SgModel(trunk) if name == "sg" else MODELS[name]()
        model.net.load_state_dict({key: torch.from_numpy(value) for key, value in tensors.items()})
        return LearnedPredictor(name, model, float(metadata["slope"]), float(metadata["offset"]))
    except (RuntimeError, KeyError, ValueError) as error:
        raise WeightsError(f"predictor {path}: {error}") from error
