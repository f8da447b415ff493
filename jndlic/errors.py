"""The exceptions of jndlic: every failure that a user can cause is one of these.

The command line maps them to exit codes: 2 for a `ParameterError`, 1 for all the others.
"""

from __future__ import annotations


class JndlicError(Exception):
    """Base class of everything that jndlic raises on purpose."""


class FormatError(JndlicError):
    """The .jlic file is damaged, truncated, foreign or hostile."""


class UnsupportedError(JndlicError):
    """The file is a .jlic file, but of a version, with a chunk or for weights that are not here; or
    the library that is needed for it is not.
    """


class ImageError(JndlicError):
    """The picture cannot be read or written, or its shape is not supported."""


class WeightsError(JndlicError):
    """The weights file is missing, damaged, or violates the rules of the integer networks."""


class ParameterError(JndlicError, ValueError):
    """An argument is out of its range, for example a quality outside 1..100."""


class TargetError(JndlicError):
    """No quality reaches a target.

    Args:
        message: what is wrong.
        quality: the one that comes nearest.
        best: what it reaches: bytes, bits per pixel, or the value of the metric.
    """

    def __init__(self, message: str, quality: int | None = None, best: float | None = None) -> None:
        super().__init__(message)
        self.quality, self.best = quality, best


class CodecError(JndlicError):
    """Another codec is not installed, or it failed."""


class ClusterError(JndlicError):
    """A Ray cluster cannot be reached, or a node of it would not do the same as this machine."""


class MetricError(JndlicError):
    """A library or program that a metric needs is not installed, or failed."""
