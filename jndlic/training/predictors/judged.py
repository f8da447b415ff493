"""Pictures whose visibility of change is known: from people, or from a proxy that is named as such.

Layouts that `read_judged` knows:

    a table (CSV)    reference, distorted (files beside it, .npy arrays too), codec, level, score,
                     source
    MCL-JCI          .../ImageJND_SRC01*.bmp (or the JPEG of quality 100) and
                     .../ImageJND_SRC01_027.jpg, 027: JPEG quality
    KonJND-1k        subjective_ratings.csv (image_id, Compression type, ratings), source_image/,
                     jpeg/, bpg/
    VVC JND          session1_Ori/, session1_Dis/, f_session1.mat ..., see vvc_jnd.py

MCL-JCI's curves come in a table of their own: ref_img, qf, first_SUR (as SUR-FeatNet published
them).
Sources: Jin et al., HVEI 2016 (MCL-JCI); Lin et al., "Large-Scale Crowdsourced Subjective
Assessment of Picturewise Just Noticeable Difference", IEEE TCSVT 2022 (KonJND-1k).
"""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from jndlic.errors import ParameterError
from jndlic.images.files import load
from jndlic.training.predictors.vvc_jnd import QPS, is_vvc_jnd, read_vvc_jnd

COLUMNS = ("reference", "distorted", "codec", "level", "score", "source")
SCORE_LIMIT = 4.0
"""Shares of a few dozen people tell nothing beyond about 2; metrics up to the profile `strict`."""
HUMAN, PROXY = "human", "proxy"
_MCL_JCI = re.compile(r"ImageJND_(SRC\d+)_(\d+)\.jpe?g$", re.IGNORECASE)


class Judged(NamedTuple):
    """One version of one picture."""

    reference: Path
    distorted: Path
    codec: str
    level: int
    """Of the codec; a higher one is finer."""
    score: float
    """See jndlic/optimize/predictors/profiles.py, within SCORE_LIMIT."""
    source: str
    """`human:` or `proxy:` and what it is."""


def read_judged(path: Path, curves: Path | None = None) -> list[Judged]:
    """The versions of a table or of a folder in one of the known layouts.

    Args:
        path: of a table, or of the folder of a set.
        curves: table of the share of satisfied users, which MCL-JCI needs.

    Raises:
        ParameterError: the layout is unknown, or something is missing.
    """
    if path.is_file():
        return _read_table(path)
    if (path / "subjective_ratings.csv").is_file():
        return _read_konjnd(path)
    if is_vvc_jnd(path):
        return _read_vvc(path)
    if path.is_dir() and any(_MCL_JCI.search(file.name) for file in path.rglob("*.jp*g")):
        if curves is None:
            raise ParameterError(
                f"{path}: MCL-JCI needs its curves too: a table with ref_img, qf and first_SUR"
            )
        return _read_mcl_jci(path, curves)
    raise ParameterError(
        f"{path} is neither a table nor a folder of MCL-JCI, KonJND-1k or the VVC JND set"
    )


def write_judged(path: Path, rows: Sequence[Judged]) -> None:
    """Writes a table; file names are kept relative to it.

    Raises:
        ParameterError: a file is not below the table's folder.
    """
    from jndlic.files import write_atomically

    lines = [",".join(COLUMNS)]
    for row in rows:
        try:
            names = [file.relative_to(path.parent) for file in (row.reference, row.distorted)]
        except ValueError as error:
            raise ParameterError(f"{path}: {error}") from error
        lines.append(f"{names[0]},{names[1]},{row.codec},{row.level},{row.score:.4f},{row.source}")
    write_atomically(path, ("\n".join(lines) + "\n").encode())


