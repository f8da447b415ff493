"""The pixel-wise JND models by name, as the encoder and the tools use them.

Names: "namm", the default, has a tolerance for each colour channel; "pattern", "klt", "free-energy"
and "patch" have one for luma, which then holds for all three channels (a change that is the same in
all of them changes luma by just as much).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from jndlic.choices import JND_FILTERS, JND_MODELS
from jndlic.errors import ImageError, ParameterError
from jndlic.jnd.free_energy import free_energy_map
from jndlic.jnd.klt import critical_luma, klt_map
from jndlic.jnd.luminance import luma
from jndlic.jnd.namm import jnd_map
from jndlic.jnd.own_map import own_map
from jndlic.jnd.patch import jnd_luma, patch_map
from jndlic.jnd.pattern import pattern_map
from jndlic.jnd.structure_net import load_structure
from jndlic.tensors import to_batch

DEFAULT = JND_MODELS[0]

MODELS: dict[str, Callable[[Tensor], Tensor]] = dict(
    zip(
        JND_MODELS,
        (
            jnd_map,
            pattern_map,
            klt_map,
            free_energy_map,
            lambda image: patch_map(image, load_structure()),
        ),
        strict=True,
    )
)


def tolerance(
    image: Tensor, model: str = DEFAULT, progress: Callable[[float], None] | None = None
) -> Tensor:
    """Tolerance of every pixel and channel.

    Args:
        image: (B, 3, H, W) floating point RGB, grey levels 0..255.
        model: one of MODELS.
        progress: is told the share that is done; "free-energy" takes long enough to ask.

    Returns:
        (B, 3, H, W) grey levels.

    Raises:
        ParameterError: there is no such model.
        ImageError: it is no such image.
        WeightsError: "patch": its network is missing.
        JndlicError: "free-energy": OpenCV is not installed.
    """
    if model not in MODELS:
        raise ParameterError(f"no JND model {model!r}; there are {', '.join(MODELS)}")
    if model == "free-energy":
        return free_energy_map(image, progress).expand_as(image)
    return MODELS[model](image).expand_as(image)


def tolerance_map(
    pixels: np.ndarray, model: str = DEFAULT, progress: Callable[[float], None] | None = None
) -> np.ndarray:
    """The same of a picture as an array.

    Args:
        pixels: (H, W, 3) uint8.
        model: one of MODELS.
        progress: as for `tolerance`.

    Returns:
        (H, W, 3) float32 grey levels.

    Raises:
        ParameterError: there is no such model.
        ImageError: it is no such picture.
        WeightsError: as `tolerance`.
        JndlicError: as `tolerance`.
    """
    if model == DEFAULT:
        return own_map(pixels)
    image = _checked_batch(pixels)
    with torch.inference_mode():
        return np.ascontiguousarray(tolerance(image, model, progress)[0].permute(1, 2, 0).numpy())


def critical(pixels: np.ndarray, model: str = "klt") -> np.ndarray:
    """The picture without invisible detail: luma moves to that of a model's just-noticeable
    image, colours stay.

    "patch" leaves the brightness of its patches alone: a change of it hides noise but saves no
    bits.

    Args:
        pixels: (H, W, 3) uint8.
        model: one of JND_FILTERS.

    Returns:
        (H, W, 3) uint8.

    Raises:
        ParameterError: the model makes no image.
    """
    if model not in JND_FILTERS:
        raise ParameterError(f"no filter {model!r}; there are {', '.join(JND_FILTERS)}")
    image = _checked_batch(pixels)
    with torch.inference_mode():
        wanted = (
            critical_luma(image).luma
            if model == "klt"
            else jnd_luma(image, load_structure(), sign=0.0)
        )
        moved = (image + wanted - luma(image)).round().clamp(0, 255)
    return np.ascontiguousarray(moved[0].permute(1, 2, 0).to(torch.uint8).numpy())


def _checked_batch(pixels: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 to (1, 3, H, W) float32."""
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise ImageError(f"need an RGB picture, uint8 (H, W, 3), got {pixels.dtype} {pixels.shape}")
    return to_batch(pixels)


def inject(pixels: np.ndarray, jnd: np.ndarray, level: float = 1.0, seed: int = 0) -> np.ndarray:
    """The picture with noise at its threshold: every pixel moves by its tolerance, up or down at
    random, all channels the same way.

    Args:
        pixels: (H, W, 3) uint8.
        jnd: (H, W, 3) grey levels.
        level: of the noise; 1 is the threshold.
        seed: of the signs.

    Returns:
        (H, W, 3) uint8, rounded and cut to 0..255.

    Raises:
        ParameterError: the level is negative or not finite, or the map has another shape.
    """
    if not np.isfinite(level) or level < 0:
        raise ParameterError(f"the level of the noise must be a number from 0 on, got {level}")
    if jnd.shape != pixels.shape:
        raise ParameterError(f"the map has shape {jnd.shape}, the picture {pixels.shape}")
    signs = np.random.default_rng(seed).choice(np.array([-1.0, 1.0]), pixels.shape[:2])[..., None]
    return np.clip(np.rint(pixels + level * signs * jnd), 0, 255).astype(np.uint8)
