"""Commands around the structure network: pairs of patches, training, export."""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

from jndlic.console import run_command
from jndlic.jnd.structure_net import NAME, save_structure
from jndlic.training.cli import TrainingCLI
from jndlic.training.photos.files import find_photos
from jndlic.training.structure.module import PairData, StructureTraining
from jndlic.training.structure.pairs import (
    PATCHES,
    PROXIES,
    SHARE,
    THRESHOLD,
    collect,
    labelled_pictures,
    proxy_pictures,
    read_pairs,
    write_pairs,
)


class StructureCLI(TrainingCLI):
    """Lightning's command line; when a training is over, the network goes to
    default_root_dir/structure.safetensors.
    """

    def after_fit(self) -> None:
        """Lightning's hook."""
        super().after_fit()
        source = read_pairs(Path(self.datamodule.hparams.pairs)).source
        path = Path(self.trainer.default_root_dir) / f"{NAME}.safetensors"
        save_structure(self.model.net, path, source)
        loss, still = (
            float(self.trainer.callback_metrics[f"val/{name}"]) for name in ("loss", "unchanged")
        )
        print(
            f"{path}: trained towards {source}; held-out pictures: {loss:.4f} grey levels, "
            f"{still:.4f} where nothing is changed"
        )


def train() -> None:
    """`tools/train_structure.py`."""
    StructureCLI(
        StructureTraining,
        PairData,
        seed_everything_default=1,
        save_config_kwargs={"overwrite": True},
    )


def prepare(argv: Sequence[str] | None = None) -> int:
    """`tools/prepare_structure.py`."""
    parser = argparse.ArgumentParser(
        prog="prepare_structure", description="pairs of patches to train the structure network on"
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--photos",
        nargs="+",
        metavar="DIR",
        help="folders of photos; their targets come from a proxy",
    )
    source.add_argument(
        "--judged",
        type=Path,
        metavar="PATH",
        help="pictures judged by people: folder of the VVC JND set or KonJND-1k, or a table",
    )
    parser.add_argument("--proxy", choices=PROXIES, default="avif", help="(default: %(default)s)")
    parser.add_argument(
        "--threshold",
        type=float,
        default=THRESHOLD,
        help="SSIMULACRA2 of a proxy by a codec (default: %(default)s)",
    )
    parser.add_argument(
        "--share",
        type=float,
        default=SHARE,
        help="of the people who see no change (default: %(default)s)",
    )
    parser.add_argument(
        "--patches",
        type=int,
        default=PATCHES,
        metavar="N",
        help="of each picture (default: %(default)s)",
    )
    parser.add_argument(
        "--lossy-reduction",
        type=float,
        default=1.75,
        help="JPEG photos are scaled down by this first (default: %(default)s)",
    )
    parser.add_argument("out", type=Path, metavar="OUT.npz")
    options = parser.parse_args(argv)
    return run_command("prepare_structure", lambda: _prepare(options))


def _prepare(options: argparse.Namespace) -> None:
    from tqdm import tqdm

    if options.judged:
        pictures, total, name = (
            labelled_pictures(options.judged, options.share),
            None,
            f"human:{options.judged.name}, {options.share:.0%} satisfied",
        )
    else:
        paths = find_photos(options.photos)
        random.Random(0).shuffle(paths)  # the last of them validate: they shall be of all folders
        pictures, total = (
            proxy_pictures(paths, options.proxy, options.threshold, options.lossy_reduction),
            len(paths),
        )
        name = f"proxy:{options.proxy}" + (
            f", SSIMULACRA2 {options.threshold:g}" if options.proxy != "klt" else ""
        )
    pairs = collect(tqdm(pictures, total=total, unit="picture"), options.patches, name)
    write_pairs(options.out, pairs)
    print(f"{options.out}: {len(pairs.reference)} pairs, {pairs.source}")
