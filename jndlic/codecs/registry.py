"""Codecs by name.

A codec is named by text: NAME[:OPTION=VALUE,...][@LEVEL,LEVEL,...], for example

    jndlic    avif:speed=6    jpeg:subsampling=4:4:4@30,60,90    jndlic:weights=runs/new.safetensors
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import NamedTuple

from jndlic.codecs.bpg import Bpg
from jndlic.codecs.codec import ImageCodec
from jndlic.codecs.jpeg_xl import JpegXl
from jndlic.codecs.pillow import Avif, Jpeg, WebP
from jndlic.codecs.programs import Program
from jndlic.codecs.vvc import Vvc
from jndlic.errors import ParameterError
from jndlic.shipped_weights import DEFAULT_WEIGHTS

FILTER = "filter"
"""An option of every codec: what happens to the picture before it is encoded, see
jndlic/codecs/filtered.py.
"""


class Spec(NamedTuple):
    """What the text that names a codec says."""

    kind: str
    options: dict[str, str]
    levels: tuple[int, ...] | None
    """None: the codec's usual ones."""


def _jndlic(weights: str = DEFAULT_WEIGHTS, device: str = "cpu", jnd: str = "") -> ImageCodec:
    # Here and below: torch and compressai load only for those who ask
    from jndlic.codecs.ours import Jndlic

    return Jndlic(weights, device, jnd)


def _checkpoint(checkpoint: str = "") -> ImageCodec:
    from jndlic.codecs.compressai_codec import Checkpoint

    return Checkpoint(checkpoint)


def _zoo(model: str = "bmshj2018-hyperprior", metric: str = "mse") -> ImageCodec:
    from jndlic.codecs.compressai_zoo import Zoo

    return Zoo(model, metric)


KINDS: dict[str, Callable[..., ImageCodec]] = {
    "jndlic": _jndlic,
    "jpeg": Jpeg,
    "webp": WebP,
    "avif": Avif,
    "jxl": JpegXl,
    "vvc": Vvc,
    "bpg": Bpg,
    "zoo": _zoo,
    "checkpoint": _checkpoint,
    "program": Program,
}
"""Constructors by name. Their parameters are the options; all have defaults, which tell their
types.
"""

PROGRAMS = (Vvc, Bpg, Program)
"""Those that run programs of their own."""


def parse_spec(text: str) -> Spec:
    """Takes a codec's text apart.

    Raises:
        ParameterError: there is no such codec, or the text is not of the form.
    """
    rest, _, numbers = text.rpartition("@")
    levels = None
    if rest:
        try:
            levels = tuple(int(number) for number in numbers.split(","))
        except ValueError:
            raise ParameterError(
                f"{text!r}: levels are integers with commas between, got {numbers!r}"
            ) from None
    kind, _, options = (rest or text).partition(":")
    if kind not in KINDS:
        raise ParameterError(f"no codec {kind!r}; there are {', '.join(KINDS)}")
    pairs = {
        name: value
        for name, _, value in (pair.partition("=") for pair in options.split(",") if pair)
    }
    known = (*inspect.signature(KINDS[kind]).parameters, FILTER)
    unknown = set(pairs) - set(known)
    if unknown:
        raise ParameterError(
            f"{kind} has no option {', '.join(sorted(unknown))}; it has {', '.join(known)}"
        )
    return Spec(kind, pairs, levels)


def open_codec(text: str) -> ImageCodec:
    """The codec of that text; `usual_levels` are those of the text where it names some.

    Raises:
        ParameterError: the text is wrong, or an option out of its range.
        CodecError: a library, a program or weights are missing.
    """
    return build(parse_spec(text))


def build(spec: Spec) -> ImageCodec:
    """The codec that a specification describes.

    Raises:
        ParameterError, CodecError: as `open_codec`.
    """
    constructor, options = KINDS[spec.kind], dict(spec.options)
    chosen_filter = options.pop(FILTER, None)
    arguments: dict[str, str | int] = {}
    for name, value in options.items():
        wanted = type(inspect.signature(constructor).parameters[name].default)
        try:
            arguments[name] = wanted(value)
        except ValueError:
            raise ParameterError(
                f"{spec.kind}:{name}={value}: {name} must be of type {wanted.__name__}, got "
                f"{value!r}"
            ) from None
    codec = constructor(**arguments)
    if chosen_filter is not None:
        from jndlic.codecs.filtered import Filtered

        codec = Filtered(codec, chosen_filter)
    if spec.levels:
        codec.usual_levels = spec.levels
    return codec
