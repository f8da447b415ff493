"""Reading the checkpoints that Lightning writes."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch

from jndlic.errors import WeightsError


def read(path: str | Path) -> dict:
    """Content of a .ckpt file; nothing in it is executed.

    Raises:
        WeightsError: there is no such file, or it is damaged or something else.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise WeightsError(f"{path} is not a checkpoint: {error}") from error
    if not isinstance(content, dict) or "state_dict" not in content:
        raise WeightsError(f"{path} is not a checkpoint")
    return content
