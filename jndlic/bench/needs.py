"""Whether the extra [bench] is installed; loads nothing of it."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from jndlic.errors import JndlicError


def check_installed(who: str, names: Sequence[str]) -> None:
    """Says in one line what is missing.

    Args:
        who: needs it, for the message: "the benchmark".
        names: of packages as they are imported.

    Raises:
        JndlicError: some are not installed.
    """
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise JndlicError(f"{who} needs {', '.join(missing)}: pip install 'jndlic[bench]'")
