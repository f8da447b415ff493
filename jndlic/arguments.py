"""Checks of arguments that several parts of the package take."""

from __future__ import annotations

import operator

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
        # numpy's by its dtype: a help text should not wait for numpy
        if isinstance(value, bool) or str(getattr(value, "dtype", "")) == "bool":
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise ParameterError(f"{name} must be an integer, got {value!r}") from None
