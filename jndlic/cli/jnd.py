"""`jndlic jnd`: tolerance maps as files, noise at the threshold, pictures without invisible
detail.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jndlic.choices import JND_FILTERS, JND_MODELS
from jndlic.console import note, say, share_line
from jndlic.files import check_paths

if TYPE_CHECKING:
    import numpy as np


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Adds `jnd` and what stands below it."""
    parser = commands.add_parser(
        "jnd", help="just-noticeable differences: maps, noise at the threshold, filtered pictures"
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    action = actions.add_parser(
        "map", help="tolerance of every pixel, .npy (grey levels) or a picture"
    )
    _add_paths(action, "map: .npy for float32 (H, W, 3), or a picture that shows it")
    _add_model(action)
    action.set_defaults(run=_map)

    action = actions.add_parser(
        "inject", help="noise at the threshold: how much a model hides, for the eye to check"
    )
    _add_paths(action, "picture")
    _add_model(action)
    action.add_argument(
        "--level",
        type=float,
        default=1.0,
        help="of the noise; 1 is the threshold (default: %(default)s)",
    )
    action.add_argument("--seed", type=int, default=0, help="of its signs (default: %(default)s)")
    action.set_defaults(run=_inject)

    action = actions.add_parser(
        "filter", help="the picture without invisible detail, for another codec to compress"
    )
    _add_paths(action, "picture")
    action.add_argument(
        "--model", choices=JND_FILTERS, default=JND_FILTERS[0], help="(default: %(default)s)"
    )
    action.set_defaults(run=_filter)


def add_encoder_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--jnd` to `encode`."""
    parser.add_argument(
        "--jnd",
        choices=JND_MODELS,
        default=JND_MODELS[0],
        help=(
            "JND model whose map says where quality goes (default: %(default)s, the encoder's own)"
        ),
    )


def _add_paths(parser: argparse.ArgumentParser, target: str) -> None:
    parser.add_argument("input", type=Path, metavar="IN", help="picture")
    parser.add_argument("output", type=Path, metavar="OUT", help=target)
    parser.add_argument(
        "-f", "--force", action="store_true", help="replace OUT if it is there already"
    )


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", choices=JND_MODELS, default=JND_MODELS[0], help="(default: %(default)s)"
    )


def _map(arguments: argparse.Namespace) -> int:
    check_paths(arguments.input, arguments.output, arguments.force)
    import numpy as np

    from jndlic.files import write_atomically
    from jndlic.images.files import load, output_format, save
    from jndlic.images.picture import Picture

    as_array = arguments.output.suffix.lower() == ".npy"
    if not as_array:
        output_format(arguments.output)
    jnd = _tolerance(load(arguments.input).pixels, arguments.model)
    said = (
        f"mean {jnd.mean():.2f}, 1 % below {np.percentile(jnd, 1):.2f}, 1 % above "
        f"{np.percentile(jnd, 99):.2f} grey levels"
    )
    if as_array:
        content = io.BytesIO()
        np.save(content, jnd, allow_pickle=False)
        write_atomically(arguments.output, content.getvalue())
    else:
        scale = max(1, int(255 / max(float(np.percentile(jnd, 99.9)), 1.0)))
        save(arguments.output, Picture(np.clip(np.rint(jnd * scale), 0, 255).astype(np.uint8)))
        said += f"; {scale} levels of the picture are one grey level"
    say(f"{arguments.output}: {said}")
    return 0


def _inject(arguments: argparse.Namespace) -> int:
    def noisy(pixels: np.ndarray) -> np.ndarray:
        from jndlic.jnd.models import inject

        return inject(pixels, _tolerance(pixels, arguments.model), arguments.level, arguments.seed)

    return _rewrite(arguments, noisy, "noise of {:.2f} dB")


def _filter(arguments: argparse.Namespace) -> int:
    def filtered(pixels: np.ndarray) -> np.ndarray:
        from jndlic.jnd.models import critical

        return critical(pixels, arguments.model)

    return _rewrite(arguments, filtered, "{:.2f} dB from the original")


def _rewrite(
    arguments: argparse.Namespace, change: Callable[[np.ndarray], np.ndarray], said: str
) -> int:
    """Saves a changed picture with all that the original carries; `said` tells the PSNR between
    both.
    """
    check_paths(arguments.input, arguments.output, arguments.force)
    from jndlic.images.files import load, output_format, save

    output_format(arguments.output)
    picture = load(arguments.input)
    for loss in picture.losses:
        note(f"jndlic: {arguments.input}: {loss}")
    changed = change(picture.pixels)
    save(arguments.output, replace(picture, pixels=changed))
    from jndlic.metrics.psnr import psnr

    say(f"{arguments.output}: {said.format(psnr(picture.pixels, changed))}")
    return 0


def _tolerance(pixels: np.ndarray, model: str) -> np.ndarray:
    from jndlic.jnd.models import tolerance_map

    return tolerance_map(pixels, model, share_line())
