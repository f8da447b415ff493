"""Picture-wise predictors side by side, and beside what needs no predictor: one level for all
pictures, one PSNR, one SSIMULACRA2.

Truth is the level that people found, where a set of judged pictures is at hand, else the level that
a proxy finds, and every figure says which. A predictor that was trained on a proxy can at best
equal it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from jndlic.choices import DEFAULT_PROFILE, PREDICTORS, PROFILES
from jndlic.codecs.registry import open_codec
from jndlic.console import run_command
from jndlic.errors import ParameterError
from jndlic.files import write_atomically
from jndlic.images.files import load
from jndlic.images.folders import find_images
from jndlic.metrics.psnr import psnr
from jndlic.optimize.predictors.predictor import Predictor
from jndlic.optimize.predictors.profiles import profile
from jndlic.optimize.predictors.registry import open_predictor
from jndlic.optimize.search import default_rule, search
from jndlic.training.predictors.judged import by_reference, pixels_of, read_judged

GRID = 5
"""Every so many levels are classified, to count how often a predictor is right."""
LEVELS = tuple(range(1, 101))
CONSTANT, FIXED_PSNR = "one level", "one PSNR"
CLOSE = (5, 10)


@dataclass
class Versions:
    """A picture at every level of a codec; what was decoded once is kept."""

    name: str
    reference: np.ndarray
    levels: tuple[int, ...]
    """Coarsest first."""
    make: Callable[[int], np.ndarray]
    """Pixels of a level."""
    truth: int = 0
    """Index of the coarsest good level; len(levels) where none is."""
    _kept: dict[int, np.ndarray] = field(default_factory=dict)

    def pixels(self, index: int) -> np.ndarray:
        """Pixels at a place among the levels."""
        if index not in self._kept:
            self._kept[index] = self.make(self.levels[index])
        return self._kept[index]

    def psnr(self, index: int) -> float:
        """dB; of the finest level for an index beyond."""
        return psnr(self.reference, self.pixels(min(index, len(self.levels) - 1)))


def coded(
    paths: Sequence[Path], codec_text: str, proxy: Predictor, least: float
) -> Iterator[Versions]:
    """Pictures at the levels of a codec, with a proxy's truth."""
    codec = open_codec(codec_text)
    for path in paths:
        pixels = load(path).pixels
        versions = Versions(
            path.stem,
            pixels,
            LEVELS,
            lambda level, pixels=pixels: codec.decode(codec.encode(pixels, level)),
        )
        versions.truth = _found(versions, proxy, least, "bisect")[0]
        yield versions


def judged(path: Path, curves: Path | None, least: float) -> Iterator[Versions]:
    """Pictures that people judged."""
    for reference, rows in by_reference(read_judged(path, curves)).items():
        rows = sorted(rows, key=lambda row: row.level)
        files = {row.level: row.distorted for row in rows}
        versions = Versions(
            reference.stem,
            pixels_of(reference),
            tuple(files),
            lambda level, files=files: pixels_of(files[level]),
        )
        good = [row.score >= least for row in rows]
        versions.truth = next((i for i in range(len(good)) if all(good[i:])), len(good))
        yield versions


@dataclass
class Tally:
    """What one way of choosing levels did over all pictures."""

    found: list[int] = field(default_factory=list)
    truth: list[int] = field(default_factory=list)
    decibels: list[float] = field(default_factory=list)
    evaluations: list[int] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)

    def add(self, versions: Versions, index: int, evaluations: int) -> None:
        """A picture's level."""
        self.found.append(index)
        self.truth.append(versions.truth)
        self.decibels.append(abs(versions.psnr(index) - versions.psnr(versions.truth)))
        self.evaluations.append(evaluations)

    def row(self) -> dict[str, float]:
        """Figures for a table; differences are in levels, found minus true."""
        off = np.array(self.found) - np.array(self.truth)
        row = {
            "difference": np.abs(off).mean(),
            "bias": off.mean(),
            "violations": (off < 0).mean(),
            "dB": np.mean(self.decibels),
        }
        row |= {f"within {limit}": (np.abs(off) <= limit).mean() for limit in CLOSE}
        row["evaluations"] = np.mean(self.evaluations)
        if self.right:
            row["accuracy"] = np.mean(self.right)
        return {name: float(value) for name, value in row.items()}