def pixels_of(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 of a picture file or a .npy array, which is not read before it is used."""
    return (
        np.load(path, mmap_mode="r", allow_pickle=False)
        if path.suffix == ".npy"
        else load(path).pixels
    )


def by_reference(rows: Sequence[Judged]) -> dict[Path, list[Judged]]:
    """The versions of each picture."""
    groups: dict[Path, list[Judged]] = defaultdict(list)
    for row in rows:
        groups[row.reference].append(row)
    return dict(groups)


def score_of_share(share: float) -> float:
    """The score of a share of satisfied users, within SCORE_LIMIT."""
    edge = NormalDist().cdf(-SCORE_LIMIT)
    return NormalDist().inv_cdf(min(max(share, edge), 1.0 - edge))


def _read_table(path: Path) -> list[Judged]:
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not set(COLUMNS) <= set(rows[0]):
        raise ParameterError(f"{path} needs the columns {', '.join(COLUMNS)}, and at least one row")
    try:
        return [
            Judged(
                path.parent / row["reference"],
                path.parent / row["distorted"],
                row["codec"],
                int(row["level"]),
                float(row["score"]),
                row["source"],
            )
            for row in rows
        ]
    except ValueError as error:
        raise ParameterError(f"{path}: {error}") from error


def _read_mcl_jci(folder: Path, curves: Path) -> list[Judged]:
    with open(curves, encoding="utf-8", newline="") as file:
        shares = {
            (row["ref_img"], int(row["qf"])): float(row["first_SUR"])
            for row in csv.DictReader(file)
        }
    versions: dict[str, dict[int, Path]] = defaultdict(dict)
    originals: dict[str, Path] = {}
    for file in sorted(folder.rglob("ImageJND_SRC*")):
        found = _MCL_JCI.search(file.name)
        if found:
            versions[found[1].upper()][int(found[2])] = file
        elif file.suffix.lower() in (".bmp", ".png"):
            originals[file.stem.removeprefix("ImageJND_")[:5].upper()] = file
    rows = []
    for name, files in sorted(versions.items()):
        # Some copies of the set hold no uncoded pictures; quality 100 stands in for them, as it did
        # in published work.
        reference = originals.get(name, files.get(0, files.get(100)))
        if reference is None:
            raise ParameterError(
                f"{folder}: {name} has neither an original nor a JPEG of quality 100"
            )
        rows += [
            Judged(
                reference,
                file,
                "jpeg",
                quality,
                score_of_share(shares[name, quality]),
                f"{HUMAN}:MCL-JCI",
            )
            for quality, file in sorted(files.items())
            if file != reference and (name, quality) in shares
        ]
    if not rows:
        raise ParameterError(f"{curves} has no curve for any picture of {folder}")
    return rows


def _read_konjnd(folder: Path) -> list[Judged]:
    rows = []
    with open(folder / "subjective_ratings.csv", encoding="utf-8", newline="") as file:
        for entry in csv.DictReader(file):
            codec, finest = ("jpeg", 101) if entry["Compression type"] == "JPEG" else ("bpg", 51)
            # The level, 1 the finest, at which each person saw a change
            seen_from = np.array(json.loads(entry["ratings"]))
            reference = folder / "source_image" / entry["image_id"]
            suffix = "jpg" if codec == "jpeg" else "png"
            for version in sorted(
                (folder / codec).glob(f"{reference.stem}_{codec.upper()}_*.{suffix}")
            ):
                level = int(version.stem.rsplit("_", 1)[1])
                share = float((seen_from > level).mean())
                rows.append(
                    Judged(
                        reference,
                        version,
                        codec,
                        finest - level,
                        score_of_share(share),
                        f"{HUMAN}:KonJND-1k",
                    )
                )
    if not rows:
        raise ParameterError(f"{folder} holds none of the pictures of its table")
    return rows


def _read_vvc(folder: Path) -> list[Judged]:
    return [
        Judged(
            source.reference,
            version,
            "vvc",
            QPS[-1] - qp,
            score_of_share(source.satisfied(qp)),
            f"{HUMAN}:VVC-JND",
        )
        for source in read_vvc_jnd(folder)
        for qp, version in source.versions.items()
    ]
