"""Rate-distortion curves in files, and the Bjontegaard delta rate between two of them.

A file is JSON in CompressAI's layout, one entry per operating point in every list:
{"name", "description", "results": {"bpp": [...], "psnr-rgb": [...], ...}}.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jndlic.errors import ParameterError
from jndlic.files import write_atomically

METHOD = "pchip"
"""Piecewise cubic interpolation that stays monotone between the points of a curve."""


class Curve(NamedTuple):
    """What a codec costs and gives at a few operating points."""

    name: str
    description: str
    results: dict[str, list[float]]
    """Lists of equal length by name; "bpp" is one of them. NaN: not measured."""


def read_curve(path: str | Path) -> Curve:
    """Reads a result file.

    Raises:
        ParameterError: it is not one.
        OSError: it cannot be read.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        results = {
            name: _numbers(values)
            for name, values in content["results"].items()
            if isinstance(values, list)
        }
        bpp = results["bpp"]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ParameterError(f"{path} is no file of rate-distortion results: {error!r}") from error
    if any(len(values) != len(bpp) for values in results.values()):
        raise ParameterError(f"{path}: the lists differ in length")
    name, description = content.get("name", Path(path).stem), content.get("description", "")
    return Curve(str(name), str(description), results)


def write_curve(path: str | Path, curve: Curve) -> None:
    """Writes a result file."""
    write_atomically(path, (json.dumps(to_json(curve), indent=1) + "\n").encode())


def to_json(curve: Curve) -> dict[str, object]:
    """What a result file holds; NaN and infinity, which JSON lacks, become null."""
    results = {
        name: [round(value, 5) if math.isfinite(value) else None for value in values]
        for name, values in curve.results.items()
    }
    return {**curve._asdict(), "results": results}


def bd_rate(
    anchor_bpp: Sequence[float],
    anchor_values: Sequence[float],
    bpp: Sequence[float],
    values: Sequence[float],
    lower_is_better: bool = False,
) -> float:
    """Mean difference in bits at equal quality, over the range of quality that both curves cover.

    Source: Bjontegaard, "Calculation of average PSNR differences between RD-curves", VCEG-M33,
    2001, computed by the `bjontegaard` package (Herglotz et al., 2022).

    Args:
        anchor_bpp: bits per pixel of the anchor's points, in any order.
        anchor_values: their quality.
        bpp: of the codec under test.
        values: their quality.
        lower_is_better: small values mean good quality.

    Returns:
        Percent: -50 means half the bits of the anchor. NaN where the curves have no quality in
        common, or either has fewer than two points of different quality.

    Raises:
        ParameterError: a list of bits and its list of qualities differ in length, or bits are not
            positive.
    """
    import bjontegaard  # loads matplotlib

    anchor = _points(anchor_bpp, anchor_values, lower_is_better)
    tested = _points(bpp, values, lower_is_better)
    if min(len(anchor[0]), len(tested[0])) < 2:
        return math.nan
    with warnings.catch_warnings():  # about little overlap: the common range is what is asked for
        warnings.simplefilter("ignore", UserWarning)
        rate = bjontegaard.bd_rate(
            *anchor, *tested, METHOD, require_matching_points=False, min_overlap=0
        )
    return float(rate)  # pyright: ignore[reportArgumentType]


def compare(
    anchor: Curve, tested: Curve, metrics: Sequence[str], lower_is_better: frozenset[str]
) -> dict[str, float]:
    """BD-rate in percent for each of the metrics that both curves have."""
    return {
        name: bd_rate(
            anchor.results["bpp"],
            anchor.results[name],
            tested.results["bpp"],
            tested.results[name],
            name in lower_is_better,
        )
        for name in metrics
        if name in anchor.results and name in tested.results
    }


def _points(
    bpp: Sequence[float], values: Sequence[float], lower_is_better: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Bits and qualities by rising quality; of equal qualities, the one that costs least."""
    bits, quality = np.asarray(bpp, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if bits.shape != quality.shape or bits.ndim != 1:
        raise ParameterError(f"{bits.shape} bits and {quality.shape} qualities do not make a curve")
    if (bits <= 0).any():
        raise ParameterError("the bits of a curve must be positive")
    quality = -quality if lower_is_better else quality
    measured = np.isfinite(quality)
    bits, quality = bits[measured], quality[measured]
    order = np.lexsort((bits, quality))
    quality, first = np.unique(quality[order], return_index=True)
    return bits[order][first], quality


def _numbers(values: list[float | None]) -> list[float]:
    return [math.nan if value is None else float(value) for value in values]
