"""Files of tensors, safetensors as it is: numbers by name and words by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from jndlic.errors import WeightsError


def read_tensors(
    path: str | Path, kind: str = "weights file"
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """All tensors of a file, and its metadata.

    Args:
        path: of a .safetensors file.
        kind: what it should be, for the message.

    Raises:
        WeightsError: it is missing or damaged.
    """
    try:
        with safe_open(path, "np") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{kind} {path} cannot be read: {error}") from error


def read_words(path: str | Path, kind: str = "weights file") -> dict[str, str]:
    """The metadata alone; arguments and errors as of `read_tensors`."""
    try:
        with safe_open(path, "np") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{kind} {path} cannot be read: {error}") from error
