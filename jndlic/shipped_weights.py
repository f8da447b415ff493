"""Where the weights that come with jndlic lie.

In the repository they are in weights/, at the top; the wheel carries the same folder as the package
data of `jndlic.shipped` (setup.cfg maps one to the other). An installation for development has no
copy: it reads the repository's folder.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from jndlic.errors import WeightsError

SUFFIX = ".safetensors"
DEFAULT_WEIGHTS = "jndlic-base"
PREDICTORS = "predictors"
"""The folder, below that of the codec's weights, of the networks that predict what people see."""


def shipped_weights(name: str) -> Path:
    """The file of the shipped weights called `name`.

    Args:
        name: for example "jndlic-base"; letters, digits, dots, hyphens and underscores.

    Returns:
        Path of an existing file.

    Raises:
        WeightsError: no such weights are shipped.
    """
    if name not in shipped_names():  # membership also rules out names that lead out of the folder
        known = ", ".join(shipped_names()) or "none"
        raise WeightsError(f"no weights called {name!r} come with this jndlic (there are: {known})")
    return shipped_folder() / (name + SUFFIX)


def shipped_names() -> list[str]:
    """Names of the shipped weights, sorted."""
    return sorted(path.name.removesuffix(SUFFIX) for path in shipped_folder().glob("*" + SUFFIX))


@lru_cache(maxsize=16)
def shipped_name(fingerprint: bytes) -> str:
    """Name of the shipped weights with this fingerprint; empty if there are none. Reads the heads
    of their files, no tensors.

    Args:
        fingerprint: as in a .jlic file.
    """
    for name in shipped_names():
        # Safetensors: the length of its JSON header, then that
        with shipped_weights(name).open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        if header["__metadata__"].get("fingerprint") == fingerprint.hex():
            return name
    return ""


def shipped_predictor(name: str) -> Path:
    """Where the shipped weights of a predictor lie; they may not be there.

    Args:
        name: "structure", "vp" or "sg".
    """
    return shipped_folder() / PREDICTORS / (name + SUFFIX)


def shipped_folder() -> Path:
    """The folder of the shipped weights; it may not exist."""
    package = Path(__file__).resolve().parent
    installed = package / "shipped"
    return installed if installed.is_dir() else package.parent / "weights"
