"""`jndlic encode --target-size`, `--target-bpp` and `--target-metric`, in place of a quality."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from jndlic.choices import METRICS
from jndlic.cli.common import Chosen, NoCodec, finite, search_facts
from jndlic.errors import JndlicError, ParameterError
from jndlic.targets.target import (
    MetricTarget,
    RateTarget,
    SizeTarget,
    Target,
    metric_target,
    rate_target,
    size_target,
)

if TYPE_CHECKING:
    import numpy as np

    from jndlic.images.picture import Picture
    from jndlic.jnd.regions import Roi
    from jndlic.runtime.backend import Backend
    from jndlic.targets.scale import Scale

AnyTarget = TypeVar("AnyTarget", SizeTarget, RateTarget, MetricTarget)

_UNITS = {
    "": 1,
    "b": 1,
    **{
        f"{letter}{rest}": 1000**power
        for power, letter in enumerate("kmg", 1)
        for rest in ("", "b")
    },
    **{f"{letter}ib": 1024**power for power, letter in enumerate("kmg", 1)},
}


def add_options(quality: argparse._MutuallyExclusiveGroup) -> None:
    """Adds the targets to `encode`, in a group with the quality that they take the place of."""
    quality.add_argument(
        "--target-size",
        type=_size,
        metavar="SIZE",
        help="the best quality whose file has at most so many bytes, or 200KB, 1.5MB, 200KiB",
    )
    quality.add_argument(
        "--target-bpp",
        type=_rate,
        metavar="X",
        help="the same in bits per pixel",
    )
    quality.add_argument(
        "--target-metric",
        type=_metric,
        metavar="NAME=VALUE",
        help="the smallest file that is not worse by a metric (ssimulacra2=80): "
        f"{', '.join(METRICS)}",
    )


def add_metric_options(parser: argparse.ArgumentParser) -> None:
    """Adds what metrics need."""
    parser.add_argument(
        "--lpips-weights",
        metavar="FILE",
        help="SqueezeNet trunk for --target-metric lpips-squeeze=VALUE ($JNDLIC_LPIPS_WEIGHTS)",
    )


def chosen_target(arguments: argparse.Namespace) -> Target | None:
    """The target that the options name; None where there is none.

    Raises:
        ParameterError: weights of LPIPS, and another target.
    """
    target = arguments.target_size or arguments.target_bpp or arguments.target_metric
    if arguments.lpips_weights is None:
        return target
    if not isinstance(target, MetricTarget) or target.name != "lpips-squeeze":
        raise ParameterError("--lpips-weights goes with --target-metric lpips-squeeze=VALUE")
    return target._replace(lpips_weights=arguments.lpips_weights)


class ToTarget:
    """Encodes pictures to a target. Metrics are loaded when they are first needed.

    Args:
        target: to meet.
    """

    def __init__(self, target: Target) -> None:
        self._target = target

    def encode(
        self,
        picture: Picture,
        codec: Backend,
        jnd: np.ndarray | str,
        roi: Roi | None,
        input_bytes: int,
        progress: Callable[[float], None] | None,
    ) -> Chosen:
        """See Chooser."""
        from jndlic.targets.encoding import encode_to_target

        found = encode_to_target(picture, self._target, codec, jnd, progress, self._scale, roi)
        said = f"quality {found.quality}"
        if isinstance(self._target, MetricTarget):
            said += f", {self._target.said(found.value)}"
        wanted, reached = self._target.wanted, finite(found.value)
        facts = search_facts(found.quality, self._target.name, wanted, reached, found.files)
        return Chosen(found.data, f"{said}, {found.files} tried", facts)

    @cached_property
    def _scale(self) -> Scale | None:
        """Of a metric.

        Raises:
            NoCodec: what it needs is not here.
        """
        if not isinstance(self._target, MetricTarget):
            return None
        try:
            return self._target.open()
        except (JndlicError, OSError) as error:
            raise NoCodec(error) from error


def _size(text: str) -> SizeTarget:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip().lower())
    if found is None or found[2] not in _UNITS:
        raise argparse.ArgumentTypeError(
            f"must be a number of bytes such as 50000, 200KB, 1.5MB or 200KiB, got {text!r}"
        )
    # Whole bytes, rounded down; a Fraction, since 1.1 is no binary number
    return _checked(size_target, int(Fraction(found[1]) * _UNITS[found[2]]))


def _rate(text: str) -> RateTarget:
    return _checked(rate_target, _value(text))


def _metric(text: str) -> MetricTarget:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(
            f"must be the name of a metric and a value, such as ssimulacra2=80, got {text!r}"
        )
    return _checked(metric_target, name, _value(value))


def _value(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, got {text!r}") from None


def _checked(make: Callable[..., AnyTarget], *values: object) -> AnyTarget:
    try:
        return make(*values)
    except ParameterError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
