"""Commands around the picture-wise predictors: judged pictures from a proxy, training, export."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jndlic.console import run_command
from jndlic.optimize.predictors.learned import LearnedPredictor, save_predictor
from jndlic.optimize.predictors.metric import MetricPredictor
from jndlic.optimize.predictors.scales import SCALES
from jndlic.shipped_weights import SUFFIX
from jndlic.training.cli import TrainingCLI
from jndlic.training.photos.files import find_photos
from jndlic.training.predictors.data import JudgedData, validates
from jndlic.training.predictors.judged import Judged, by_reference, pixels_of, write_judged
from jndlic.training.predictors.judged_proxy import CODECS, make_versions
from jndlic.training.predictors.module import LEAST, PicturewiseTraining

TABLE = "judged.csv"


class PicturewiseCLI(TrainingCLI):
    """Lightning's command line; when a training is over, the predictor goes to
    default_root_dir/NAME.safetensors.
    """

    def after_fit(self) -> None:
        """Lightning's hook."""
        super().after_fit()
        name = self.model.hparams.model
        predictor = LearnedPredictor(name, self.model.model.cpu())
        found, wanted = whole_picture_scores(
            predictor, [row for row in self.datamodule.rows if validates(row.reference)]
        )
        predictor.slope, predictor.offset = map(float, np.polyfit(found, wanted, 1))
        found = predictor.slope * found + predictor.offset
        source = ", ".join(sorted({row.source for row in self.datamodule.rows}))
        path = Path(self.trainer.default_root_dir) / f"{name}{SUFFIX}"
        save_predictor(path, predictor, source)
        right, off = ((found >= LEAST) == (wanted >= LEAST)).mean(), np.abs(found - wanted).mean()
        print(
            f"{path}: trained on {source}; held-out pictures: accuracy {right:.3f}, mean "
            f"difference of scores {off:.3f}"
        )


def whole_picture_scores(
    predictor: LearnedPredictor, rows: Sequence[Judged]
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of whole pictures as a predictor finds them, and as they are."""
    found, wanted = [], []
    for reference, versions in by_reference(rows).items():
        judge = predictor.judge(np.ascontiguousarray(pixels_of(reference)))
        for row in versions:
            found.append(judge.score(np.ascontiguousarray(pixels_of(row.distorted))))
            wanted.append(row.score)
    return np.array(found), np.array(wanted)


def train() -> None:
    """`tools/train_predictor.py`."""
    PicturewiseCLI(
        PicturewiseTraining,
        JudgedData,
        seed_everything_default=1,
        save_config_kwargs={"overwrite": True},
    )


def prepare(argv: Sequence[str] | None = None) -> int:
    """`tools/prepare_judged.py`."""
    parser = argparse.ArgumentParser(
        prog="prepare_judged",
        description="coded photos with the scores of a proxy, to train the predictors on",
    )
    parser.add_argument(
        "photos",
        nargs="+",
        metavar="DIR",
        help="folders of photos with sides of at least 512 pixels",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help=f"for {TABLE} and the pixels, about 1 MB a version",
    )
    parser.add_argument(
        "--proxy",
        choices=sorted(SCALES),
        default="butteraugli",
        help="metric (default: %(default)s)",
    )
    parser.add_argument(
        "--codecs",
        nargs="+",
        metavar="CODEC",
        help=f"with the options of `jndlic bench` (default: {' '.join(CODECS)})",
    )
    parser.add_argument(
        "--versions",
        type=int,
        default=2,
        metavar="N",
        help="of each photo by each of --codecs (default: %(default)s)",
    )
    options = parser.parse_args(argv)
    return run_command("prepare_judged", lambda: _prepare(options))


def _prepare(options: argparse.Namespace) -> None:
    from tqdm import tqdm

    paths = find_photos(options.photos)
    options.out.mkdir(parents=True, exist_ok=True)
    versions: int = options.versions
    codecs = dict.fromkeys(options.codecs, versions) if options.codecs else CODECS
    rows: list[Judged] = []
    try:
        for row in make_versions(
            tqdm(paths, unit="photo"), options.out, MetricPredictor(options.proxy), codecs
        ):
            rows.append(row)
    finally:
        if rows:
            write_judged(options.out / TABLE, rows)
    print(f"{options.out / TABLE}: {len(rows)} versions of {len(by_reference(rows))} photos")
