"""Judged pictures where no people were asked: photos coded by many codecs, scored by a metric's
scale.

    photo ─ square ─► codec at random levels ─► decoded ─► metric ─► score ─► a row of the table
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from jndlic.codecs.codec import ImageCodec
from jndlic.codecs.registry import open_codec
from jndlic.errors import ImageError, ParameterError
from jndlic.optimize.predictors.predictor import Predictor
from jndlic.training.photos.files import load_pixels
from jndlic.training.predictors.judged import PROXY, SCORE_LIMIT, Judged

SIDE = 512
CODECS = {"jpeg": 6, "webp:method=2": 2, "avif:speed=8": 2, "jxl:effort=4": 2, "jndlic": 2}
"""How many versions of each photo, by codec as jndlic/codecs/registry.py names it. JPEG leads: the
people of MCL-JCI judged JPEG.
"""
LEVELS = (8, 96)


def make_versions(
    paths: Iterable[Path],
    folder: Path,
    predictor: Predictor,
    codecs: dict[str, int] | None = None,
    seed: int = 0,
) -> Iterator[Judged]:
    """Writes squares of photos and their coded versions as arrays.

    Photos that cannot be read or have a side below SIDE are left out. What a photo gets depends on
    its name and the seed alone.

    Args:
        paths: of the photos.
        folder: where the .npy files go; it exists.
        predictor: gives the scores.
        codecs: as CODECS.
        seed: of places and levels.

    Yields:
        A row for each version.

    Raises:
        ParameterError: no photo is of use.
    """
    wanted = CODECS if codecs is None else codecs
    opened = {text: open_codec(text) for text in wanted}
    found = 0
    for path in paths:
        try:
            pixels = load_pixels(path, 1.0)
        except (ImageError, OSError):
            continue
        if min(pixels.shape[:2]) < SIDE:
            continue
        found += 1
        random = np.random.default_rng([seed, zlib.crc32(path.name.encode())])
        top, left = (int(random.integers(0, side - SIDE + 1)) for side in pixels.shape[:2])
        square = np.ascontiguousarray(pixels[top : top + SIDE, left : left + SIDE])
        reference = folder / f"{path.stem}.npy"
        np.save(reference, square, allow_pickle=False)
        judge = predictor.judge(square)
        for text, codec in opened.items():
            for level in _levels(random, wanted[text]):
                yield _version(
                    square,
                    reference,
                    text.partition(":")[0],
                    codec,
                    level,
                    judge.score,
                    predictor.name,
                )
    if not found:
        raise ParameterError(f"no photo with sides of at least {SIDE} pixels")


def _levels(random: np.random.Generator, count: int) -> list[int]:
    """One from each of `count` equal parts of LEVELS, so that none lies alone."""
    edges = np.linspace(*LEVELS, count + 1)
    return sorted({int(random.uniform(low, high)) for low, high in zip(edges, edges[1:])})


def _version(
    square: np.ndarray,
    reference: Path,
    name: str,
    codec: ImageCodec,
    level: int,
    score: Callable[[np.ndarray], float],
    proxy: str,
) -> Judged:
    decoded = codec.decode(codec.encode(square, level))
    path = reference.with_name(f"{reference.stem}_{name}_{level:03d}.npy")
    np.save(path, decoded, allow_pickle=False)
    found = float(np.clip(score(decoded), -SCORE_LIMIT, SCORE_LIMIT))
    return Judged(reference, path, name, level, found, f"{PROXY}:{proxy}")
