"""Pairs of patches to train the structure network on: a photo's, and the same place at the edge of
visible change.

    photos ─► proxy: coded just well enough ─┐
    judged pictures at the JND ──────────────┴─► 64x64 luma patches ─► one .npz file

Where no people were asked, the edge is a proxy and is called so: the coarsest level of a codec
whose SSIMULACRA2 stays at a threshold.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jndlic.codecs.codec import ImageCodec
from jndlic.codecs.registry import open_codec
from jndlic.errors import ImageError, ParameterError
from jndlic.files import write_atomically
from jndlic.jnd.models import critical
from jndlic.jnd.patch import SIDE
from jndlic.luma import LUMA
from jndlic.optimize.predictors.metric import ssimulacra2_from
from jndlic.optimize.search import first_good
from jndlic.training.photos.files import load_pixels
from jndlic.training.predictors.judged import by_reference, pixels_of, read_judged, score_of_share

KLT = "klt"
CODECS = {"jpeg": "jpeg", "webp": "webp", "avif": "avif:speed=8", "vvc": "vvc"}
PROXIES = (*CODECS, KLT)
THRESHOLD = 60.0
"""SSIMULACRA2 points at which a change is taken for just visible: between those that bring JPEG to
the qualities at which 90 and 95 % of the people behind MCL-JCI saw none (58 and 62)."""
SHARE = 0.5
"""Of people who see no change in the pictures that are taken for just noticeable."""
PATCHES = 32
"""Of each picture."""
GRID = 8
"""Places are multiples of this many pixels, as in use, so that the blocks of a JPEG lie alike in
all patches.
"""


class Pairs(NamedTuple):
    """Patches, (N, 64, 64) uint8 luma."""

    reference: np.ndarray
    target: np.ndarray
    source: str
    """Where the targets come from."""


def just_visible(pixels: np.ndarray, codec: ImageCodec, threshold: float = THRESHOLD) -> np.ndarray:
    """The picture at the coarsest level whose SSIMULACRA2 is at least the threshold; at the finest
    if none is.

    Args:
        pixels: (H, W, 3) uint8.
        codec: all of its levels are searched.
        threshold: points.
    """
    levels, points = codec.levels, ssimulacra2_from(pixels)
    finest = len(levels) - 1
    decoded: dict[int, np.ndarray] = {}

    def shown(index: int) -> np.ndarray:
        if index not in decoded:
            decoded[index] = codec.decode(codec.encode(pixels, levels[index]))
        return decoded[index]

    return shown(first_good(lambda index: points(shown(index)) >= threshold, 0, finest))


def proxy(name: str, threshold: float = THRESHOLD) -> Callable[[np.ndarray], np.ndarray]:
    """Pictures to their just visibly changed ones.

    Args:
        name: one of PROXIES.
        threshold: for the codecs.

    Raises:
        ParameterError: there is no such proxy.
        CodecError: its program is missing.
    """
    if name not in PROXIES:
        raise ParameterError(f"no proxy {name!r}; there are {', '.join(PROXIES)}")
    if name == KLT:
        return critical
    codec = open_codec(CODECS[name])
    return lambda pixels: just_visible(pixels, codec, threshold)


def proxy_pictures(
    paths: Sequence[Path], name: str, threshold: float, lossy_reduction: float
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Photos and what a proxy makes of them; those that cannot be read are left out."""
    change = proxy(name, threshold)
    for path in paths:
        try:
            pixels = load_pixels(path, lossy_reduction)
        except (ImageError, OSError):
            continue
        if min(pixels.shape[:2]) >= SIDE:
            yield pixels, change(pixels)


def labelled_pictures(path: Path, share: float = SHARE) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pictures that people judged: originals beside the coarsest version at which a share of people
    see no change.

    Args:
        path: of a set or table that jndlic/training/predictors/judged.py reads (of MCL-JCI without
            curves: none).
        share: of the people.

    Raises:
        ParameterError: the layout is unknown, a picture has no such version, or the pictures of a
            pair differ in size.
    """
    least = score_of_share(share)
    for reference, versions in by_reference(read_judged(path)).items():
        good = [row for row in versions if row.score >= least]
        if not good:
            raise ParameterError(f"{reference}: no version satisfies {share:.0%} of the people")
        wanted = min(good, key=lambda row: row.level).distorted
        pair = np.asarray(pixels_of(reference)), np.asarray(pixels_of(wanted))
        if pair[0].shape != pair[1].shape:
            raise ParameterError(f"{reference} and {wanted} differ in size")
        yield pair


def collect(
    pictures: Iterable[tuple[np.ndarray, np.ndarray]], count: int, source: str, seed: int = 0
) -> Pairs:
    """Cuts patches at random places of the grid.

    Args:
        pictures: pairs of (H, W, 3) uint8.
        count: patches from each picture.
        source: in words.
        seed: of the places.

    Raises:
        ParameterError: there are no pictures.
    """
    random = np.random.default_rng(seed)
    reference, target = [], []
    for first, second in pictures:
        planes = [
            np.rint(picture @ np.array(LUMA)).clip(0, 255).astype(np.uint8)
            for picture in (first, second)
        ]
        for _ in range(count):
            top, left = (
                GRID * int(random.integers(0, (side - SIDE) // GRID + 1))
                for side in planes[0].shape
            )
            for patches, plane in zip((reference, target), planes):
                patches.append(plane[top : top + SIDE, left : left + SIDE])
    if not reference:
        raise ParameterError("no pictures to cut patches from")
    return Pairs(np.stack(reference), np.stack(target), source)


def write_pairs(path: Path, pairs: Pairs) -> None:
    """Keeps the pairs in a compressed .npz file."""
    content = io.BytesIO()
    np.savez_compressed(
        content, reference=pairs.reference, target=pairs.target, source=np.array(pairs.source)
    )
    write_atomically(path, content.getvalue())


def read_pairs(path: Path) -> Pairs:
    """The pairs of a file of `write_pairs`, or of a table or set of pictures that people judged.

    Raises:
        ParameterError: it is none of these.
    """
    if path.suffix != ".npz":
        return collect(labelled_pictures(path), PATCHES, f"human:{path.name}")
    try:
        with np.load(path, allow_pickle=False) as content:
            pairs = Pairs(content["reference"], content["target"], str(content["source"]))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ParameterError(f"{path} holds no pairs of patches: {error}") from error
    if pairs.reference.shape != pairs.target.shape or pairs.reference.shape[1:] != (SIDE, SIDE):
        raise ParameterError(
            f"{path}: patches of shape {pairs.reference.shape} and {pairs.target.shape}"
        )
    return pairs
