"""Checks of arguments that several parts of the package take."""

from __future__ import annotations

import operator

import numpy as np

from jndlic.errors import ParameterError


def whole_number(value: int, name: str) -> int:
    """A whole number of any type, numpy's included; True and False are none.

    Args:
        value: to check.
        name: of the argument, for the message.

    Raises:
        ParameterError: it is none.
    """
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise ParameterError(f"{name} must be an integer, got {value!r}") from None
