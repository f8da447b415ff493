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
from jndlic.cli import formats
from jndlic.cli.common import add_strict_option, naming, refuse_losses, tell_losses
from jndlic.cli.formats import FORMATS, output_form
from jndlic.cli.jobs import Job
from jndlic.cli.streams import STANDARD, check, is_stream, named_output, output_name, read, write
from jndlic.console import GOOD, say, share_line
from jndlic.errors import ParameterError

if TYPE_CHECKING:
    import numpy as np

    from jndlic.images.picture import Picture

_ARRAY = "npy"


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
    action.add_argument(
        "--format",
        choices=(_ARRAY, *FORMATS),
        help="where OUT has no suffix that tells (default: npy)",
    )
    _add_model(action)
    action.set_defaults(run=_map)

    action = actions.add_parser(
        "inject", help="noise at the threshold: how much a model hides, for the eye to check"
    )
    _add_paths(action, "picture")
    formats.add_option(action)
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
    formats.add_option(action)
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
    add = parser.add_argument
    add("input", metavar="IN", help="picture; - is standard input")
    add("output", metavar="OUT", help=f"{target}; - is standard output")
    add("-f", "--force", action="store_true", help="replace OUT if it is there already")
    add_strict_option(parser)
    add("--quiet", action="store_true", help="print nothing but errors")


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", choices=JND_MODELS, default=JND_MODELS[0], help="(default: %(default)s)"
    )


def _map(arguments: argparse.Namespace) -> int:
    target = _target(arguments)
    form = _map_form(target, arguments.format, arguments.force)
    picture = _read(arguments)
    import numpy as np

    from jndlic.images.files import picture_file
    from jndlic.images.picture import Picture

    jnd = _tolerance(picture.pixels, arguments)
    said = (
        f"mean {jnd.mean():.2f}, 1 % below {np.percentile(jnd, 1):.2f}, 1 % above "
        f"{np.percentile(jnd, 99):.2f} grey levels"
    )
    if form is None:
        file = io.BytesIO()
        np.save(file, jnd, allow_pickle=False)
        content = file.getvalue()
    else:
        scale = max(1, int(255 / max(float(np.percentile(jnd, 99.9)), 1.0)))
        shown = np.clip(np.rint(jnd * scale), 0, 255).astype(np.uint8)
        content, _ = picture_file(Picture(shown), form)
        said += f"; {scale} levels of the picture are one grey level"
    return _write(arguments, target, content, picture.losses, said)


def _inject(arguments: argparse.Namespace) -> int:
    def noisy(pixels: np.ndarray) -> np.ndarray:
        from jndlic.jnd.models import inject

        return inject(pixels, _tolerance(pixels, arguments), arguments.level, arguments.seed)

    return _rewrite(arguments, noisy, "noise of {:.2f} dB")


def _filter(arguments: argparse.Namespace) -> int:
    def filtered(pixels: np.ndarray) -> np.ndarray:
        from jndlic.jnd.models import critical

        return critical(pixels, arguments.model)

    return _rewrite(arguments, filtered, "{:.2f} dB from the original")


def _rewrite(
    arguments: argparse.Namespace, change: Callable[[np.ndarray], np.ndarray], said: str
) -> int:
    """Writes a changed picture with all that the original carries; `said` tells the PSNR between
    both.
    """
    target, chosen = _target(arguments), arguments.format
    output_form(target, chosen, arguments.force)  # an unknown suffix should not cost the reading
    picture = _read(arguments)
    from jndlic.images.files import picture_file
    from jndlic.images.losses import writing_losses
    from jndlic.images.metadata import metadata_of
    from jndlic.metrics.psnr import psnr

    form = output_form(target, chosen, arguments.force, picture.grey)
    # Nor should what the format cannot hold cost a slow model
    with naming(Job(arguments.input, target)):
        found = writing_losses(form, picture.alpha is not None, metadata_of(picture))
        refuse_losses(found, arguments.strict)
        changed = change(picture.pixels)
        content, lost = picture_file(replace(picture, pixels=changed), form)
        refuse_losses(lost, arguments.strict)
    told = said.format(psnr(picture.pixels, changed))
    return _write(arguments, target, content, picture.losses + lost, told)


def _map_form(target: str, chosen: str | None, force: bool) -> str | None:
    """The format of a map, see `output_form`; None for an array."""
    is_array, streamed = Path(target).suffix.lower() == f".{_ARRAY}", is_stream(target)
    if chosen is not None and (chosen == _ARRAY) != is_array and not (force or streamed):
        if is_array:
            raise ParameterError(f"{target}: the suffix says .{_ARRAY}, --format {chosen}")
        if chosen == _ARRAY:
            raise ParameterError(f"{target}: --format {chosen} says .{_ARRAY}, the suffix does not")
    if chosen == _ARRAY or (chosen is None and (is_array or streamed)):
        return None
    return output_form(target, chosen, force)


def _target(arguments: argparse.Namespace) -> str:
    """The name of the output, which can be written as far as that is known before the work."""
    target = named_output(arguments.output)
    check(arguments.input, target, arguments.force, arguments.force)
    return target


def _read(arguments: argparse.Namespace) -> Picture:
    """The picture in 8 bits a channel, which is what the models take."""
    from jndlic.images.files import decoded

    with naming(Job(arguments.input, arguments.output)):
        picture = decoded(io.BytesIO(read(arguments.input)))
        refuse_losses(picture.losses, arguments.strict)
    return picture


def _write(
    arguments: argparse.Namespace, target: str, content: bytes, losses: tuple[str, ...], said: str
) -> int:
    write(target, content)
    tell_losses(arguments.input, losses, arguments.quiet)
    if not arguments.quiet:
        say(f"{output_name(target)}: {said}", to_stderr=target == STANDARD)
    return GOOD


def _tolerance(pixels: np.ndarray, arguments: argparse.Namespace) -> np.ndarray:
    from jndlic.jnd.models import tolerance_map

    return tolerance_map(pixels, arguments.model, share_line(not arguments.quiet))