def compare(
    pictures: Sequence[Versions], predictors: Sequence[Predictor], least: float
) -> dict[str, dict[str, float]]:
    """Figures of every way to choose levels.

    The two without a predictor know the truth of all other pictures: one level, or one PSNR, their
    mean.

    Raises:
        ParameterError: there are fewer than two pictures.
    """
    if len(pictures) < 2:
        raise ParameterError("a comparison needs two pictures at least")
    tallies = {
        name: Tally()
        for name in (CONSTANT, FIXED_PSNR, *(predictor.name for predictor in predictors))
    }
    decibels = [versions.psnr(versions.truth) for versions in pictures]
    for number, versions in enumerate(pictures):
        others = [i for i in range(len(pictures)) if i != number]
        same = int(round(np.mean([pictures[i].truth for i in others])))
        tallies[CONSTANT].add(versions, same, 0)
        wanted = float(np.mean([decibels[i] for i in others]))
        result = search("bisect", versions.psnr, len(versions.levels), wanted)
        tallies[FIXED_PSNR].add(
            versions,
            len(versions.levels) if result.index is None else result.index,
            result.evaluations,
        )
        for predictor in predictors:
            tally = tallies[predictor.name]
            index, evaluations, score = _found(
                versions, predictor, least, default_rule(predictor.smooth)
            )
            tally.add(versions, index, evaluations)
            tally.right += [
                (score(i) >= least) == (i >= versions.truth)
                for i in range(GRID - 1, len(versions.levels), GRID)
            ]
    return {name: tally.row() for name, tally in tallies.items()}


def _found(
    versions: Versions, predictor: Predictor, least: float, rule: str
) -> tuple[int, int, Callable[[int], float]]:
    """Index of a predictor's level, evaluations, and its scores."""
    judge = predictor.judge(versions.reference)
    kept: dict[int, float] = {}

    def score(index: int) -> float:
        if index not in kept:
            kept[index] = judge.score(versions.pixels(index))
        return kept[index]

    result = search(rule, score, len(versions.levels), least)
    return len(versions.levels) if result.index is None else result.index, result.evaluations, score


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; exit codes as those of `jndlic`."""
    parser = argparse.ArgumentParser(
        description="picture-wise JND predictors against a proxy, or against people",
    )
    parser.add_argument(
        "pictures", nargs="*", metavar="DIR", help="folders of photos; truth is what the proxy says"
    )
    parser.add_argument(
        "--codecs",
        nargs="+",
        default=["jpeg"],
        metavar="CODEC",
        help="for the photos (default: jpeg)",
    )
    parser.add_argument(
        "--proxy", choices=PREDICTORS, default="butteraugli", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--judged",
        type=Path,
        metavar="PATH",
        help="pictures judged by people: folder of MCL-JCI or KonJND-1k, or a table",
    )
    parser.add_argument(
        "--curves",
        type=Path,
        metavar="CSV",
        help="MCL-JCI's satisfied users: ref_img, qf, first_SUR",
    )
    parser.add_argument(
        "--predictors",
        nargs="+",
        choices=PREDICTORS,
        default=["ssimulacra2", "vp", "sg"],
        metavar="NAME",
    )
    parser.add_argument(
        "--profiles", nargs="+", choices=PROFILES, default=[DEFAULT_PROFILE], metavar="NAME"
    )
    parser.add_argument("--out", type=Path, metavar="JSON")
    options = parser.parse_args(argv)
    return run_command("predictors", lambda: _run(options))


def _run(options: argparse.Namespace) -> None:
    from tqdm import tqdm

    predictors = [open_predictor(name) for name in options.predictors]
    results = []
    for name in options.profiles:
        least = profile(name).score
        sets: dict[str, Iterator[Versions]] = {}
        if options.pictures:
            paths = find_images(*options.pictures, deep=True)
            for codec in options.codecs:
                sets[f"proxy:{options.proxy}, {codec}"] = coded(
                    paths, codec, open_predictor(options.proxy), least
                )
        if options.judged:
            sets[f"human:{options.judged.name}"] = judged(options.judged, options.curves, least)
        for truth, found in sets.items():
            pictures = list(tqdm(found, unit="picture", desc=truth))
            levels = np.array([one.levels[min(one.truth, len(one.levels) - 1)] for one in pictures])
            rows = compare(pictures, predictors, least)
            results.append(
                {
                    "truth": truth,
                    "profile": name,
                    "pictures": len(pictures),
                    "mean": float(levels.mean()),
                    "deviation": float(levels.std()),
                    "rows": rows,
                }
            )
            _show(results[-1])
    if not results:
        raise ParameterError("nothing to compare: give folders of photos, or --judged")
    if options.out:
        write_atomically(options.out, json.dumps(results, indent=1).encode())


def _show(result: dict) -> None:
    print(
        "{truth}, {profile}: true level {mean:.1f} +- {deviation:.1f}"
        " over {pictures} pictures".format(**result)
    )
    for name, row in result["rows"].items():
        print(f"  {name:12} " + "  ".join(f"{key} {value:.3f}" for key, value in row.items()))
