"""The VVC-based JND set of Shen et al. as its authors lay it out.

    session1_Ori/ ... session4_Ori/      originals, 50 or 51 a session
    session1_Dis/ ... session4_Dis/      each coded at QP 13..51 by VTM 5.0 intra: 39 files for each
                                         original
    f_session1.mat ... f_session4.mat    what each of 20 people answered for each original

How the coded files are named is not told. They are taken to be in a folder with an original's name,
or to begin with it, or else to follow one another in the order of the originals; within an original
they are ordered by the last number in their names. An answer is a QP, or a number from 1 on, of
which QP 13 is the first.

Source: Shen et al., IEEE TIP 2020, and the notes that the set is given with.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jndlic.errors import ParameterError
from jndlic.images.folders import is_image

QPS = tuple(range(13, 52))


class Source(NamedTuple):
    """One original."""

    reference: Path
    versions: dict[int, Path]
    """By QP."""
    answers: np.ndarray
    """(people,) QP at which each saw a change first."""

    def satisfied(self, qp: int) -> float:
        """Share of people who see no change at a QP."""
        return float((self.answers > qp).mean())


def is_vvc_jnd(folder: Path) -> bool:
    """Whether a folder looks like the set."""
    return (folder / "session1_Ori").is_dir() and (folder / "f_session1.mat").is_file()


def read_vvc_jnd(folder: Path) -> list[Source]:
    """All originals of the sessions that are there.

    Raises:
        ParameterError: files are missing or do not fit together, or `scipy` is not installed.
    """
    sources = []
    for number in range(1, 5):
        originals = _pictures(folder / f"session{number}_Ori")
        if originals:
            versions = _versions(originals, folder / f"session{number}_Dis")
            answers = _answers(folder / f"f_session{number}.mat", len(originals))
            sources += map(Source, originals, versions, answers)
    if not sources:
        raise ParameterError(f"{folder} holds no session of the VVC JND set")
    return sources


def _pictures(folder: Path) -> list[Path]:
    return sorted(filter(is_image, folder.rglob("*")), key=_natural)


def _natural(path: Path) -> list[tuple[int, int | str]]:
    """Order in which 2 comes before 10."""
    return [
        (0, int(part)) if part.isdigit() else (1, part)
        for part in re.split(r"(\d+)", str(path))
        if part
    ]


def _versions(originals: list[Path], folder: Path) -> list[dict[int, Path]]:
    coded = _pictures(folder)
    if len(coded) != len(QPS) * len(originals):
        raise ParameterError(
            f"{folder}: {len(coded)} coded pictures for {len(originals)} originals; there should "
            f"be {len(QPS)} for each"
        )
    named = [[path for path in coded if _belongs(path, original.stem)] for original in originals]
    if any(len(group) != len(QPS) for group in named):
        named = [coded[start : start + len(QPS)] for start in range(0, len(coded), len(QPS))]
    return [dict(zip(QPS, sorted(group, key=_last_number))) for group in named]


def _belongs(path: Path, stem: str) -> bool:
    return path.parent.name == stem or re.match(re.escape(stem) + r"(?!\d)", path.stem) is not None


def _last_number(path: Path) -> int:
    numbers = re.findall(r"\d+", path.stem)
    return int(numbers[-1]) if numbers else 0


def _answers(path: Path, count: int) -> np.ndarray:
    """(originals, people) QPs."""
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise ParameterError(
            "the answers of the VVC JND set need `scipy`: pip install 'jndlic[bench]'"
        ) from error
    try:
        tables = [
            value
            for value in loadmat(path).values()
            if isinstance(value, np.ndarray) and value.ndim == 2 and count in value.shape
        ]
    except (OSError, ValueError) as error:
        raise ParameterError(f"{path}: {error}") from error
    if not tables:
        raise ParameterError(f"{path} holds no table of answers for {count} originals")
    answers = tables[0] if tables[0].shape[0] == count else tables[0].T
    return answers if answers.max() > len(QPS) else answers + QPS[0] - 1
